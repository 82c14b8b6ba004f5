"""Write the page of a finished dataset, or of a filter's output, again: FOLDER/report.html.

In:  the output folder of any stage.
Out: report.html in it, or where --output says; with ten or more classes also charts as PNG.

    python dataset_helper/report.py outputs/retrieved_data_substring/DTD
    python dataset_helper/report.py outputs/dataset --output page.html --title "DTD from LAION-2B"

`python -m retrieval.report` does the same from the repository's root. docs/report.md explains the numbers.
"""

import sys

import _root  # noqa: F401

from retrieval.report import main

if __name__ == "__main__":
    sys.exit(main())
