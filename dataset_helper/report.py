"""Write the page of any stage's output folder, a finished dataset among them. retrieval/report.py says all of it.

python dataset_helper/report.py outputs/retrieved_data_substring/DTD
"""

import sys

import _root  # noqa: F401

from retrieval.report import main

if __name__ == "__main__":
    sys.exit(main())
