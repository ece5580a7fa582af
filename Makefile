# Python 3.11 or newer and make are all that is needed.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
WORKERS = $(shell $(BIN)/python -c 'import os; print(min(os.cpu_count() or 1, 4) + 1)')

.DEFAULT_GOAL := help
.PHONY: help demo test lint check bench clean

help:
	@echo "make demo    install into .venv, then ingest, train, embed, index and search sample films"
	@echo "make test    run the tests"
	@echo "make check   format, lint, types, layers, tests"
	@echo "make bench   measure ingest, cuts, search, model, probes, breaks, indexes, kills: two hours"

$(INSTALLED): pyproject.toml constraints.txt
	@echo "Installing into .venv, about 4 GB on Linux: some minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo,dev]'
	@touch $@

demo: $(INSTALLED)
	$(BIN)/mediafm demo
	@echo "For the command mediafm: source .venv/bin/activate"

# The processes share the cores: threads of NumPy and PyTorch would wait for each other. One more
# than cores, as many tests wait for processes of their own. Files with few tests take longest, so
# they are not left to the end.
test: $(INSTALLED)
	OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	  $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.search
	$(BIN)/python -m benchmarks.retrieval
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.serve
	$(BIN)/python -m benchmarks.downstream
	$(BIN)/python -m benchmarks.model
	$(BIN)/python -m benchmarks.index
	$(BIN)/python -m benchmarks.kills
	$(BIN)/python -m benchmarks.hostile
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.sizes
	$(BIN)/python -m benchmarks.looks
	$(BIN)/python -m benchmarks.labels

clean:
	rm -rf .venv mediafm-demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
