# The two that matter: `make demo` shows ghost text, `make test` runs every test but tests/optional.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# the environment brings node and npm: a system's own are often too old
export PATH := $(CURDIR)/$(BIN):$(PATH)
# containers often set it; without bytecode every process compiles every module anew, and we start hundreds
unexport PYTHONDONTWRITEBYTECODE
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)

PAGE := server/ide_agent/panels/page/panel.js

.PHONY: help setup system native models web editors demo demo-nvim demo-vscode test test-fast test-runtimes bench lint format reference lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# --- setting up ---------------------------------------------------------------------------------------------------

.tools/bin/uv:
	@scripts/get_uv.sh "$(PYTHON)"

$(VENV)/.stamp: requirements/dev.txt pyproject.toml | $(filter .tools/bin/uv,$(UV))
	@echo "setting up the Python environment in $(VENV): about a minute, once"
	@test -x $(BIN)/python || $(UV) venv --quiet --python "$(PYTHON)" $(VENV)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(PAGE): clients/web/package-lock.json $(wildcard clients/web/src/*.* clients/web/src/*/*.*) | $(VENV)/.stamp
	@scripts/npm_packages.sh clients/web
	@cd clients/web && npm run --silent build

setup: $(VENV)/.stamp $(PAGE) ## the Python environment in .venv, from the hash-pinned lock; the page that shows panels

system: ## the few system packages that the tests need
	@scripts/system_packages.sh

native: setup system ## the second engine, llama-cpp-python built for this machine (minutes, once)
	@$(BIN)/python -c "import llama_cpp" 2>/dev/null || scripts/native.sh "$(BIN)/python"

models: setup ## the starter model (93 MB, once)
	@$(BIN)/ide-agent models pull starter

web: $(VENV)/.stamp ## the page that shows panels, into the server, and what VS Code's webview runs
	@scripts/npm_packages.sh clients/web
	@cd clients/web && npm run --silent build

editors: setup system web ## VS Code for the tests
	@tests/e2e/vscode/setup.sh

# --- seeing it ----------------------------------------------------------------------------------------------------

demo: models ## ghost text in the terminal: the sample through the language server, as an editor would
	@$(BIN)/python scripts/demo.py

demo-nvim: models ## a real Neovim on the sample, ready to type
	@clients/neovim/demo.sh

demo-vscode: models ## VS Code in the browser with the extension
	@clients/vscode/scripts/demo.sh

# --- checking it --------------------------------------------------------------------------------------------------

# two at once, a file at a time: such a test mostly waits for a process of its own
FAST := -n 2 --dist loadfile tests/unit tests/integration

test: native models editors ## every test but tests/optional (see test-runtimes), real editors included
	@$(BIN)/pytest $(FAST)
	@$(BIN)/pytest tests/fuzz tests/e2e

test-fast: export HYPOTHESIS_PROFILE ?= quick
test-fast: models web ## unit and integration tests, for the inner loop
	@$(BIN)/pytest $(FAST)

test-runtimes: models ## vLLM and transformers serve; IDE_AGENT_VLLM and IDE_AGENT_TRANSFORMERS name them
	@$(BIN)/pytest tests/optional

bench: native models ## side by side with the bare engine; JSON and a table in .artifacts/bench
	@$(BIN)/python -m tests.bench

lint: setup ## lint, types, import rules
	@$(BIN)/ruff format --check server tests scripts
	@$(BIN)/ruff check server tests scripts
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@scripts/lint_clients.sh

format: setup ## rewrite the sources in the house style
	@$(BIN)/ruff format server tests scripts
	@$(BIN)/ruff check --fix server tests scripts

reference: setup ## renew docs/reference and the schema of panels from the code
	@$(BIN)/python scripts/reference.py
	@$(BIN)/python scripts/panel_schema.py
	@scripts/npm_packages.sh clients/web
	@cd clients/web && npm run --silent types

lock: | $(filter .tools/bin/uv,$(UV)) ## renew requirements/*.txt from pyproject.toml
	@scripts/lock.sh "$(UV)"

clean: ## remove what the other targets made
	@rm -rf $(VENV) .tools .cache .artifacts clients/*/node_modules clients/*/out clients/vscode/dist \
		server/ide_agent/panels/page/panel.*
