# kraken-hooks: `make help` says what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Driven by coverage too, where atheris installs.
GUIDED := test_any_program:test_an_accepted_program_reads_nothing_that_leads_out \
  test_any_frame:test_any_bytes_from_a_worker_are_frames_an_error_or_more \
  test_any_pattern:test_any_message_goes_to_the_hooks_that_a_plain_look_at_each_finds
HOST ?= 127.0.0.1:50051
MINUTES ?= 10

.DEFAULT_GOAL := help
.PHONY: help run test test-live soak fuzz lint bench proto clean tools

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run ## run the broker on hooks/, state in .state, listening on HOST (127.0.0.1:50051)
	@$(BIN)/kraken-hooks run --hooks hooks --state-dir .state --host $(HOST)

test: $(VENV)/.test tools ## run all tests
	$(BIN)/pytest

test-live: $(VENV)/.test ## try the sinks on empty servers named by LIVE_KRAKENB_REDIS_HOST, LIVE_KRAKENB_MONGODB_URI ...
	$(BIN)/pytest -m live tests/sinks/test_conformance.py

soak: $(VENV)/.test tools ## kill broker and servers at random for a while, and count what arrives
	SOAK_ROUNDS=20 $(BIN)/pytest tests/test_soak.py

fuzz: $(VENV)/.test ## feed every door with what nobody thought of, for MINUTES (10)
	FUZZ_MINUTES=$(MINUTES) $(BIN)/pytest tests/fuzz -o timeout=0 -rP -q
	@! $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]' \
	  || for test in $(GUIDED); do $(BIN)/python tests/fuzz/guided.py $$test 60 || exit 1; done

lint: $(VENV)/.dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-timing 2>/dev/null || $(BIN)/lint-imports

bench: $(VENV)/.test tools ## compare with an empty gRPC server and a plain SQLite loop, in one run
	$(BIN)/python bench/run.py
	$(BIN)/python bench/walls.py
	$(BIN)/python bench/writes.py
	$(BIN)/python bench/backlog.py

proto: $(VENV)/.dev ## generate the protobuf code again from proto/kraken.proto
	$(BIN)/python -m grpc_tools.protoc --proto_path=proto --python_out=kraken_hooks/server --pyi_out=kraken_hooks/server proto/kraken.proto

clean: ## remove what the other commands made, .state too
	rm -rf $(VENV) .servers .state build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The servers and clients that tests talk to.
tools:
	@PYTHON=$(PYTHON) tests/install-servers

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.run

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	@touch $@ $(VENV)/.test $(VENV)/.run
