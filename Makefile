# What people do often. `make` alone lists it.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
# Tests and the stack start hundreds of processes: where Python keeps no compiled files, each compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE
FOLDERS := cli dashboards evals producers schemas stream_processors

.DEFAULT_GOAL := help
.PHONY: help setup demo up down env test test-all lint format typecheck check schemas lock kafka-lock bench chaos bench-worker bench-masking bench-detectors bench-graders scorecard drift-bench panels-bench dashboards screenshots clean

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

# The tests wait for processes more than they compute: three at a time keep two cores busy. Each has its own broker and
# store, which a file's tests share. In the order of their names: those that wait longest are not the last then.
test: setup ## the tests, without those that take long
	@$(BIN)/python -m pytest -q -m "not long" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-all: setup ## all tests
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

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

bench-masking: setup ## what masking costs, to benchmarks/results/masking.json
	@$(BIN)/python benchmarks/masking.py $(ARGS)

bench-detectors: setup ## what the detectors cost an event and keep of a session, to benchmarks/results/detectors.json
	@$(BIN)/python benchmarks/detectors.py $(ARGS)

bench-graders: setup ## how well graders tell good sessions, on recordings' own labels, to benchmarks/results/graders.json
	@$(BIN)/python benchmarks/graders.py $(ARGS)

scorecard: setup ## precision and recall of every failure mode, to benchmarks/results/scorecard.json and docs/scorecard.md
	@$(BIN)/python benchmarks/run_scorecard.py $(ARGS)

drift-bench: setup ## false alarms and delays of drift, corrected intervals, the gate, to benchmarks/results/drift-bench.json
	@$(BIN)/python benchmarks/run_drift.py $(ARGS)

panels-bench: setup ## every panel over 30 days of 50 million events, to benchmarks/results/panels-bench.json
	@$(BIN)/python benchmarks/panels_bench.py $(ARGS)

simulate: setup ## ten thousand seeds of the simulation to benchmarks/results/simulate.json; SEED=1 replays one
	@$(if $(SEED),$(BIN)/python tests/simulation/sim_run.py $(SEED) $(ARGS),$(BIN)/python benchmarks/simulate.py $(ARGS))

chaos: setup ## kill and fail every part under load and compare, to benchmarks/results/chaos.json
	@$(BIN)/python benchmarks/chaos.py $(ARGS)

dashboards: setup ## write the Grafana dashboards and alert rules anew, from dashboards/grafana
	@$(BIN)/python -m watchkeeper.dashboards.grafana.build
	@$(BIN)/python -m watchkeeper.dashboards.grafana.alert_files

screenshots: setup ## take pictures of every page of the console into docs/console, in Chromium
	@cd tests/console && ../../$(BIN)/python take_screenshots.py $(ARGS)

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
