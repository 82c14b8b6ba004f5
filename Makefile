# make demo    the whole pipeline on the embedded pool; ends with two tables and outputs/demo/report.html
# make test    all tests
# make lint    ruff check and ruff format --check
# make bench   all benchmarks but caption_oracle.py, which needs a file of real captions (about an hour; not a test)
# Each target first sets up .venv (about 2 minutes and 6.5 GB). Once that is done, it takes milliseconds.

FITS = import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for python in python3 python3.12 python3.11 python3.10; do \
	$$python -c '$(FITS)' 2>/dev/null && { echo $$python; break; }; done)
VENV = .venv
RUN = $(VENV)/bin/python
# Processes of the test run. Each uses one thread, so that torch and faiss do not compete for cores.
TEST_WORKERS ?= 2

# `datasets` needs a newer pyarrow than the stages: its tests run it in an environment of its own (420 MB).
$(VENV)-datasets/.complete: requirements-datasets.txt $(VENV)/.complete
	$(RUN) -m venv $(VENV)-datasets
	$(VENV)-datasets/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-datasets.txt
	@touch $@

.PHONY: setup demo test lint bench clean

setup: $(VENV)/.complete

$(VENV)/.complete: requirements.txt requirements-test.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.10, 3.11 or 3.12 with venv was found: install one (Debian: python3-venv), or run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (about 6.5 GB on Linux: torch brings CUDA)"
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-test.txt
	@touch $@

demo: setup
	$(RUN) demo/run_demo.py

test: setup $(VENV)-datasets/.complete
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(TEST_WORKERS) --dist loadfile

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

bench: setup
	@for script in $(filter-out benchmarks/_root.py benchmarks/caption_shards.py benchmarks/caption_oracle.py,$(wildcard benchmarks/*.py)); do \
		echo "$$ python $$script"; $(RUN) $$script || exit 1; done

clean:
	rm -rf outputs/demo .pytest_cache .ruff_cache
