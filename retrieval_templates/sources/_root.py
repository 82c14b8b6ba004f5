"""Puts the repository's root on the path, so that a script here imports `retrieval` from any working directory."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
