# Two commands for a stranger: `make demo` and `make test`. `make` alone lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
bin := .venv/bin
ready := .venv/.setup-done
worlds := .venv/.worlds-done
workers ?= 2
smallest := smollm2-135m

# What a shell carries in must not change what is installed or tested.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: help setup lock demo test slow live check format lint types layers fix bench-skeleton bench-learning bench-gate bench-phi bench-sandbox bench-runtime bench-orchestration clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

setup: $(ready) ## make .venv and install everything, locked by hash

$(ready): pyproject.toml requirements/build.txt requirements/dev.txt scripts/setup.sh
	@echo "Setting up .venv ..."
	@PYTHON="$(PYTHON)" scripts/setup.sh

lock: ## resolve the dependencies again (needs uv)
	scripts/lock.sh

demo: $(ready) ## pull the default local model and watch a team work and learn on it
	$(bin)/purpose-agent models pull
	$(bin)/python -m examples.demo

test: $(ready) ## the fast tests, one of them on a real local model (under three minutes)
	$(bin)/purpose-agent models pull $(smallest)
	$(bin)/pytest -n $(workers) -m "not slow"

slow: $(ready) ## the slow tests that need no large model
	$(bin)/pytest -n $(workers) -m "slow and not live"

live: $(ready) ## every test that asks a real local model
	$(bin)/purpose-agent models pull $(smallest)
	$(bin)/purpose-agent models pull
	$(bin)/pytest -m live

check: format lint types layers test slow ## all that CI runs

format: $(ready) ## is the code formatted?
	$(bin)/ruff format --check .

lint: $(ready) ## ruff's rules
	$(bin)/ruff check .

types: $(ready) ## pyright, strict
	$(bin)/pyright

layers: $(ready) ## who may import whom
	$(bin)/lint-imports

fix: $(ready) ## format, and repair what can be repaired
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

bench-skeleton: $(ready) ## measure the walking skeleton, write benchmarks/results/skeleton.json
	$(bin)/python -m benchmarks.skeleton

$(worlds): $(ready) requirements/bench.txt
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(bin)/python --require-hashes -r requirements/bench.txt; \
	else \
	  $(bin)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/bench.txt; \
	fi
	@touch $@

bench-learning: $(worlds) ## measure what learning is worth, write benchmarks/results/learning.json (planned for an hour; Java 17)
	$(bin)/purpose-agent models pull
	$(bin)/python -m benchmarks.learning $(args)

bench-gate: $(ready) ## measure what passes the gate and at what cost, write benchmarks/results/gate.json
	$(bin)/purpose-agent models pull
	$(bin)/python -m benchmarks.gate $(args)

bench-phi: $(worlds) ## attack Φ, compare it with hidden tests, count its tokens, write benchmarks/results/phi.json
	$(bin)/purpose-agent models pull
	$(bin)/python -m benchmarks.phi $(args)

bench-sandbox: $(ready) ## attack the sandbox, time it, look for leaks, write benchmarks/results/sandbox.json (planned for half an hour)
	$(bin)/python -m benchmarks.sandbox $(args)

bench-runtime: $(ready) ## kill runs, load the runtime, beside LangGraph's checkpointer, write benchmarks/results/runtime.json
	$(bin)/python -m benchmarks.runtime $(args)

bench-orchestration: $(ready) ## measure swarms, plans, councils, teams and generated systems, write benchmarks/results/orchestration.json
	$(bin)/purpose-agent models pull
	$(bin)/python -m benchmarks.orchestration $(args)

clean: ## remove .venv and caches; models and workspaces stay
	rm -rf .venv dist build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
