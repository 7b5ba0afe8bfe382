# Assay: `make run` starts everything, `make test` tests everything. Only Python 3.11 and make are needed.
.DEFAULT_GOAL := help
.PHONY: help env run test lint types format lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

env: $(READY)  ## the locked environment in .venv/

$(READY): requirements.lock requirements-dev.lock
	@sh ops/make_env.sh "$(PYTHON)" "$(VENV)"

run: env  ## everything on this machine, in the foreground
	@ASSAY_FOLLOW_PARENT=1 exec $(BIN)/python -m ops up

test: env  ## the whole suite on a throw-away PostgreSQL
	@exec $(BIN)/python -m pytest -n 2 $(ARGS)

lint: env  ## ruff, import contracts, migrations, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(MAKE) types

types: env  ## mypy --strict
	SECRET_KEY=only-for-the-type-checker $(BIN)/mypy

format: env  ## ruff's format and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:  ## resolve pyproject.toml anew (needs uv)
	uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" -o requirements.lock
	uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" -c requirements.lock -o requirements-dev.lock

clean:  ## remove the environment and what the tools keep; the data folder stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
