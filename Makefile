# make demo: see it work.  make test: the whole suite.  make help: the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo demo-down test check format lint types contracts lock clean

help:  ## what can be made
	@grep -E '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(BIN)/ken: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Ken needs Python 3.11 or newer; '$(PYTHON)' is older. Name another: make demo PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Making the environment in $(VENV) (once, about half a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv: $(BIN)/ken  ## the environment, from the lock file

$(VENV)/dev: requirements-dev.txt $(BIN)/ken
	@echo "Adding the development tools to $(VENV)"
	@$(BIN)/pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

lock:  ## write the lock files anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --no-annotate --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
