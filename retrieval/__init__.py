"""What the scripts are made of: here what several share; in substring/, semantic/, download/ what one stage uses."""
