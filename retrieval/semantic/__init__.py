"""What filter_laion_metadata_semantic.py alone uses, one idea per file."""
