# make demo: see it work.  make test: the whole suite.  make help: the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where this is set, each process compiles every module again: 5 s of processor time for a worker's start.
unexport PYTHONDONTWRITEBYTECODE

# The evaluation set: the large one where it lies beside the clone; else, and in short, the demo company.
SMALL ?=
PARTS ?=
CHUNKS ?=
SET := $(firstword $(if $(SMALL),,$(wildcard ../shared/eval/dev)) examples/company)
COMPANY := $(SET)
EVAL_HOME := build/eval-$(notdir $(COMPANY:/=))

.PHONY: help demo demo-down test check ci attack format lint types contracts eval read words prove survive coverage bench shuffled nightly installers wheel lock clean

help:  ## what can be made
	@grep -E '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# uv where the machine has it, else pip. Both take what the lock names, line by line: no dependency is
# looked up, so no newer version is seen, and nothing is built. Where uv fails its words stay, and pip,
# which knows mirrors that uv does not, is tried. `make demo UV=` is pip alone. As with uv, a module is
# compiled when it is first imported: most never are.
UV ?= $(shell command -v uv)
LOCKED := --only-binary :all: --require-hashes -r
define install
{ [ -n "$(UV)" ] && "$(UV)" pip install --quiet --no-deps --python $(BIN)/python $(1); } \
  || { [ -z "$(UV)" ] || echo "uv failed, as shown above. Trying pip." >&2; \
       PIP_CERT="$(call certificates)" $(BIN)/python -m pip install --quiet --no-deps --no-compile $(1); }
endef
export UV_LINK_MODE := copy
# The system's certificates, for both: a company's proxy may sign again what it passes on. uv's setting had
# another name before 0.11; pip before 24.2 brings a list of its own, unless it was given one.
export UV_SYSTEM_CERTS := true
export UV_NATIVE_TLS := true
BUNDLES := /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem
certificates = $${PIP_CERT:-$$($(BIN)/python -m pip config get global.cert 2>/dev/null || echo $(firstword $(wildcard $(BUNDLES))))}

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Ken needs Python 3.11 or newer; '$(PYTHON)' is older. Name another: make demo PYTHON=python3.12"; exit 1; }
	@echo "Making the environment in $(VENV) (once)"
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif [ -n "$(UV)" ]; then "$(UV)" venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV); \
	else echo "This Python has no venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; fi

$(BIN)/ken: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements.txt locks"
	@$(call install,$(LOCKED) requirements.txt)
	@$(call install,--no-build-isolation --editable .)
	@touch $@

.venv: $(BIN)/ken  ## the environment, from the lock file

$(VENV)/dev: requirements-dev.txt $(BIN)/ken
	@echo "Adding the development tools to $(VENV)"
	@$(call install,$(LOCKED) requirements-dev.txt)
	@touch $@

demo: $(BIN)/ken  ## see it work: the demo company, one question, three people, different answers
	@$(BIN)/ken demo

demo-down: $(BIN)/ken  ## stop what `make demo` started
	@$(BIN)/ken down

test: $(VENV)/dev  ## the whole suite, on embedded servers of its own
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

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

eval: $(BIN)/ken  ## ask a whole question set, grade the answers, count leaks (SET=dir, its COMPANY=dir; SMALL=1: the short form)
	@mkdir -p build/figures
	@$(BIN)/ken --home $(EVAL_HOME) up
	@$(BIN)/ken --home $(EVAL_HOME) load $(COMPANY)
	@$(BIN)/ken --home $(EVAL_HOME) eval $(SET) --company $(COMPANY) $(if $(SMALL),--sample 50) --report build/figures/eval.json
	@$(if $(SMALL),:,$(BIN)/ken --home $(EVAL_HOME) eval $(SET) --company $(COMPANY) --echo --report build/figures/eval-echo.json)
	@$(BIN)/ken --home $(EVAL_HOME) down

words: $(VENV)/dev  ## put new texts of ours into the catalogues, and list those without a translation
	@mkdir -p build
	@$(BIN)/pybabel -q extract -k N_ -k spans_around --no-location -w 100 -o build/words.pot bot workers
	@for one in workers/wording/*.po; do \
	  $(BIN)/pybabel -q update -i build/words.pot -o $$one -l $$(basename $$one .po) -w 100 -N --ignore-obsolete --ignore-pot-creation-date; done
	@$(BIN)/python -m tests.workers.wording.untranslated

read: $(VENV)/dev  ## how well each format is read, and 10,000 mutated files (SMALL=1: 300)
	@SMALL=$(SMALL) $(BIN)/python -m tests.workers.ingest.measure

prove: $(VENV)/dev  ## the proofs of policies/: decisions, interleavings, paired worlds, mutants (SMALL=1: the short form; PARTS=… alone)
	@PYTHONHASHSEED=0 SMALL=$(SMALL) $(BIN)/python -m tests.prove $(PARTS)

survive: $(VENV)/dev  ## real processes, broken 1,000 times: nothing is lost, said twice or leaked (SMALL=1: once in each way)
	@PYTHONHASHSEED=0 SMALL=$(SMALL) $(BIN)/python -m tests.survive

attack: $(VENV)/dev  ## what a hostile document or model gets past Ken (SMALL=1: the short form; CLAIMS=FILE, PAYLOADS=DIR: your own)
	@SMALL=$(SMALL) $(BIN)/python -m tests.attack $(if $(CLAIMS),--claims $(CLAIMS)) $(if $(PAYLOADS),--payloads $(PAYLOADS))

coverage: $(VENV)/dev  ## policies/ has 100 % branch coverage, by its own tests
	@$(BIN)/pytest -n 2 tests/policies --ignore=tests/policies/test_mutants.py --cov=policies --cov-branch --cov-report=term-missing --cov-fail-under=100

bench: $(VENV)/dev  ## what searching, deciding and changing cost, and what Ken carries (a quiet machine; SMALL=1: less of it; CHUNKS=1000000: that many chunks)
	@SMALL=$(SMALL) CHUNKS=$(CHUNKS) $(BIN)/python -m benchmarks.search build/bench-home build/figures/bench.json
	@$(BIN)/python -m benchmarks.permissions build/bench-home build/figures/permissions.json
	@SMALL=$(SMALL) $(BIN)/python -m benchmarks.sources build/bench-home build/figures/sources.json
	@SMALL=$(SMALL) $(BIN)/python -m benchmarks.load build/bench-load-home build/figures/load.json

nightly: shuffled eval read prove attack survive coverage bench  ## every long suite in full, and the tests in a random order

SEED ?= $(shell od -An -N3 -tu4 /dev/urandom)

shuffled: $(VENV)/dev  ## the tests in a random order (SEED=…: the same one again)
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --shuffle=$(strip $(SEED))

clean:  ## delete what was built; homes with documents (.ken) stay
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# What a fresh machine has: no setting of an installer, no certificate in a variable. Only the caches are this machine's.
FRESH := build/installers
BARE = env -i PATH=/usr/bin:/bin HOME=$(CURDIR)/$(FRESH)/home XDG_CACHE_HOME="$${XDG_CACHE_HOME:-$$HOME/.cache}"

# An old build would add modules that were deleted since.
wheel: $(VENV)/dev  ## build/wheel/ken-VERSION.whl, which pip, pipx and uv tool install
	@rm -rf build/wheel build/lib build/bdist.*
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel .
	@ls build/wheel/*.whl

installers: $(VENV)/dev  ## the lock installs by pip alone, and by uv alone, into an empty environment of a fresh machine
	@rm -rf $(FRESH) && mkdir -p $(FRESH)/home
	@$(BIN)/python -m venv $(FRESH)/pip && $(BARE) $(MAKE) -s VENV=$(FRESH)/pip UV= $(FRESH)/pip/bin/ken
	@$(BARE) $(BIN)/uv venv --quiet --python $(BIN)/python $(FRESH)/uv
	@$(BARE) $(MAKE) -s VENV=$(FRESH)/uv UV=$(BIN)/uv $(FRESH)/uv/bin/ken
	@for one in pip uv; do $(BARE) $(BIN)/uv pip check --quiet --python $(FRESH)/$$one/bin/python && $(BARE) $(FRESH)/$$one/bin/ken --help >/dev/null || exit 1; done

# pip wants a line for the bare name, too, where the lock has one with an extra.
COMPILE = $(BIN)/uv pip compile -q --universal --generate-hashes --no-strip-extras --python-version 3.11 \
  --no-emit-index-url --no-header --no-annotate pyproject.toml
define bare_names
awk '/^[a-z0-9]/ { if (extra) printf "%s", bare; bare = ""; extra = /\[/ } \
  { print; sub(/\[[^]]*\]/, ""); bare = bare $$0 "\n" } END { if (extra) printf "%s", bare }' $(1) > $(1).new
@mv $(1).new $(1)
endef

lock: $(VENV)/dev  ## write the lock files again from pyproject.toml
	$(COMPILE) -o requirements.txt
	$(COMPILE) --extra dev -c requirements.txt -o requirements-dev.txt
	@$(call bare_names,requirements.txt)
	@$(call bare_names,requirements-dev.txt)
