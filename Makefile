# Everything below sets itself up: Python 3.11 to 3.13 and make are all that a fresh machine needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: run test lint bench clean

run: $(STAMP)            ## the main job on the embedded sample: a table, a result folder, pictures
	$(BIN)/hiersim run configs/kv_tiers.yaml --out runs/kv_tiers

test: lint               ## all tests, on all cores
	$(BIN)/python -m pytest -n auto

lint: $(STAMP)           ## style and types
	$(BIN)/ruff check hiersim tests benchmarks
	$(BIN)/ruff format --check hiersim tests benchmarks
	$(BIN)/mypy

bench: $(STAMP)          ## speed, as ratios to other tools measured in the same run
	$(BIN)/python -m pip install --quiet --editable '.[dev,bench]'
	$(BIN)/python benchmarks/run.py

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
