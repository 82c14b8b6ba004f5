"""What the scripts are made of: here what several share; in its folders what one stage alone uses."""
