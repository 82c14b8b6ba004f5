"""What download_urls_img2dataset.py alone uses, one idea per file."""
