# make demo    the whole pipeline on the embedded pool; ends with a table and outputs/demo/report.html
# make test    every test
# make lint    ruff check and format
# make bench   the benchmarks (an hour; not part of the tests). caption_oracle.py wants a file of real captions
# Each sets .venv up first; the second time that is a matter of milliseconds.

FITS = import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for python in python3 python3.12 python3.11 python3.10; do \
	$$python -c '$(FITS)' 2>/dev/null && { echo $$python; break; }; done)
VENV = .venv
RUN = $(VENV)/bin/python
# Workers of the test run: one a core up to four, each with one thread, so that torch and faiss do not fight over cores.
TEST_WORKERS ?= 2

.PHONY: setup demo test lint bench clean

setup: $(VENV)/.complete

$(VENV)/.complete: requirements.txt requirements-test.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.10, 3.11 or 3.12 with venv was found: install one (Debian: python3-venv), or say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (about 6 GB on Linux: torch brings CUDA)"
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-test.txt
	@touch $@

demo: setup
	$(RUN) demo/run_demo.py

test: setup
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(TEST_WORKERS) --dist loadfile

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

bench: setup
	@for script in $(filter-out benchmarks/caption_oracle.py,$(wildcard benchmarks/*.py)); do \
		echo "$$ PYTHONPATH=. python $$script"; PYTHONPATH=. $(RUN) $$script || exit 1; done

clean:
	rm -rf outputs/demo .pytest_cache .ruff_cache
