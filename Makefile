# What a newcomer types. The first call makes .venv and installs into it; later calls install nothing until
# pyproject.toml or constraints.txt changes. `make PYTHON=/path/to/python3 demo` chooses another Python,
# `make VENV=/path demo` another place.

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
INSTALL = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
LUTHIER = $(VENV)/bin/luthier

export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

.PHONY: help demo test check bench bench-statistics

help:
	@echo "make demo    install, then from rows to a judged, tuned model on examples/support-triage"
	@echo "make test    all tests"
	@echo "make check   format, lint, types and the rules of the house"
	@echo "make bench   speed and memory of training against TRL and Transformers, side by side: hours; it tells how many"
	@echo "make bench-statistics   whether intervals, tests and verdicts keep their promises: simulations, 10 minutes"

demo: $(VENV)/.luthier-installed
	$(LUTHIER) run examples/support-triage/recipe.yaml

test: $(VENV)/.test-installed
	$(VENV)/bin/python -m pytest

check: $(VENV)/.check-installed
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python
	$(VENV)/bin/python -m pytest tests/house

# Peers come with the tests' packages. BENCH passes flags on: make bench BENCH="--model 45m --rounds 3"
bench: $(VENV)/.test-installed
	$(VENV)/bin/python -m benchmarks.ceiling
	$(VENV)/bin/python -m benchmarks.training $(BENCH)
	$(VENV)/bin/python benchmarks/generation.py

bench-statistics: $(VENV)/.test-installed
	$(VENV)/bin/python -m benchmarks.promises

$(VENV)/.made:
	@test -n "$(PYTHON)" || { \
		echo "luthier needs Python 3.11 or newer with pip and venv, and found none."; \
		echo "Install one, or name it: make PYTHON=/path/to/python3 demo"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# torch first and by its exact version, so that pip takes a build that is already at hand (CPU or a certain CUDA)
# before anything else can ask for another.
$(VENV)/.luthier-installed: pyproject.toml constraints.txt $(VENV)/.made
	@echo "Installing luthier into $(VENV): once, a few minutes."
	$(INSTALL) "$$(grep '^torch==' constraints.txt)"
	$(INSTALL) -e .
	@touch $@

$(VENV)/.test-installed: $(VENV)/.luthier-installed
	$(INSTALL) -e ".[test]"
	@touch $@

$(VENV)/.check-installed: $(VENV)/.test-installed
	$(INSTALL) -e ".[test,check]"
	@touch $@
