"""The parts the three stages are made of, one idea a file."""
