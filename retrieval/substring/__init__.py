"""What filter_laion_metadata_substring.py alone uses, one idea per file."""
