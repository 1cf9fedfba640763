# Everything runs in .venv, which the first target that needs it sets up; `make` alone says what there is.
PYTHON ?= python3
JOBS ?= 2
SIZE ?= quick
SEED ?= 0
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help install study-negatives five-losses bench test wheel mutants fuzz lint format clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'

install: $(READY) ## set up .venv with weightlab and all that its tests use

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

study-negatives: $(READY) ## how should negatives be weighted? SIZE=quick (15 minutes) or full (hours); goes on where it was
	$(BIN)/weightlab study run studies/negatives.toml --size $(SIZE) --jobs $(JOBS)

five-losses: $(READY) ## the page of the five losses' weight functions, figures/five-losses
	$(BIN)/python studies/five_losses.py

bench: $(READY) ## what takes how long on this machine, figures/bench
	$(BIN)/python -m benchmarks.decomposition
	$(BIN)/python -m benchmarks.step
	$(BIN)/python -m benchmarks.retrieval
	$(BIN)/python -m benchmarks.training

test: $(READY) ## run the tests
	$(BIN)/python -m pytest -n $(JOBS)

wheel: ## build the wheel and try it in an empty environment
	PYTHON=$(PYTHON) tests/wheel.sh

mutants: $(READY) ## seed the faults of tests/mutants one at a time; which do the tests not find?
	$(BIN)/python -m tests.mutants --jobs $(JOBS)

fuzz: $(READY) ## odd input: 1,000 command lines and 5,000 calls; SEED=0
	PYTHONPATH=tests $(BIN)/python -m fuzz --seed $(SEED)

lint: $(READY) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove .venv and caches; runs/ and figures/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
