# Each target does all its own set-up. `make demo` and `make test` are the two to remember.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR ?= ./shop
PORT ?= 8765
EXTRAS ?= parquet
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

.PHONY: install install-dev system console demo test test-slow check bench clean

install: $(VENV)/installed console  ## .venv with everything `aisle` needs to run

$(VENV)/installed: pyproject.toml constraints.txt $(wildcard src/aisle/*/compiled/*.[ch] src/aisle/tasks/*/compiled/*.[ch])
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e ".[$(EXTRAS)]"
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt $(VENV)/installed
	$(BIN)/pip install -q -c constraints.txt -e ".[dev]"
	touch $@

install-dev: $(VENV)/installed-dev console system

console: $(VENV)/installed  ## the web console's files, built from console/ where they are missing or old
	$(BIN)/python scripts/build_console.py

system:  ## what comes from Debian's packages, where we may install it
	@bash scripts/system_packages.sh

demo: install  ## a ready shop, served
	$(BIN)/aisle --home $(HOME_DIR) demo --port $(PORT)

check: $(VENV)/installed-dev  ## format, lint, types, imports, sizes
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/size_budget.py

test: install-dev check  ## everything that is checked, in under 20 minutes on 2 cores
	$(BIN)/pytest -n 2 --dist loadgroup

test-slow: install-dev
	$(BIN)/pytest -m slow

bench: install-dev  ## the measured numbers of docs/benchmarks.md
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist src/aisle/console/static
