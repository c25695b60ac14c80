# make demo: see it work.  make test: the whole suite.  make help: the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The evaluation set: the real one where it lies beside the clone, else the demo company.
SMALL ?=
SETS := ../shared/eval
SET := $(firstword $(wildcard $(SETS)/$(if $(SMALL),small,dev)) examples/company)
EVAL_HOME := build/eval-$(notdir $(SET))

.PHONY: help demo demo-down test check ci format lint types contracts eval prove survive coverage bench nightly lock clean

help:  ## what can be made
	@grep -E '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# uv installs eight times as fast as pip; pip knows mirrors that uv does not, so it is the second try.
define install
$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) 2>/dev/null \
  || $(BIN)/pip install --quiet --require-hashes -r $(1)
endef
export UV_LINK_MODE := copy

$(BIN)/uv: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Ken needs Python 3.11 or newer; '$(PYTHON)' is older. Name another: make demo PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Making the environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r requirements-uv.txt
	@touch $@

$(BIN)/ken: requirements.txt pyproject.toml $(BIN)/uv
	@echo "Installing what requirements.txt locks"
	@$(call install,requirements.txt)
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv: $(BIN)/ken  ## the environment, from the lock file

$(VENV)/dev: requirements-dev.txt $(BIN)/ken
	@echo "Adding the development tools to $(VENV)"
	@$(call install,requirements-dev.txt)
	@touch $@

demo: $(BIN)/ken  ## see it work: the demo company, one question, three people, different answers
	@$(BIN)/ken demo

demo-down: $(BIN)/ken  ## stop what `make demo` started
	@$(BIN)/ken down

test: $(VENV)/dev  ## the whole suite, on embedded servers of its own
	@$(BIN)/pytest -n 2

check: format lint types contracts test  ## everything that must hold before a push

format: $(VENV)/dev  ## write the code as we write it
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

lint: $(VENV)/dev
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: make format"; exit 1; }
	@$(BIN)/ruff check .

types: $(VENV)/dev
	@$(BIN)/mypy

contracts: $(VENV)/dev
	@$(BIN)/lint-imports

eval: $(BIN)/ken  ## ask a whole question set, count leaks and hits (SMALL=1: the short form)
	@mkdir -p build/figures
	@$(BIN)/ken --home $(EVAL_HOME) up
	@$(BIN)/ken --home $(EVAL_HOME) load $(SET)
	@$(BIN)/ken --home $(EVAL_HOME) eval $(SET) --report build/figures/eval.json
	@$(BIN)/ken --home $(EVAL_HOME) eval $(SET) --echo --report build/figures/eval-echo.json
	@$(BIN)/ken --home $(EVAL_HOME) down

prove: $(VENV)/dev  ## the proofs of policies/: decisions, interleavings, paired worlds, mutants (SMALL=1: the short form)
	@PYTHONHASHSEED=0 SMALL=$(SMALL) $(BIN)/python -m tests.prove

survive: $(VENV)/dev  ## real processes, broken 1,000 times: nothing is lost, said twice or leaked (SMALL=1: 150 times)
	@PYTHONHASHSEED=0 SMALL=$(SMALL) $(BIN)/python -m tests.survive

coverage: $(VENV)/dev  ## policies/ has 100 % branch coverage, by its own tests
	@$(BIN)/pytest -n 2 tests/policies --ignore=tests/policies/test_mutants.py --cov=policies --cov-branch --cov-report=term-missing --cov-fail-under=100

bench: $(VENV)/dev  ## what deciding and changing cost, and what Ken carries (a quiet machine; SMALL=1: less load)
	@$(BIN)/python -m benchmarks.permissions build/bench-home build/figures/bench.json
	@SMALL=$(SMALL) $(BIN)/python -m benchmarks.load build/bench-load-home build/figures/load.json

nightly: eval prove survive coverage bench  ## every long suite in full

clean:  ## delete what was built; homes with documents (.ken) stay
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

lock:  ## write the lock files anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.txt
	echo 'uv>=0.13' | uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --no-annotate - -o requirements-uv.txt
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --no-annotate --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
