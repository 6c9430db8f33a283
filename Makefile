# What people do often. `make` alone lists it.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOLDERS := cli dashboards evals producers schemas stream_processors

.DEFAULT_GOAL := help
.PHONY: help setup demo up down env test test-all lint format typecheck check schemas lock kafka-lock bench chaos bench-worker clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Set up again only when what it rests on has changed.
$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Watchkeeper needs Python 3.11 or later: make PYTHON=python3.12 …")'
	@echo "Setting up $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.ready ## make .venv with everything, from the locked requirements

demo: setup ## start a local stack, run a simulated fleet through it, show what was found
	@$(BIN)/watchkeeper demo $(ARGS)

up: setup ## start the local stack
	@$(BIN)/watchkeeper up

down: setup ## stop the local stack
	@$(BIN)/watchkeeper down

env: ## write .env with random passwords for docker compose; one that is there is left as it is
	@$(PYTHON) deploy/make_env.py

test: setup ## the tests, without those that take long
	@$(BIN)/python -m pytest -q -m "not long" $(ARGS)

test-all: setup ## all tests
	@$(BIN)/python -m pytest -q $(ARGS)

lint: setup ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: setup ## put the code into its format
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

typecheck: setup ## mypy, over links that spell watchkeeper.<folder>
	@mkdir -p build/typing/watchkeeper
	@for f in $(FOLDERS); do ln -sfn ../../../$$f build/typing/watchkeeper/$$f; done
	@$(BIN)/mypy

check: lint typecheck ## lint and typecheck

schemas: setup ## write the JSON Schemas of the contract anew
	@$(BIN)/python -m watchkeeper.schemas.json_schema

bench: setup ## throughput and latency on the local stack, to benchmarks/results/bench.json
	@$(BIN)/python benchmarks/bench.py $(ARGS)

bench-worker: setup ## what an event costs the worker's main thread, to benchmarks/results/worker_cpu.json
	@$(BIN)/python benchmarks/worker_cpu.py $(ARGS)

simulate: setup ## ten thousand seeds of the simulation to benchmarks/results/simulate.json; SEED=1 replays one
	@$(if $(SEED),$(BIN)/python tests/simulation/sim_run.py $(SEED) $(ARGS),$(BIN)/python benchmarks/simulate.py $(ARGS))

chaos: setup ## kill and fail every part under load and compare, to benchmarks/results/chaos.json
	@$(BIN)/python benchmarks/chaos.py $(ARGS)

lock: setup ## compile the locked requirements anew
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-annotate --extra all -o requirements/local.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-annotate --extra all --group dev -o requirements/dev.txt pyproject.toml

kafka-lock: setup ## write the lock file of Apache Kafka's jars anew, from what Maven resolves
	@$(BIN)/python -m watchkeeper.cli.stack.apache.jars

clean: ## remove what was built; data in .watchkeeper stay
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
