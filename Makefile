# Everything below sets itself up: Python 3.11 to 3.13 and make are all that a fresh machine needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev

.PHONY: run test lint docs bench clean

run: $(READY)            ## the main job on the embedded sample: a table, a result folder, pictures
	$(BIN)/hiersim run configs/kv_tiers.yaml --out runs/kv_tiers

test: lint               ## all tests, on all cores
	$(BIN)/python -m pytest -n auto

lint: $(DEV)             ## style and types
	$(BIN)/ruff check hiersim tests benchmarks docs/site_links.py
	$(BIN)/ruff format --check hiersim tests benchmarks docs/site_links.py
	$(BIN)/mypy

docs: $(DEV)             ## the site of docs/ in site/, links checked, with pages of reference that are made by the program
	$(BIN)/hiersim schema --page docs/reference/configuration.md
	$(BIN)/hiersim commands --page docs/reference/commands.md
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

bench: $(DEV)            ## speed, as ratios to other tools measured in the same run
	$(BIN)/python -m pip install --quiet --editable '.[dev,bench]'
	$(BIN)/python benchmarks/run.py

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $(READY)

$(DEV): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(DEV)

clean:
	rm -rf $(VENV) build dist runs site .pytest_cache .mypy_cache .ruff_cache .hypothesis
