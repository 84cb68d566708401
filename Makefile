# livetrial. `make help` lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build
BROWSERS := chromium firefox-esr
RUST_CHECKS := cargo fmt --check && cargo clippy --quiet --all-targets -- -D warnings && cargo test --quiet

PLANE_SOURCES := $(shell find media/plane -not -path '*/target/*' \( -name '*.rs' -o -name 'Cargo.*' -o -name '*.pyi' -o -name 'pyproject.toml' \))
WEB_SOURCES := $(shell find web_client -not -path '*/node_modules/*' -not -path '*/dist/*' -type f)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: setup ## set up everything and start the server on http://localhost:8080 (flags: ARGS="--http-port 9000")
	@exec $(BIN)/livetrial serve $(ARGS)

setup: $(STAMPS)/python $(STAMPS)/plane $(STAMPS)/web ## set up without starting

test: setup test-lint test-rust test-web test-python test-browser ## set up and run every test

test-lint: $(STAMPS)/python $(STAMPS)/plane ## formatting, types, import directions
	@echo "== lint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test-rust: ## the forwarding plane
	@echo "== rust"
	@cd media/plane && $(RUST_CHECKS) --workspace --exclude livetrial-plane
	@# What they have in common is built once.
	@export CARGO_TARGET_DIR=$(CURDIR)/media/plane/target; \
	  for workspace in media/plane/fuzz loadtests/link; do (cd $$workspace && $(RUST_CHECKS)) || exit 1; done

fuzz: ## fuzz each target of the forwarding plane for FUZZ_SECONDS (600)
	@echo "== fuzz"
	@scripts/fuzz

test-web: $(STAMPS)/web ## the pages' and the client module's unit tests
	@echo "== web client"
	@cd web_client && npm run --silent check && npm test --silent

test-python: $(STAMPS)/python $(STAMPS)/plane $(STAMPS)/web ## server, media, queue, signaling (real Valkey, real plane)
	@echo "== python"
	@$(BIN)/pytest -q -n 4 --dist worksteal

test-browser: setup $(STAMPS)/browser-tests ## Chromium and Firefox against the real server
	@echo "== browsers"
	@scripts/debian-packages $(BROWSERS) coturn
	@cd tests/browser && npm test --silent

bench: setup ## cost of forwarding a packet (against the bare send and a pure-Python loop), residence time, memory; 4 minutes
	@$(BIN)/python -m loadtests.bench

bench-join: setup $(STAMPS)/browser-tests ## tap to first picture over a link with delay, both browsers, beside stock aiortc; then a storm of joins
	@scripts/debian-packages $(BROWSERS)
	@$(BIN)/python tests/browser/make_camera.py build/test-media
	@$(BIN)/python -m loadtests.join --keep build/bench/joins.json --picture docs/images/join_timeline.svg $(ARGS)

bench-weak: setup $(STAMPS)/browser-tests ## weak networks: real browsers through the test link, beside the goals, and build/weak/weak.html; 20 minutes (ARGS="--whole --seeds 5": hours)
	@scripts/debian-packages $(BROWSERS)
	@$(BIN)/python tests/browser/make_camera.py build/test-media
	@$(BIN)/python -m loadtests.weak $(ARGS)

storm: setup ## a hundred joins a second for ten seconds, by light DTLS clients
	@$(BIN)/python -m loadtests.storm $(ARGS)

flood: setup ## garbage at the media port while a session runs: what is lost, and where
	@$(BIN)/python -m loadtests.flood

crash: setup ## kill -9 server and Valkey at random moments under load, and compare every acknowledgement (ARGS="--rounds 1000")
	@$(BIN)/python -m loadtests.crash $(ARGS)

bench-queue: setup ## the live queue in front of 5,000 members: acknowledgements, votes shown, cost, octets a member; 2 minutes
	@$(BIN)/python -m loadtests.bench_queue $(ARGS)

load: setup ## a small load test with locust, headless (against http://localhost:8080, or a server of its own)
	@$(BIN)/python -m loadtests.run

format: $(STAMPS)/python ## format Python and Rust
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .
	@cd media/plane && cargo fmt
	@cd media/plane/fuzz && cargo fmt
	@cd loadtests/link && cargo fmt

lock: $(STAMPS)/python ## write requirements.lock from what is installed
	@{ echo "# Exact versions of what pyproject.toml asks for; \`make lock\` writes it anew."; \
	  $(BIN)/python -m pip freeze --exclude-editable | grep -vE '^livetrial| @ '; } > requirements.lock

clean: ## remove what set-up made (data stay)
	rm -rf $(VENV) $(STAMPS) media/plane/target media/plane/fuzz/target loadtests/link/target web_client/dist web_client/node_modules tests/browser/node_modules

$(STAMPS)/python: pyproject.toml requirements.lock
	@scripts/check-tools
	@echo "== Python packages"
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/plane: $(STAMPS)/python $(PLANE_SOURCES)
	@echo "== forwarding plane (Rust; the first build takes a minute or two)"
	@cd media/plane/bindings && VIRTUAL_ENV=$(CURDIR)/$(VENV) $(CURDIR)/$(BIN)/maturin develop --release --quiet
	@touch $@

$(STAMPS)/web: $(WEB_SOURCES)
	@scripts/check-tools
	@echo "== web client"
	@cd web_client && npm ci --silent --no-audit --no-fund && npm run --silent build
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/browser-tests: tests/browser/package-lock.json
	@cd tests/browser && npm ci --silent --no-audit --no-fund
	@mkdir -p $(STAMPS) && touch $@

.PHONY: help run setup test test-lint test-rust test-web test-python test-browser fuzz bench bench-join bench-weak storm flood crash bench-queue load format lock clean
