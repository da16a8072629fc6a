# Two commands on a fresh machine (Python 3.11 or newer, a C compiler, make): `make run` and `make test`.
# Both make .venv first, and do again only what a changed file asks for.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

SERVE_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
SANITIZE_ARGS ?=
FUZZ_EXAMPLES ?= 20000
LEDGER_RUNS ?= 2000
LEDGER_STEPS ?= 100
LEDGER_SEED ?= $(shell date +%s)
SOAK_S ?= 600

EXTENSION_SOURCES := $(wildcard cext/*.pyx cext/*.pxd)
MADE := $(VENV)/pyvenv.cfg
INSTALLED := $(VENV)/.installed
COMPILED := $(VENV)/.compiled

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  make %-10s %s\n' "$$target" "$$text"; done

.PHONY: run
run: $(COMPILED) ## start PostgreSQL and the switch with examples/bazaar (SERVE_ARGS="--listen 0.0.0.0:8583")
	@$(BIN)/loyalty-switch migrate
	@$(BIN)/loyalty-switch load examples/bazaar
	@exec $(BIN)/loyalty-switch serve $(SERVE_ARGS)

.PHONY: test
test: $(COMPILED) ## every test (PYTEST_ARGS="-k till")
	$(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: bench
bench: $(COMPILED) ## measure parts and the whole against the yardsticks (BENCH_ARGS=--quick)
	$(BIN)/python -m loadtests.bench $(BENCH_ARGS)

.PHONY: lint
lint: $(COMPILED) ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: format
format: $(COMPILED) ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: types
types: $(COMPILED) ## mypy --strict
	$(BIN)/mypy --strict

.PHONY: contracts
contracts: $(COMPILED) ## the floors of docs/architecture.md, by import-linter
	$(BIN)/lint-imports

.PHONY: sanitize
sanitize: $(COMPILED) ## the extensions' tests under AddressSanitizer (SANITIZE_ARGS="-k framing" SHORT_EXAMPLES=600)
	PYTHON="$(CURDIR)/$(BIN)/python" tests/sanitize.sh $(SANITIZE_ARGS)

.PHONY: fuzz
fuzz: $(COMPILED) ## the parsers' properties, long (FUZZ_EXAMPLES=20000)
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest -p tests.long_properties --timeout=0 tests/cext tests/protocol \
		$(PYTEST_ARGS)

.PHONY: ledger
ledger: $(COMPILED) ## new runs of the ledger's state machine, for a night (LEDGER_RUNS=2000 LEDGER_STEPS=100 LEDGER_SEED=1)
	LEDGER_RUNS=$(LEDGER_RUNS) LEDGER_STEPS=$(LEDGER_STEPS) $(BIN)/python -m pytest tests/ledger --timeout=0 \
		--hypothesis-profile=default --hypothesis-seed=$(LEDGER_SEED) $(PYTEST_ARGS)

.PHONY: soak
soak: $(COMPILED) ## a switch under load for long, then the audit (SOAK_S=600)
	BIN=$(BIN) SOAK_S=$(SOAK_S) tests/soak.sh

.PHONY: ready
ready: $(COMPILED) ## only make the environment and compile

.PHONY: clean
clean: ## remove what was compiled, cached and measured; keeps .venv and the database
	rm -rf build dist loyalty_switch.egg-info loadtests/results .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .benchmarks
	rm -f cext/*.c cext/*.html cext/*.so $(COMPILED)
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# setuptools compiles in place when it installs for development; the second stamp rebuilds after that, by file times.
$(COMPILED): $(INSTALLED) setup.py $(EXTENSION_SOURCES)
	@echo "compiling cext"
	@$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

$(INSTALLED): $(MADE) pyproject.toml setup.py
	@echo "installing into $(VENV) (a minute or two the first time: PostgreSQL comes with it, and cext is compiled)"
	@$(PIP) install -q "setuptools>=77" "Cython>=3.1" wheel
	@$(PIP) install -q --no-build-isolation -e ".[dev]"
	@touch $@

# What may be missing on a fresh machine is said before anything is made.
$(MADE):
	@command -v $(PYTHON) >/dev/null \
		|| { echo "make: no $(PYTHON) here. Install Python 3.11 or newer, or name it: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: $$($(PYTHON) -V 2>&1) is too old: 3.11 or newer is needed. Name another: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "make: $(PYTHON) cannot make virtual environments. Debian, Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig as s; sys.exit(not os.path.exists(os.path.join(s.get_path("include"), "Python.h")))' \
		|| { echo "make: $(PYTHON) has no Python.h. Debian, Ubuntu: apt-get install python3-dev; Fedora: dnf install python3-devel" >&2; exit 1; }
	@$(PYTHON) -c 'import os, shutil, sys, sysconfig as s; sys.exit(not shutil.which((os.environ.get("CC") or s.get_config_var("CC")).split()[0]))' \
		|| { echo "make: no C compiler here. Debian, Ubuntu: apt-get install gcc libc6-dev; or name one: make run CC=clang" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@
