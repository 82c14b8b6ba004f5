"""What the scripts of dataset_helper/ are made of: things that are done with a finished dataset."""
