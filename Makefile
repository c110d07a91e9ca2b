# Needs Python 3.11 or newer, git and make; everything else goes into .venv. `make help` lists the targets.
# Another interpreter: make PYTHON=python3.13 ...

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# Sets $$python to the first interpreter that runs, is new enough and can make a virtual environment.
FIND_PYTHON = python=; for candidate in $(PYTHON) python3.11 python3; do \
	if "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then python=$$candidate; break; fi; done; \
	if [ -z "$$python" ]; then \
	echo "fateline needs Python 3.11 or newer with its venv module: looked for $(PYTHON) python3.11 python3." >&2; \
	echo "Name another with: make PYTHON=/path/to/python" >&2; exit 1; fi

.PHONY: demo conform test check deep turn coverage engines some-engines bench constraints clean help

REPORT := build/conformance.html
AUDIT := build/audit.html
EXPLORER := build/explore.html
SOME := --instance 'diamond branches=2*' --instance 'nested*' --instance 'every pipeline of size 3*' --instance 'retries*'
EXAMPLES := build/examples

demo: $(READY) ## check the reference engine, an engine with a bug and a database, and say where the reports are
	@echo "1. The reference engine, on some pipelines of the small scope (make conform checks the standard scope):"
	@echo
	@$(BIN)/fateline conform --scope small $(SOME) --html $(REPORT)
	@echo
	@echo "2. An engine with one seeded bug:"
	@echo
	@$(BIN)/fateline zoo late-without-a-fate --show
	@echo
	@echo "3. An audit database that another engine wrote:"
	@echo
	@rm -rf $(EXAMPLES)
	@$(BIN)/fateline examples $(EXAMPLES)
	@echo
	@$(BIN)/fateline audit $(EXAMPLES)/databases/jan28_pre-topology.db --html $(AUDIT); [ $$? -eq 1 ]
	@echo
	@echo "4. A page in which you step a pipeline through the law:"
	@echo
	@$(BIN)/fateline explore $(EXAMPLES)/quorum/pipeline.yaml --output $(EXPLORER)
	@echo
	@echo "Open in a browser: $(REPORT), $(AUDIT) and $(EXPLORER). The laws, with their evidence: specs/README.md"

conform: $(READY) ## check the reference engine at the standard scope
	@$(BIN)/fateline conform --html $(REPORT)

test: $(READY) ## the tests, without the slow ones
	@$(BIN)/python -m pytest -q -n 2 -m "not slow"

check: $(READY) ## style, types, dead code, the import rules, and whether the book is fresh
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --check; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/vulture
	@$(BIN)/lint-imports --no-logo >$(VENV)/lint-imports.txt || { cat $(VENV)/lint-imports.txt; exit 1; }
	@$(BIN)/fateline spec --check >$(VENV)/spec.txt || { cat $(VENV)/spec.txt; exit 1; }
	@echo "check: style, types, dead code, import rules and the book hold"

deep: $(READY) ## scopes, crashes, mutants, proofs, slow tests, each with its seconds; less than 90 minutes on two free cores
	@$(BIN)/python -m tests.deep

# So many turns are needed to run every slow test; a continuous run takes the next with each commit.
TURNS := 60

turn: $(READY) ## a small part of the slow tests, another one with each commit
	@$(BIN)/python -m pytest -q -n 2 -m slow --turn $$(git rev-list --count HEAD 2>/dev/null || echo 0)/$(TURNS)

coverage: $(READY) ## how much of law and engine the tests reach, by branches
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(BIN)/coverage run -m pytest -q -n 2 -m "not slow" tests/model tests/impl tests/seeds
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

engines: $(READY) ## install the engines of others, once, and hold each against what is known of it; needs the network
	@$(BIN)/fateline engines --make
	@$(BIN)/python -m pytest -q -m engines tests/oracle/adapters tests/oracle/crash

# Four engines that are quick to install and to drive; without the network they are skipped, and said to be.
SMALL_ENGINES := spiffworkflow langgraph dbos bpmn_engine

some-engines: $(READY) ## the same for four small ones, at scope small; a continuous run does this
	-@$(BIN)/fateline engines --make $(SMALL_ENGINES)
	@$(BIN)/python -m pytest -q -rs -n 2 -m engines tests/oracle/adapters/test_driven.py

bench: $(READY) ## the benchmarks; they print ratios
	@$(BIN)/python -m bench

constraints: ## resolve the newest versions afresh and write constraints.txt
	@$(FIND_PYTHON); set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	"$$python" -m venv "$$fresh"; \
	"$$fresh/bin/python" -m pip --disable-pip-version-check -qq install -e '.[dev]'; \
	{ echo "# The versions that CI and make install: those of one resolved environment of '.[dev]'."; \
	  echo "# Refresh with: make constraints"; \
	  "$$fresh/bin/python" -m pip list --format=freeze --exclude-editable --exclude pip --exclude setuptools \
	  | LC_ALL=C sort -f; } > "$$fresh/constraints.txt"; \
	cp "$$fresh/constraints.txt" constraints.txt

clean: ## remove everything that can be made again, .venv too
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find model impl oracle tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r target text; do \
	printf '  make %-12s %s\n' "$$target" "$$text"; done

$(READY): pyproject.toml constraints.txt
	@$(FIND_PYTHON); set -e; \
	echo "Setting up $(VENV) (once; under a minute) ..." >&2; \
	"$$python" -m venv $(VENV); \
	$(PIP) install -e '.[dev]' -c constraints.txt; \
	touch $@
