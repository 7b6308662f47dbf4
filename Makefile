# `make demo` and `make test` need nothing but Python >= 3.11, make and a package registry.
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check lint types contracts bench audit clean

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dermtwin needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q twin actors simulator services  # pip does so unless it is -e
	@touch $@

demo: $(STAMP)  ## train a small model on synthetic lesions (once), then stream a clinic through it
	$(BIN)/dermtwin run scenarios/first-clinic.yaml

test: $(STAMP)  ## all tests that this machine can run; make WORKERS=1 for one at a time
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

check: lint types contracts test  ## what CI runs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

bench: $(STAMP)  ## needs DERMTWIN_DATA; prints tables, writes JSON to benchmarks/results
	$(BIN)/python -m benchmarks

audit: .venv/.auditor  ## known weaknesses of what the lock names; asks a service on the internet
	.venv/auditor/bin/python .ci/audit.py .venv/auditor/bin/pip-audit

.venv/.auditor: $(STAMP)
	$(PYTHON) -m venv .venv/auditor
	.venv/auditor/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@touch $@

clean:
	rm -rf .venv .dermtwin .mypy_cache .ruff_cache .pytest_cache
