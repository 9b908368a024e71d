# Two commands do everything on a fresh machine: `make run` and `make test`.
#   make run MODEL=rnabert   one model instead of the built-in question
#   make run GPU=1           the ordinary torch wheel (CUDA on Linux) instead of the CPU-only one
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A CPU-only torch is a tenth of the size of the ordinary one. Where this index cannot be reached pip goes on without it.
CPU_TORCH := --extra-index-url https://download.pytorch.org/whl/cpu
TORCH_INDEX := $(if $(GPU),,$(CPU_TORCH))

.PHONY: run test test-slow lint docs ui constraints floors newest clean

run: $(READY)
	$(BIN)/rnaexp run $(if $(MODEL),--model $(MODEL),experiments/builtin.toml)

# One thread a worker: two workers of two threads each spend a quarter of their time waiting for one another.
test: $(READY)
	$(BIN)/ruff check src tests benchmarks tracking docs examples experiments
	$(BIN)/ruff format --check src tests benchmarks tracking docs examples experiments
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 -rs

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow -rs

lint: $(READY)
	$(BIN)/ruff check --fix src tests benchmarks tracking docs examples experiments
	$(BIN)/ruff format src tests benchmarks tracking docs examples experiments
	$(BIN)/mypy

# The documentation as a site in site/, which opens without a server; a warning is an error.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --site-dir site
	@echo "open site/index.html"

ui: $(READY)
	$(BIN)/rnaexp ui

# torch first and pinned: asked for by another package it would come as the newest CUDA build.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --retries 1 $(TORCH_INDEX) --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -c "from rnaexp.track.store import connect; connect()"
	touch $(READY)

constraints: $(READY)
	( echo '# Every version `make` installs; regenerate with `make constraints`.'; \
	  $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' ) > constraints.txt

# What does the computing with the oldest versions that pyproject.toml allows (`make floors`) and with the newest
# (`make newest`), in environments of their own; PYTHON=python3.13 for another interpreter. The versions are constraints,
# not requirements, so that a CPU-only torch brings no CUDA libraries.
SUBSET := tests/test_planted_head.py tests/test_store.py tests/test_larger_search.py tests/stats tests/structure tests/fitness \
  tests/track/test_evaluator.py tests/track/test_data_source.py
floors newest:
	$(PYTHON) -m venv --clear .venv-$@
	.venv-$@/bin/python -m pip install --quiet uv
	.venv-$@/bin/uv pip compile --quiet --resolution $(if $(filter floors,$@),lowest-direct,highest) --no-annotate \
	  --python .venv-$@/bin/python pyproject.toml --output-file .venv-$@/versions.txt
	.venv-$@/bin/python -m pip install --quiet --retries 1 $(TORCH_INDEX) --constraint .venv-$@/versions.txt torch
	.venv-$@/bin/python -m pip install --quiet --constraint .venv-$@/versions.txt --editable . hypothesis pytest pytest-xdist
	OMP_NUM_THREADS=1 .venv-$@/bin/python -m pytest -m "not slow" -n 2 -rs $(SUBSET)

clean:
	rm -rf $(VENV) .venv-floors .venv-newest .mypy_cache .pytest_cache .ruff_cache
