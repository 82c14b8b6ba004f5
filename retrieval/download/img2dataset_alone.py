"""img2dataset, imported without torch and ray, which are not used here and cost 2 s and 200 MB per process.

webdataset imports torch, and img2dataset imports ray, if they are installed. Import this module first wherever
img2dataset is used. It hides both from the whole process unless they are imported already, as in a Ray worker.
"""

import sys

for name in ("torch", "ray"):
    sys.modules.setdefault(name, None)

import img2dataset.main  # noqa: E402, F401
