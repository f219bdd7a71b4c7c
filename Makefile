# Every target sets up .venv by itself; a machine needs Python ≥ 3.10 and make.
PYTHON ?= python3
SCENARIO ?= running
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The oldest supported release with the oldest compat package, and what a later one needs beside it: its tasks fail
# with newer ones of these.
AIRFLOW ?= 3.1.8
PINS_3.1.8 := "apache-airflow-providers-common-compat==1.12.0"
PINS_3.2.2 := "fastapi<0.137" "svcs<26"

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-fast lint format bench compat constraints wheel clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or later is needed; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV), once (about 400 MB of packages) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable .
	@touch $@

demo: $(READY)  ## Watch a DAG wait for a backup: make demo [SCENARIO=running|failed|deferred|recoverable|audit|…]
	@$(BIN)/python -m demo $(SCENARIO)

AXE := tests/report/node_modules/.ready

$(AXE): tests/report/package.json
	@if command -v npm >/dev/null; then npm install --silent --prefix tests/report --no-package-lock --no-audit --no-fund && \
		touch $@; else echo "npm is missing: the report's accessibility is not tested"; fi

test: $(READY) $(AXE)  ## The tests, with the coverage gate of the packages that decide
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report= -m "not slow"
	@$(BIN)/python -m coverage report --fail-under=100 --skip-covered \
		--include='airflow_provider_dbs/client/*,airflow_provider_dbs/models.py,airflow_provider_dbs/statuses.py,airflow_provider_dbs/judgement/*'

test-slow: $(READY)  ## End-to-end runs on all processes of a real Airflow, a minute each
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

test-fast: $(READY)  ## Only the tests that need no Airflow, no browser, no wheel
	@$(BIN)/python -m pytest -n 2 -q -m "not slow and not airflow and not browser and not wheel"

lint: $(READY)  ## Style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY)  ## Put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)  ## Cost of a call, of a list, of waiting: ratios beside the vendor's SDK, in one run
	@$(BIN)/python -m benchmarks $(ONLY)

compat: $(READY)  ## The tests of the Airflow layer on another release: make compat [AIRFLOW=3.1.8]
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-compat
	@$(BIN)/uv pip install --quiet --python .venv-compat/bin/python --group dev --editable . \
		"apache-airflow==$(AIRFLOW)" $(PINS_$(AIRFLOW))
	@.venv-compat/bin/python -m pytest -n 2 --dist worksteal tests/hooks tests/sensors tests/triggers tests/operators \
		tests/assets tests/airflow

constraints: $(READY)  ## Renew constraints.txt for every supported Python
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.10 --group dev --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links pyproject.toml --output-file constraints.txt

wheel: $(READY)  ## Build the wheel and the sdist into dist/
	@$(BIN)/python -m build --installer uv --outdir dist .

clean:  ## Remove everything that the targets made
	rm -rf $(VENV) .venv-compat dist build .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
