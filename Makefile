# make demo    the whole pipeline on the embedded pool; ends with three tables and outputs/demo/report.html
# make test    all tests; those that compare with clip-retrieval and autofaiss run in .venv-oracle
# make test-cluster  the downloader on Ray and Spark, and gs://, in .venv-cluster (Spark needs Java 17 or newer)
# make test-core  the tests that depend most on the versions of Python and of the packages
# make lint    ruff check and ruff format --check
# make bench   all benchmarks but caption_oracle.py, which needs a file of real captions (about an hour; not a test)
# make oracle  .venv-oracle, with clip-retrieval and autofaiss, and the command autofaiss for .venv (Python 3.10 to 3.12)
# make lock    new versions within the ranges of requirements*.txt (needs uv)
# Each target first sets up .venv. Once that is done, it takes milliseconds. TORCH=cpu leaves CUDA out.

FITS = import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, $(1)))
find = $(shell for python in $(2); do $$python -c '$(call FITS,$(1))' 2>/dev/null && { echo $$python; break; }; done)
UV := $(shell command -v uv)
PYTHON ?= $(or $(call find,14,python3 python3.13 python3.12 python3.11 python3.10 python3.14),$(UV:%=3.12))
VENV = .venv
RUN = $(VENV)/bin/python
LOCK = requirements.lock
# Processes of the test run. Each uses one thread, so that torch and faiss do not compete for cores. Three keep two cores
# busy: a third of the time a test waits for servers, daemons and processes that it started.
TEST_WORKERS ?= 3
# A failed test runs once more and is named as rerun (R): servers, daemons, kills and browsers depend on the machine's load.
TEST = OMP_NUM_THREADS=1 $(1)/bin/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --reruns 1 -rR

# `datasets` needs a newer pyarrow than the stages: its tests run it in an environment of its own (420 MB).
$(VENV)-datasets/.complete: requirements-datasets.txt $(VENV)/.complete
	$(RUN) -m venv $(VENV)-datasets
	$(VENV)-datasets/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-datasets.txt
	@touch $@

ORACLE = .venv-oracle
# .venv's own Python where it is old enough: then both environments share torch.
ORACLE_PYTHON ?= $(or $(call find,12,$(abspath $(RUN)) python3.12 python3.11 python3.10),$(UV:%=3.12))

# uv takes torch's CPU builds from PyTorch's index by itself; pip must be told, and prefers them there (2.14.1+cpu).
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
CUDA_PACKAGES = ^(nvidia|cuda|triton)
ifdef UV
make_venv = $(UV) venv --quiet --allow-existing --python $(1) $(2)
install = $(UV) pip install --quiet --python $(1)/bin/python --no-deps $(TORCH:%=--torch-backend %)
else
make_venv = $(1) -m venv $(2)
install = $(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(TORCH:cpu=--extra-index-url $(TORCH_INDEX))
endif

.PHONY: setup oracle lock demo test test-core test-oracle test-cluster lint bench clean

setup: $(VENV)/.complete

$(VENV)/.complete: $(LOCK)
	@test -n "$(PYTHON)" || { echo "No Python 3.10 to 3.14 with venv was found: install one (Debian: python3-venv) or uv, which fetches one, or run make PYTHON=/path/to/python3.13" >&2; exit 1; }
	@test "$(TORCH)" = "" -o "$(TORCH)" = cpu || { echo "TORCH=$(TORCH): give cpu, or nothing for PyPI's own build" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) and $(or $(notdir $(UV)),pip): $(if $(TORCH),about 2 GB,about 6 GB on Linux because torch brings CUDA; TORCH=cpu takes about 2 GB)"
	$(call make_venv,$(PYTHON),$(VENV))
	grep -vE '$(if $(TORCH),$(CUDA_PACKAGES),^$$)' $(LOCK) > $(VENV)/installed.txt
	$(call install,$(VENV)) -r $(VENV)/installed.txt
	@touch $@

oracle: $(ORACLE)/.complete

# Without uv, what an environment has in common with .venv (torch: 5 GB) is read from there; uv links it from its cache.
share = for packages in $(1)/lib/python3*/site-packages; do shared=$(abspath $(VENV))$${packages\#$(1)}; \
	test -n "$(UV)" -o ! -d $$shared || echo $$shared > $$packages/shared.pth; done

$(ORACLE)/.complete: $(VENV)/.complete requirements-oracle.lock
	@test -n "$(ORACLE_PYTHON)" || { echo "clip-retrieval and autofaiss need Python 3.10, 3.11 or 3.12, and none was found: run make $@ ORACLE_PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Setting up $(ORACLE) with $(ORACLE_PYTHON): about 1 GB beside a $(VENV) of the same Python"
	$(call make_venv,$(ORACLE_PYTHON),$(ORACLE))
	@$(call share,$(ORACLE))
	grep -vE '$(if $(TORCH),$(CUDA_PACKAGES),^$$)' requirements-oracle.lock > $(ORACLE)/installed.txt
	$(call install,$(ORACLE)) -r $(ORACLE)/installed.txt
	@test -e $(VENV)/bin/autofaiss || ln -s $(abspath $(ORACLE))/bin/autofaiss $(VENV)/bin/autofaiss
	@touch $@

CLUSTER = .venv-cluster
$(CLUSTER)/.complete: $(VENV)/.complete requirements-cluster.lock
	@echo "Setting up $(CLUSTER) with Ray and Spark: 800 MB beside $(VENV)"
	$(call make_venv,$(abspath $(RUN)),$(CLUSTER))
	@$(call share,$(CLUSTER))
	grep -vE '$(if $(TORCH),$(CUDA_PACKAGES),^$$)' requirements-cluster.lock > $(CLUSTER)/installed.txt
	$(call install,$(CLUSTER)) -r $(CLUSTER)/installed.txt
	@touch $@

lock:
	uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-annotate --custom-compile-command "make lock" requirements.txt requirements-test.txt -o requirements.lock
	cp requirements.lock requirements-cluster.lock  # the same versions where they can be the same
	cp requirements.lock requirements-oracle.lock
	uv pip compile --quiet --universal --python-version 3.10 --no-annotate --custom-compile-command "make lock" requirements.txt requirements-test.txt requirements-cluster.txt -o requirements-cluster.lock
	uv pip compile --quiet --universal --python-version 3.10 --no-annotate --custom-compile-command "make lock" requirements-oracle.txt -o requirements-oracle.lock

demo: setup
	@echo "The demo takes 2 to 3 minutes on two cores, and 290 MB in outputs/demo"
	$(RUN) demo/run_demo.py

test: setup $(VENV)-datasets/.complete
	$(call TEST,$(VENV)) -m "not oracle"
	@$(if $(ORACLE_PYTHON),$(MAKE) --no-print-directory test-oracle,echo "No Python 3.10 to 3.12: the tests marked as oracle were left out")

# What depends most on the versions of Python, numpy, pyarrow and torch: about three minutes.
CORE = $(addprefix tests/test_,$(addsuffix .py,shards shard_sources records record_columns matching filter_substring \
	clip_model knn_search filter_semantic embeddings build_knn_index index_keys download_images shown_image))

test-core: setup
	$(call TEST,$(VENV)) -m "not oracle" $(CORE)

test-oracle: oracle
	$(call TEST,$(ORACLE)) -m oracle

test-cluster: $(CLUSTER)/.complete
	$(call TEST,$(CLUSTER)) tests/test_download_cluster.py tests/test_remote_gs.py

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

# knn_retrieval.py and index_build.py measure clip-retrieval and autofaiss beside ours, so they run where those are.
bench: setup oracle
	@for script in $(filter-out benchmarks/_root.py benchmarks/caption_shards.py benchmarks/caption_oracle.py,$(wildcard benchmarks/*.py)); do \
		case $$script in */knn_retrieval.py|*/index_build.py) python=$(ORACLE)/bin/python;; *) python=$(RUN);; esac; \
		echo "$$ python $$script"; $$python $$script || exit 1; done

clean:
	rm -rf outputs/demo .pytest_cache .ruff_cache
