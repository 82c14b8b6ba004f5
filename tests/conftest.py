"""What the test files share: run a script as a user does, and find out what it said."""

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

# A test run is nobody's array task, and asks no network for anything.
for name in [name for name in os.environ if name.startswith("SLURM_")]:
    del os.environ[name]
os.environ |= {"NO_ALBUMENTATIONS_UPDATE": "1", "WANDB_MODE": "offline", "HF_HUB_OFFLINE": "1"}

# A slow machine is no failure, and each run of the suite tries the same examples; with FUZZ_EXAMPLES=2000 it tries new
# ones.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="FUZZ_EXAMPLES" not in os.environ,
)
settings.load_profile("suite")


def pytest_make_parametrize_id(val, argname):
    """Bytes never name a test: gzip writes the time into them, and the workers of a run must agree on all names."""
    return argname if isinstance(val, bytes) else None


# Few tests that take half a minute or more. Begun last, one of them would run alone. (xdist begins with the files of
# the most tests; `make test` tells it to keep the order of this file.)
LONG_FILES = ("test_slurm.py", "test_download_killed.py", "test_loaders.py", "test_demo.py", "test_download_images.py")


def pytest_collection_modifyitems(items):
    """Order the files. Tests marked as oracle compare with clip-retrieval and autofaiss: `make test` runs them in
    .venv-oracle."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name not in LONG_FILES, -tests[item.path], item.path))
    if importlib.util.find_spec("clip_retrieval") is None:
        skip = pytest.mark.skip(reason="clip-retrieval is in .venv-oracle")
        for item in items:
            if item.get_closest_marker("oracle"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def run_script():
    """run_script("filter_x.py", "--flag", ..., cwd=, env=, timeout=) -> CompletedProcess with text output."""

    def run(script: str, *arguments, cwd=ROOT, env=None, timeout=600) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(ROOT / script), *map(str, arguments)],
            cwd=cwd,
            env=os.environ | (env or {}),
            timeout=timeout,
            capture_output=True,
            text=True,
        )

    return run
