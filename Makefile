# make run    the main job: from nothing to a ranked table
# make test   everything a newcomer needs to trust the checkout
# make coverage  the same, and which lines of the core no test reaches: fails under 90 %
# make mutation  do the tests of stats, store and study notice a changed line? MUTANTS names some
# make check  ruff, mypy, import-linter, cog
# make site   the docs as pages that open from disk, in site/
# make bench  speed and memory, by pytest-benchmark
# make dist   wheel and sdist, in dist/
# make sbom   all that is installed with its licence, as CycloneDX, in dist/
# make test-oldest  a part of the tests with the oldest dependencies that are allowed

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
TESTS  := $(VENV)/ready-dev

# Files of tests are divided among processes, whose libraries compute on one thread each. They are
# more than two cores, as some wait for processes of their own.
TESTERS ?= 3
DIVIDED := --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder

GENERATED := README.md docs/foundation-model.md docs/how-to/write-a-plugin.md \
	$(addprefix docs/explanation/,information-limits.md ml-guide.md statistics.md telling-substructure.md) \
	$(filter-out docs/studies/index.md,$(wildcard docs/studies/*.md)) \
	$(addprefix docs/papers/,1909.07346.md 2008.12731.md 2112.12121.md) \
	$(addprefix docs/reference/,api.md baselines.md command-line.md conditions.md encoders.md plugins.md populations.md stats.md study-files.md tasks.md testing.md)

OLDEST := tests/unit/registry tests/unit/study tests/unit/store tests/unit/data tests/unit/test_compatibility.py \
	tests/unit/leaderboard tests/unit/training/test_loop.py tests/integration/test_run.py

.PHONY: install develop run test test-oldest coverage mutation check bench dist sbom docs site format clean

install: $(READY)

develop: $(TESTS)

run: $(READY)
	$(BIN)/lensbench run --encoder mae-vit --task superres

test: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(DIVIDED) --durations 40 --durations-min 5

coverage: $(TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(DIVIDED) --cov

# mutmut knows sources by the name `src` alone. What it made and found stays for the next call. The
# folder it makes is there before Python starts, which else would never look into it. torch is
# imported once and not for each change, and no server of buckets begins.
mutation: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[mutation]'
	mkdir -p .mutation/mutants/src
	ln -sfn ../harness .mutation/src
	ln -sfn -t .mutation ../docs ../plugins ../pyproject.toml ../studies ../tests
	cd .mutation && PYTHONPATH="$$PWD/mutants/src" OMP_NUM_THREADS=1 \
	  PYTEST_ADDOPTS='-p torch -k "not s3"' $(abspath $(BIN))/mutmut run \
	  --max-children $(TESTERS) $(MUTANTS)
	cd .mutation && $(abspath $(BIN))/mutmut results

check: $(TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cog -P --check $(GENERATED)

bench: $(TESTS)
	$(BIN)/python -m pytest tests/bench --benchmark-enable --benchmark-only

dist: $(TESTS)
	$(BIN)/python -m hatchling build --directory dist

sbom: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[sbom]'
	mkdir -p dist
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  --output-format JSON --output-file dist/sbom.json $(BIN)/python

# An environment of its own, with lowest bounds in place of newest versions.
test-oldest: dist
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/pip install --quiet --constraint constraints-oldest.txt \
	  dist/lensbench-*.whl hypothesis pytest pytest-benchmark pyyaml
	.venv-oldest/bin/python -m pytest -W ignore $(OLDEST)

docs: $(TESTS)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cog -P -r $(GENERATED)

site: $(TESTS)
	$(BIN)/mkdocs build --strict

format: $(TESTS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-oldest .mutation .coverage dist site .lensbench .mypy_cache .ruff_cache .pytest_cache

# A newer pip than Python comes with installs in half the time.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade --constraint constraints.txt pip

# All cores compile at once what pip would compile on one, but for the tests of libraries, and for what is
# large and imported piece by piece, if at all: that is compiled when it is.
PIECEWISE := /tests?/|/debugpy/_vendored/|/ray/(data|llm|rllib|serve|train|tune)/|/torch/testing/_internal/|/transformers/models/
PIECEWISE := $(PIECEWISE)|/moto/(?!cloudwatch|core|events|iam|moto|s3|sts|utilities)\w+/
PIECEWISE := $(PIECEWISE)|/(cfnlint|fontTools|graphql|lightning|mypyc?|pytorch_lightning|setuptools|statsmodels|tifffile|torchgen)/

define install
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable $(1)
	$(BIN)/python -m compileall -qq -j 0 -x '$(PIECEWISE)' $(VENV)/lib harness plugins || true  # some are of newer Pythons
endef

$(READY): pyproject.toml constraints.txt | $(BIN)/python
	$(call install,.)
	touch $@

$(TESTS): pyproject.toml constraints.txt | $(BIN)/python
	$(call install,'.[dev]')
	touch $(READY) $@
