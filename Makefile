# make run    the main job: from nothing to a ranked table
# make test   everything a newcomer needs to trust the checkout
# make check  ruff, mypy, import-linter, cog
# make site   the docs as pages that open from disk, in site/
# make bench  speed and memory, by pytest-benchmark

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
TESTS  := $(VENV)/ready-dev

GENERATED := README.md docs/how-to/write-a-plugin.md \
	$(addprefix docs/explanation/,ml-guide.md telling-substructure.md) \
	$(addprefix docs/papers/,1909.07346.md 2008.12731.md 2112.12121.md) \
	$(addprefix docs/reference/,api.md command-line.md conditions.md populations.md stats.md study-files.md tasks.md testing.md)

.PHONY: run test check bench docs site format clean

run: $(READY)
	$(BIN)/lensbench run --encoder mae-vit --task superres

test: $(TESTS)
	$(BIN)/python -m pytest

check: $(TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cog -P --check $(GENERATED)

bench: $(TESTS)
	$(BIN)/python -m pytest tests/bench --benchmark-enable --benchmark-only

docs: $(TESTS)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cog -P -r $(GENERATED)

site: $(TESTS)
	$(BIN)/mkdocs build --strict

format: $(TESTS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) site .lensbench .mypy_cache .ruff_cache .pytest_cache

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(TESTS): $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
