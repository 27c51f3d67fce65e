# `make demo` runs the main job, `make test` proves it. Both set up what they need.

# The first that runs and is new enough; a name on the PATH may be a shim with nothing behind it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export npm_config_fund = false
export npm_config_audit = false

.PHONY: help demo replay test test-fast test-browser-soak lint bench profile soak build clean

help:
	@echo "make demo        emulator, relay and shop on this machine; DEMO_PORT=8080"
	@echo "make replay      a real click stream through the demo; FILE=... SPEED=1000 DEMO_PORT=8080"
	@echo "make test        linters, type checks and every test"
	@echo "make test-fast   what needs no browser, no fault injection and no process, under a minute"
	@echo "make bench       side-by-side figures, as ratios"
	@echo "make profile     flame graphs of both paths, accept and deliver, into build/profile/"
	@echo "make test-browser-soak  how many events arrive when pages end; COUNT=200 visits of each case"
	@echo "make soak        everything goes wrong for MINUTES=10, and nothing may be lost"
	@echo "make build       the snippet and the wheel"

$(VENV)/.run: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none found (set PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install -q --group lint --group test --group bench
	@touch $@

js-snippet/node_modules/.done: js-snippet/package-lock.json
	cd js-snippet && npm ci --silent
	@touch $@

tests/emulator/js/node_modules/.done: tests/emulator/js/package-lock.json
	cd tests/emulator/js && npm ci --silent
	@touch $@

demo: $(VENV)/.run
	@exec $(BIN)/personalize-relay demo

# ../shared/data if present, else a recorded trace of the demo; SPEED=max is as fast as the relay takes it.
replay: $(VENV)/.run
	@exec $(BIN)/personalize-relay demo --replay "$(or $(FILE),auto)" --speed $(or $(SPEED),max) --exit

lint: $(VENV)/.dev js-snippet/node_modules/.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright
	cd js-snippet && npm run --silent lint

test-fast: $(VENV)/.dev
	$(BIN)/pytest -q -m "not browser and not faults and not process"

test: lint tests/emulator/js/node_modules/.done
	scripts/install-test-tools
	cd js-snippet && npm test --silent
	$(BIN)/pytest

bench: $(VENV)/.dev
	@scripts/install-bench-tools
	$(BIN)/python -m tests.bench $(ARGS)

profile: $(VENV)/.dev
	@scripts/install-bench-tools
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.bench.profile $(ARGS)

test-browser-soak: $(VENV)/.dev
	scripts/install-test-tools
	$(BIN)/python -m tests.browser.soak --count $(or $(COUNT),200)
	$(BIN)/pytest -q -m cost tests/browser

soak: $(VENV)/.dev
	@scripts/install-test-tools faults
	@exec $(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),10) $(ARGS)

build: $(VENV)/.dev js-snippet/node_modules/.done
	cd js-snippet && npm run --silent build
	$(BIN)/python -m pip wheel -q --no-deps -w dist .
	@ls -l dist js-snippet/dist

clean:
	rm -rf $(VENV) js-snippet/node_modules tests/emulator/js/node_modules dist
