# make reproduce: the report on the paper's claims.   make test: the whole suite.   make lint: style and types.
# Everything is installed into .venv; PYTHON=/path/to/python3.12 chooses another interpreter, DRAWS and SEED
# change the reproduction, CONSTRAINTS=requirements-ci.txt pins every dependency.

SHELL := /bin/sh
DRAWS ?= 200
SEED ?= 1
REPORT ?= results/reproduce
CONSTRAINTS ?=
PYTEST ?= -n 2 --dist worksteal
RUNS ?= 1000000
TRUTHS ?= 20

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAIN := $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
SOURCES := pyproject.toml $(shell find model -type f ! -name '*.pyc')

.PHONY: reproduce test lint baselines study-sweep study-recovery notebooks notebooks-clear clean

reproduce: $(VENV)/installed
	$(BIN)/nicheloop reproduce --draws $(DRAWS) --seed $(SEED) --out $(REPORT)
	@echo "The report lies in $(REPORT)/report.html"

test: $(VENV)/installed-test
	$(BIN)/python -m pytest $(PYTEST)

lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pictures that the tests of figures compare with, drawn anew: look at each before it is committed.
baselines: $(VENV)/installed-test
	$(BIN)/python tests/figures/examples.py

# A million runs: throughput beside the engine's own, memory. RUNS=20000 for a short look.
study-sweep: $(VENV)/installed
	$(BIN)/python -m benchmarks.sweep --runs $(RUNS) --out results/study-sweep

# Virtual assays of 20 random truths, fitted: do 95 % intervals hold them? A call that was stopped goes on.
study-recovery: $(VENV)/installed-fit
	$(BIN)/python simulations/fit_recovery.py --truths $(TRUTHS) --out results/study-recovery

# The notebooks in a browser; and, before a commit, without what a run leaves in them.
notebooks: $(VENV)/installed-notebooks
	$(BIN)/jupyter lab notebooks

notebooks-clear: $(VENV)/installed-notebooks
	$(BIN)/jupyter nbconvert --clear-output --inplace --ClearMetadataPreprocessor.enabled=True \
	  --ClearMetadataPreprocessor.preserve_nb_metadata_mask="{'kernelspec', ('language_info', 'name')}" notebooks/*.ipynb

clean:
	rm -rf $(VENV) build dist results .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A stamp per set of extras: a second call installs nothing unless a source has changed.
$(VENV)/installed: $(VENV)/created $(SOURCES)
	$(PIP) install $(CONSTRAIN) .
	@touch $@

$(VENV)/installed-fit: $(VENV)/created $(SOURCES)
	$(PIP) install $(CONSTRAIN) ".[fit]"
	@touch $@ $(VENV)/installed

$(VENV)/installed-test: $(VENV)/created $(SOURCES)
	$(PIP) install $(CONSTRAIN) ".[test]"
	@touch $@ $(VENV)/installed

$(VENV)/installed-notebooks: $(VENV)/created $(SOURCES)
	$(PIP) install $(CONSTRAIN) ".[notebooks]"
	@touch $@ $(VENV)/installed $(VENV)/installed-fit

$(VENV)/installed-lint: $(VENV)/created pyproject.toml
	$(PIP) install $(CONSTRAIN) ".[lint]"
	@touch $@

$(VENV)/created:
	@python=$$(for name in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  command -v "$$name" >/dev/null 2>&1 || continue; \
	  "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue; \
	  command -v "$$name"; break; done); \
	if [ -z "$$python" ]; then echo "No Python 3.11-3.13 found: install one, or name it with make PYTHON=..." >&2; exit 1; fi; \
	echo "Making $(VENV) with $$python"; \
	"$$python" -m venv --clear $(VENV) || { \
	  echo "The venv module is incomplete: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	@touch $@
