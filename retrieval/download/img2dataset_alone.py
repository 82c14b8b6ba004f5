"""img2dataset without torch, which webdataset would import and nothing here uses: 2 s and 200 MB a process.

Importing this module takes torch and ray away from its whole process: it is for processes that only fetch.
"""

import sys

sys.modules["torch"] = sys.modules["ray"] = None

import img2dataset.main  # noqa: E402, F401
