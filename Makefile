# `make demo` runs the main job, `make test` proves it. Both set up what they need.

# The first that runs and is new enough; a name on the PATH may be a shim with nothing behind it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
CORE_TESTS := $(addprefix tests/,wire identity intake spool delivery sink web compose)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export npm_config_fund = false
export npm_config_audit = false

.PHONY: help demo replay test test-all test-fast test-newest test-pythons test-postgresql test-browser-soak test-cost lint bench profile soak soak-cluster soak-identity fuzz mutations build release reference lock upgrade clean

help:
	@echo "make demo        emulator, relay and shop on this machine; DEMO_PORT=8080"
	@echo "make replay      a real click stream through the demo; FILE=... SPEED=1000 DEMO_PORT=8080"
	@echo "make test        linters, type checks and every test"
	@echo "make test-all    and all that takes longer: mutations, costs, newest releases, soaks; some two hours, alone"
	@echo "make test-fast   what needs no browser, no fault injection and no process, under a minute"
	@echo "make bench       side-by-side figures, as ratios; ARGS=attack what good visitors notice of hostile ones"
	@echo "make profile     flame graphs of both paths, accept and deliver, into build/profile/"
	@echo "make test-browser-soak  how many events arrive when pages end; COUNT=200 visits of each case"
	@echo "make test-cost   what measures time: wants the machine to itself"
	@echo "make soak        everything goes wrong for MINUTES=10, and nothing may be lost"
	@echo "make soak-cluster  the same to three relays on one PostgreSQL; SEEDS=1 runs share the minutes"
	@echo "make soak-identity  who is who, by chance, for MINUTES=10, against rules of its own"
	@echo "make fuzz        mutated requests to the edge for MINUTES=5, both ways in compared"
	@echo "make mutations   faults that were there once, put back: each must be noticed; ARGS=\"trailers bots\""
	@echo "make release     what is published of this version, into build/release/"
	@echo "make build       the snippet, the wheel, and what is in them (CycloneDX)"
	@echo "make audit       whether a locked version is known to be bad; make advisories asks anew what is known"
	@echo "make reference   docs/reference/ and the import graph, anew from the code"
	@echo "make test-newest the core of the tests against the newest releases of what the relay stands on"
	@echo "make test-postgresql the shared spool on PostgreSQL 14, 16, 17 and 18"
	@echo "make test-pythons the quick tests under Python 3.11, 3.12 and 3.13, those that are here"
	@echo "make upgrade     newer versions into requirements/; make lock: only what pyproject.toml asks for"

# What is installed is written down, with hashes: `make lock` after a change in pyproject.toml, `make upgrade` for newer ones.
INSTALL := $(BIN)/python -m pip install -q
LOCKED := $(INSTALL) --require-hashes

$(VENV)/.run: pyproject.toml relay/core/version.py requirements/run.txt requirements/build.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none found (set PYTHON=...)" >&2; exit 1; }
	@echo "installing the relay into $(VENV), half a minute" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(LOCKED) -r requirements/run.txt -r requirements/build.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo "installing linters and test tools into $(VENV), half a minute" >&2
	@$(INSTALL) --upgrade 'pip>=25.1'
	@$(LOCKED) -r requirements/dev.txt
	@touch $@

build/uv/bin/uv:
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/python -m pip install -q 'uv>=0.9'

# For every system and Python, not only this one. LOCK is empty, or --upgrade.
lock: build/uv/bin/uv
	@scripts/lock $(LOCK)

upgrade:
	@$(MAKE) --no-print-directory lock LOCK=--upgrade

js-snippet/node_modules/.done: js-snippet/package-lock.json
	@echo "installing the snippet's build tools" >&2
	@cd js-snippet && npm ci --silent
	@touch $@

tests/emulator/js/node_modules/.done: tests/emulator/js/package-lock.json
	@echo "installing the AWS SDK for JavaScript, which the emulator's tests use" >&2
	@cd tests/emulator/js && npm ci --silent
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
	$(BIN)/pytest -q -m "not browser and not faults and not process and not cost and not long"

# In a virtual environment of its own; what passes an upper bound in pyproject.toml is installed all the same, and named.
test-newest:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none found (set PYTHON=...)" >&2; exit 1; }
	@PYTHON=$(PYTHON) scripts/install-newest build/newest
	build/newest/bin/python -m pytest -q -m "not browser and not faults and not cost" $(or $(TESTS),$(CORE_TESTS))

# The shared spool on the other versions it is for; the tests of `make test` are on the system's. Those that cannot be had are named.
test-postgresql: $(VENV)/.dev
	@scripts/install-test-tools
	@for version in $$(scripts/install-postgresql); do \
		echo "PostgreSQL $$version"; \
		TEST_POSTGRESQL=$$version $(BIN)/pytest -q tests/spool -k "postgres or pooled or shared" || exit 1; \
	done

test: lint tests/emulator/js/node_modules/.done
	scripts/install-test-tools
	@PYTHON=$(PYTHON) scripts/install-validators
	cd js-snippet && npm test --silent
	scripts/test-halves $(BIN)/pytest

# What `make test-fast` runs, under each Python of pyproject.toml that is here; PYTHONS="3.13" for one of them, TESTS for fewer.
test-pythons:
	@PYTHONS="$(PYTHONS)" scripts/test-pythons $(TESTS)

# What `make test` has no time for; each prints what it found and fails by itself.
test-all: test
	$(BIN)/pytest -m long
	$(MAKE) mutations
	$(MAKE) test-cost
	$(MAKE) test-newest
	$(MAKE) test-postgresql
	$(MAKE) soak MINUTES=5
	$(MAKE) soak-cluster MINUTES=10 SEEDS=10
	$(MAKE) soak-identity MINUTES=5
	$(MAKE) test-browser-soak

reference: $(VENV)/.dev
	$(BIN)/python -m scripts.reference

bench: $(VENV)/.dev
	@scripts/install-bench-tools
	$(BIN)/python -m tests.bench $(ARGS) $(if $(SECONDS),--seconds $(SECONDS))

profile: $(VENV)/.dev
	@scripts/install-bench-tools
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.bench.profile $(ARGS)

test-browser-soak: $(VENV)/.dev
	scripts/install-test-tools
	$(BIN)/python -m tests.browser.soak --count $(or $(COUNT),200)
	$(BIN)/python -m tests.browser.soak.visitors --lives $(or $(LIVES),50)
	$(BIN)/pytest -q -m cost tests/browser

# Wants the machine to itself.
test-cost: $(VENV)/.dev
	scripts/install-test-tools
	$(BIN)/pytest -q -m cost

fuzz: $(VENV)/.dev
	@exec $(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),5) $(ARGS)

# Each in a copy of the tree.
mutations: $(VENV)/.dev
	@exec $(BIN)/python -m tests.mutations $(ARGS)

soak: $(VENV)/.dev
	@scripts/install-test-tools faults
	@exec $(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),10) $(ARGS)

soak-cluster: $(VENV)/.dev
	@scripts/install-test-tools
	@exec $(BIN)/python -m tests.faults.cluster.soak --minutes $(or $(MINUTES),10) --seeds $(or $(SEEDS),1) $(ARGS)

soak-identity: $(VENV)/.dev
	@exec $(BIN)/python -m tests.identity.chance --minutes $(or $(MINUTES),10) $(ARGS)

build: $(VENV)/.dev js-snippet/node_modules/.done
	cd js-snippet && npm run --silent build
	$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w dist .
	$(BIN)/python -m scripts.supply_chain.sbom
	@ls -l dist js-snippet/dist

release: $(VENV)/.dev js-snippet/node_modules/.done
	@PYTHON=$(PYTHON) scripts/install-validators
	@scripts/release

audit: $(VENV)/.dev
	@$(BIN)/python -m scripts.supply_chain.audit

# Asks OSV, by the network.
advisories: $(VENV)/.dev
	@$(BIN)/python -m scripts.supply_chain.refresh

clean:
	rm -rf $(VENV) js-snippet/node_modules tests/emulator/js/node_modules dist
