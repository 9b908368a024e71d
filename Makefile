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

.PHONY: run test test-slow lint docs ui constraints floors clean

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

# The oldest versions that pyproject.toml allows, in an environment of their own, and what does the computing there.
FLOORS := .venv-floors
floors:
	$(PYTHON) -m venv $(FLOORS)
	$(FLOORS)/bin/python -m pip install --quiet uv
	$(FLOORS)/bin/uv pip compile --quiet --resolution lowest-direct --python-version 3.11 pyproject.toml -o $(FLOORS)/floors.txt
	$(FLOORS)/bin/python -m pip install --quiet --retries 1 $(TORCH_INDEX) --requirement $(FLOORS)/floors.txt
	$(FLOORS)/bin/python -m pip install --quiet --no-deps --editable .
	$(FLOORS)/bin/python -m pip install --quiet hypothesis pytest pytest-xdist
	OMP_NUM_THREADS=1 $(FLOORS)/bin/python -m pytest -m "not slow" -n 2 -rs tests/test_planted_head.py tests/test_store.py \
	  tests/test_larger_search.py tests/stats tests/structure tests/fitness tests/track/test_evaluator.py tests/track/test_data_source.py

clean:
	rm -rf $(VENV) $(FLOORS) .mypy_cache .pytest_cache .ruff_cache
