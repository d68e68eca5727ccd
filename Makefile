# Everything a person or CI runs; `make` alone lists it. Works with GNU make from 3.81 on.
#
# Settings, on the command line (make deploy STAGE=dev) or in the environment:
#   STAGE            `local`, or the name of a stage in the AWS account of your credentials
#   STACK_NAME       onecommit-STAGE if not set
#   LOCAL_AWS        which local AWS `make up` starts: ministack, localstack (Docker) or localstack-host (no Docker)
#   LOCAL_AWS_PORT   its port; 4566 if not set, 0 picks a free one
#   ARCH             processor that `make package` builds for: arm64 or x86_64
#   TEMPLATE         what `make deploy` deploys, with a STACK_NAME of its own; infra/template.yaml if not set
#   PARAMETERS       template parameters for `make deploy`: PARAMETERS="LogLevel=debug EventSource=shop.orders"
#   TAGS             tags of the stack and all that is in it: TAGS="owner=shop cost-centre=4711"
#   ARTIFACT_BUCKET  bucket for code in an AWS account; one is made if not set
#   TRACE            options of `make trace`: TRACE=--once, TRACE="--picture trace.png"
#   LOGS             options of `make logs`: LOGS=--follow, LOGS="--source local-aws"
#   STOREFRONT       options of `make storefront`: STOREFRONT="--port 8701 --no-browser"
#   WORKER           options of `make worker`: WORKER="--queue fifo"
#   FUZZ, API        options of schemathesis for `make fuzz-apis`, FUZZ="--seed 7 --max-examples 1000", and APIs; all if not set
#   EVENTS, ORDERS   how many `make chaos` sends; 5000 and 200 if not set
#   SEED             its dice; any, if not set
#   OUTAGE_S         how long each dependency is out there, in seconds; 60 if not set
#   BUGS             names of the patches that `make bugs` tries; all if not set
#   SHARD, MUTANTS   a part of `make mutants`, SHARD=0/8, and further options of cargo-mutants
#   BASELINE, CRATES what `make semver` compares with, the last tag if not set; crates of the library, all if not set
#   FUNCTION         what `make reproducible` packages twice; sweeper if not set
#   FAULT_SEED       lets `make up` start a proxy for faults, too, with these dice: docs/chaos.md
#   PYTHON           any Python from 3.10 on
#   PYTHON_LOCALSTACK  Python 3.13, for LOCAL_AWS=localstack-host; python3.13 or pyenv's if not set
STAGE ?= local
ifeq ($(STAGE),)
override STAGE := local
endif
ARCH ?= arm64
PYTHON ?= python3
PARAMETERS ?=
TAGS ?=
LOGS ?=
TRACE ?=
WORKER ?=
STOREFRONT ?=

# A folder in functions/ is a function of the same name, and so is a bounded context of the storefront. These run outside
# of Lambda, so nothing is packaged of them.
PROCESSES := worker operator catalog-grpc
ROLES := $(filter-out $(PROCESSES),$(patsubst functions/%/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
CONTEXTS := $(patsubst functions/storefront/%/src/main.rs,%,$(wildcard functions/storefront/*/src/main.rs))
FUNCTIONS := $(ROLES) $(CONTEXTS)
# The example brings the module infra/consumer.yaml along, so that it can be copied.
TEMPLATES := infra/template.yaml infra/consumer.yaml $(wildcard examples/*/template.yaml)
# The example, as somebody builds it who has only the packed crates.
OUTSIDE = $(CARGO_TARGET_DIR)/outside

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

# ---------------------------------------------------------------- Rust

# rust-toolchain.toml pins a version. Where that version is installed only as the default toolchain, under another name
# such as `stable`, rustup would download it a second time; naming the toolchain keeps it from that. Without rustup, and
# where the pinned name is installed, there is nothing to choose.
ifeq ($(RUSTUP_TOOLCHAIN),)
PINNED_RUST := $(shell sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)
SAME_TOOLCHAIN := $(shell cd / && command -v rustup >/dev/null \
  && ! rustup toolchain list 2>/dev/null | grep -q '^$(PINNED_RUST)-' \
  && rustc --version 2>/dev/null | grep -qF 'rustc $(PINNED_RUST) ' \
  && rustup default 2>/dev/null | cut -d' ' -f1)
ifneq ($(SAME_TOOLCHAIN),)
export RUSTUP_TOOLCHAIN := $(SAME_TOOLCHAIN)
endif
endif

# Absolute, because some tests run cargo in other folders.
CARGO_TARGET_DIR ?= target
override CARGO_TARGET_DIR := $(abspath $(CARGO_TARGET_DIR))
export CARGO_TARGET_DIR

# One profile and one set of packages for functions, lints and tests, so that each dependency is compiled once.
CARGO_FLAGS := --workspace --locked
# What plans queries is linked with something that takes the log level `trace` from all that one call of cargo builds in
# release: docs/graph.md.
ALONE := $(filter graphql,$(ROLES))
EACH_FUNCTION := $(patsubst %,--package %,$(filter-out $(ALONE),$(ROLES))) $(CONTEXTS:%=--package storefront-%)

# ---------------------------------------------------------------- Python

VENV := .venv
TOOLS := $(VENV)/.tools-installed
PACKAGE_TOOLS := $(VENV)/.package-tools-installed
# The scanner of templates needs versions of its own of what the others use.
AUDIT_VENV := .venv-audit
AUDIT_TOOLS := $(AUDIT_VENV)/.installed
# So does what tests the APIs.
APIS_VENV := .venv-apis
APIS_TOOLS := $(APIS_VENV)/.installed
# And gRPC of others.
GRPC_VENV := .venv-grpc
GRPC_TOOLS := $(GRPC_VENV)/.installed
GRPC_OUTSIDE := functions/storefront/catalog/tests/outside
LOCAL := $(VENV)/bin/python localstack/local_aws.py
# Node and npm of this machine, or, where it has none or an old one, from PyPI.
NODE := $(VENV)/.node-there
WITH_NODE := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
PRODUCERS := examples/producers
PRODUCER := $(PRODUCERS)/built/send.js
COMPOSITION := shared/graph/composition
MUSEUM := shared/graph/tests/museum
SUPERGRAPHS := $(MUSEUM) functions/storefront/graph/schemas
PIP_OPTIONS := --quiet --disable-pip-version-check --no-compile
PIP_INSTALL := $(VENV)/bin/python -m pip install $(PIP_OPTIONS) --require-hashes
# LocalStack without Docker is large and needs one Python version: an environment of its own, made when it is asked for.
LOCALSTACK_VENV := .venv-localstack
LOCALSTACK := $(LOCALSTACK_VENV)/.installed
LOCALSTACK_PIP := $(LOCALSTACK_VENV)/bin/python -m pip install $(PIP_OPTIONS)
DYNAMODB_LOCAL := $(LOCALSTACK_VENV)/dynamodb-local/.fetched
ZIPKIN_JAR := build/zipkin/zipkin-server-3.5.1-exec.jar
ZIPKIN := build/zipkin/.fetched
SHA256SUM := $(or $(shell command -v sha256sum),shasum -a 256)
LOCAL_AWS_TOOLS := $(TOOLS) $(if $(filter localstack-host,$(LOCAL_AWS)),$(LOCALSTACK) $(DYNAMODB_LOCAL))
TIMED := .ci/timed

# The end-to-end tests start a local AWS of their own, with this Python.
export ONECOMMIT_PYTHON := $(CURDIR)/$(VENV)/bin/python

# Tools for dependencies, compiled once for each version.
CARGO_TOOLS := $(CARGO_TARGET_DIR)/tools
CARGO_DENY_VERSION := 0.20.2
CARGO_CYCLONEDX_VERSION := 0.5.9
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_SEMVER_CHECKS_VERSION := 0.51.0
CARGO_DENY := $(CARGO_TOOLS)/bin/cargo-deny
CARGO_MUTANTS := $(CARGO_TOOLS)/bin/cargo-mutants
CARGO_SEMVER_CHECKS := $(CARGO_TOOLS)/bin/cargo-semver-checks
# A shard has an output of its own and is not gone on with: cargo-mutants leaves out what was caught before it divides, so
# with --iterate a second shard would be another part of the rest.
MUTANTS_OUTPUT := build/mutants$(if $(SHARD),/shard-$(subst /,-of-,$(SHARD)))
CARGO_CYCLONEDX := $(CARGO_TOOLS)/bin/cargo-cyclonedx

# ---------------------------------------------------------------- main jobs

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@sed -n 's/^#   \([A-Z]\)/  \1/p' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: ## publish events with duplicates and poison on a local AWS, and check what became of each
	@$(TIMED) "Python environment" $(MAKE) --no-print-directory $(LOCAL_AWS_TOOLS)
	@$(TIMED) "functions" $(MAKE) --no-print-directory build
	@$(TIMED) "local AWS" $(LOCAL) up
	@$(TIMED) "deployment" $(LOCAL) deploy --stage local
	@$(TIMED) "demonstration" $(VENV)/bin/python localstack/demo.py

.PHONY: test
test: ## every check and test, as in CI
	@$(TIMED) "Python environment" $(MAKE) --no-print-directory $(TOOLS)
	@$(TIMED) "lint" $(MAKE) --no-print-directory lint
	@$(TIMED) "functions" $(MAKE) --no-print-directory build
	@$(TIMED) "producers" $(MAKE) --no-print-directory producers
	@$(TIMED) "example, outside" $(MAKE) --no-print-directory example
	@$(TIMED) "tests" cargo test $(CARGO_FLAGS) --no-fail-fast
	@$(TIMED) "supergraphs" $(MAKE) --no-print-directory check-supergraph
	@$(TIMED) "descriptions of APIs" $(MAKE) --no-print-directory check-openapi
	@$(TIMED) "APIs as described" $(MAKE) --no-print-directory fuzz-apis

# Apart from everything else, since features add up over what is built at once: functions are not linked with what describes them.
# But with the packages of everything else, so that only what the feature changes is compiled once more.
OPENAPI = cargo test $(CARGO_FLAGS) --quiet --features "$(DESCRIBED:%=storefront-%/openapi)" --test openapi
DESCRIBED := $(patsubst functions/storefront/%/tests/openapi.rs,%,$(wildcard functions/storefront/*/tests/openapi.rs))

.PHONY: openapi
openapi: ## write the descriptions of the APIs in OpenAPI from the code
	@export WRITE_OPENAPI=1; $(OPENAPI)

.PHONY: check-openapi
check-openapi:
	@$(OPENAPI)

.PHONY: fuzz-apis
fuzz-apis: $(APIS_TOOLS) ## send the APIs what their descriptions allow and what they do not: no 5xx, every answer as described
	cargo build $(CARGO_FLAGS) --bins
	@$(CARGO_TARGET_DIR)/debug/fuzz-apis --schemathesis $(APIS_VENV)/bin/schemathesis --config tests/apis/schemathesis.toml \
	  $(API:%=--api %) -- $(FUZZ)

.PHONY: test-localstack
test-localstack: ## the end-to-end tests on LocalStack, without Docker
	@$(TIMED) "LocalStack" $(MAKE) --no-print-directory $(TOOLS) $(LOCALSTACK) $(DYNAMODB_LOCAL)
	@$(TIMED) "functions" $(MAKE) --no-print-directory build
	@$(TIMED) "example, outside" $(MAKE) --no-print-directory example
	@$(TIMED) "tests of functions as processes" $(LOCALSTACK_VENV)/bin/python -m unittest discover --buffer --start-directory localstack/host/tests
	@LOCAL_AWS=localstack-host $(TIMED) "end-to-end tests on LocalStack" cargo test $(CARGO_FLAGS) --test e2e

.PHONY: lint
lint: $(TOOLS) ## formatting, clippy, template and Python lints
	cargo fmt --all --check
	$(VENV)/bin/cfn-lint $(TEMPLATES) $(wildcard functions/*/template.yaml)
	$(VENV)/bin/ruff check --quiet localstack
	$(VENV)/bin/ruff check --quiet --config localstack/ruff.toml .ci/semver examples schemas tests/outside $(GRPC_OUTSIDE)
	$(VENV)/bin/ruff format --quiet --check localstack
	$(VENV)/bin/ruff format --quiet --check --config localstack/ruff.toml .ci/semver examples schemas tests/outside $(GRPC_OUTSIDE)
	cargo fmt --check --manifest-path examples/consumer/Cargo.toml
	$(VENV)/bin/python schemas/check.py
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings

.PHONY: audit
audit: $(AUDIT_TOOLS) $(CARGO_DENY) $(CARGO_CYCLONEDX) ## licences, sources and advisories of dependencies, templates; writes build/sbom
	$(CARGO_DENY) --locked check bans licenses sources
	@# Advisories come from a database on the network, which a build machine may not reach.
	@if $(CARGO_DENY) fetch db >/dev/null 2>&1; then $(CARGO_DENY) --locked check advisories; \
	  else echo "warning: advisories were NOT checked: their database is out of reach (cargo deny fetch db)" >&2; fi
	$(AUDIT_VENV)/bin/checkov --config-file .checkov.yaml $(addprefix --file ,$(TEMPLATES))
	@rm -rf build/sbom && mkdir -p build/sbom
	@for function in $(FUNCTIONS); do \
	  folder=functions/$$function; test -d $$folder || folder=functions/storefront/$$function; \
	  $(CARGO_CYCLONEDX) cyclonedx --quiet --format json --manifest-path $$folder/Cargo.toml --override-filename sbom \
	    && mv $$folder/sbom.json build/sbom/$$function.cdx.json || exit 1; \
	done; find . -name sbom.json -not -path './target/*' -not -path './build/*' -delete
	@echo "software bills of materials (CycloneDX): build/sbom"

.PHONY: doc
doc: ## build the API documentation; a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --no-deps --lib --all-features

.PHONY: roles
roles: $(TOOLS) build example ## write into docs/roles.md what the stacks grant
	ROLES=write cargo test $(CARGO_FLAGS) --test e2e -- authority
	ROLES=write cargo test $(CARGO_FLAGS) --test e2e -- shipping

.PHONY: fmt
fmt: $(TOOLS) ## format the code
	cargo fmt --all
	$(VENV)/bin/ruff format --quiet localstack
	$(VENV)/bin/ruff format --quiet --config localstack/ruff.toml .ci/semver examples schemas tests/outside $(GRPC_OUTSIDE)
	cargo fmt --manifest-path examples/consumer/Cargo.toml

.PHONY: bench
bench: ## measure; writes bench/results
	cargo run --locked --release --package onecommit-bench -- all

.PHONY: proof
proof: ## explore every scenario, hunt every bug; writes docs/reliability.md
	cargo run --locked --package onecommit-proof -- page

.PHONY: bugs
bugs: ## build a copy of the tree with each bug of tests/proof/patches (BUGS=... for some); its tests have to fail
	cargo run --locked --package onecommit-proof -- patches $(BUGS)

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## one small change after the other in what decides without I/O; takes hours, goes on where it was ended
	@mkdir -p $(MUTANTS_OUTPUT)
	CARGO_TARGET_DIR=$(CURDIR)/build/mutants/target $(CARGO_MUTANTS) mutants --output $(MUTANTS_OUTPUT) \
	  $(if $(SHARD),--shard $(SHARD) --sharding round-robin,--iterate) $(MUTANTS)

SEMVER = $(PYTHON) .ci/semver --baseline "$(BASELINE)" $(CRATES)

.PHONY: semver
semver: check-baseline $(CARGO_SEMVER_CHECKS) ## compare the API of the library's crates with the last tag, or with BASELINE; before a release
	@$(SEMVER) --tool $(CARGO_SEMVER_CHECKS)

# Before minutes of building.
.PHONY: check-baseline
check-baseline:
	@$(SEMVER)

.PHONY: chaos
chaos: ## events, poison and orders while every service fails and processes are killed; writes build/chaos
	@$(TIMED) "Python environment" $(MAKE) --no-print-directory $(TOOLS)
	@$(TIMED) "functions" $(MAKE) --no-print-directory build
	@CHAOS_EVENTS=$(or $(EVENTS),5000) CHAOS_ORDERS=$(or $(ORDERS),200) CHAOS_SEED=$(SEED) CHAOS_OUTAGE_S=$(or $(OUTAGE_S),60) \
	  $(TIMED) "chaos" cargo test $(CARGO_FLAGS) --test e2e -- chaos

# ---------------------------------------------------------------- local AWS

.PHONY: up
up: $(LOCAL_AWS_TOOLS) ## start the local AWS
	@$(LOCAL) up

.PHONY: down
down: $(TOOLS) ## end the local AWS and wipe its state
	@$(LOCAL) down

.PHONY: status
status: $(TOOLS) ## what is up, and what is deployed there
	@$(LOCAL) status

.PHONY: logs
logs: $(TOOLS) ## log lines of the functions of a stage
	@$(LOCAL) logs --stage $(STAGE) $(LOGS)

.PHONY: trace
trace: $(TOOLS) $(ZIPKIN) ## show the trace of the last order in Zipkin, and save a picture of it
	@$(LOCAL) trace --stage $(STAGE) --zipkin $(ZIPKIN_JAR) $(TRACE)

.PHONY: outputs
outputs: $(TOOLS) ## names and addresses of what is deployed on a stage
	@$(LOCAL) outputs --stage $(STAGE)

.PHONY: worker
worker: $(TOOLS) ## run the worker process on the queue of what is deployed; Ctrl-C drains it
	cargo build $(CARGO_FLAGS) --bins
	@$(LOCAL) worker --stage $(STAGE) --binary $(CARGO_TARGET_DIR)/debug/worker $(WORKER)

.PHONY: storefront
storefront: deploy ## the storefront on the local AWS: some products and a user, and its pages on an address of this machine; Ctrl-C ends it
	@$(LOCAL) storefront --binary $(CARGO_TARGET_DIR)/debug/bff $(STOREFRONT)

# ---------------------------------------------------------------- build and deploy

.PHONY: deploy
ifeq ($(STAGE),local)
deploy: build up
else
deploy: package
# Before minutes of building.
package: $(if $(filter deploy,$(MAKECMDGOALS)),check-account)
endif
deploy: $(TOOLS) ## deploy: to the local AWS (started if need be), or with STAGE=... to an AWS account
	@$(LOCAL) deploy --stage $(STAGE) $(foreach parameter,$(PARAMETERS),--parameter $(parameter)) $(foreach tag,$(TAGS),--tag $(tag))

.PHONY: check-account
check-account: $(TOOLS)
	@$(LOCAL) check --stage $(STAGE)

.PHONY: build
build: ## build the functions for this machine, fast
	cargo build $(CARGO_FLAGS) --bins
	@for function in $(FUNCTIONS); do \
	  mkdir -p build/lambda/$$function; \
	  cmp -s $(CARGO_TARGET_DIR)/debug/$$function build/lambda/$$function/bootstrap \
	    || cp $(CARGO_TARGET_DIR)/debug/$$function build/lambda/$$function/bootstrap || exit 1; \
	done
	@echo dev > build/lambda/.build-kind

.PHONY: example
example: $(TOOLS) $(PACKAGE_TOOLS) ## pack the library's crates; build and test examples/consumer against them, in a folder of its own
	@$(VENV)/bin/python examples/rendered.py
	@$(PYTHON) examples/outside.py $(OUTSIDE)
	@mkdir -p build && ln -sfn $(OUTSIDE) build/outside

.PHONY: producers
producers: $(TOOLS) $(PRODUCER) ## run the producers in Python and TypeScript, and check their events against the schema
	@$(WITH_NODE) $(VENV)/bin/python examples/producers/check.py

.PHONY: supergraph
supergraph: $(COMPOSITION)/node_modules/.package-lock.json ## compose the supergraphs, of the storefront and of the gateway's tests, from the code
	@cargo run --quiet --locked --package onecommit-graph --example museum -- sdl $(MUSEUM)
	@WRITE_SCHEMAS=1 cargo test --quiet --locked --package storefront-graph --test subgraphs schemas_that_are_kept > /dev/null
	@for folder in $(SUPERGRAPHS); do $(WITH_NODE) node $(COMPOSITION)/compose.mjs $$folder || exit 1; done

# That the schemas are the code's own, tests check.
.PHONY: check-supergraph
check-supergraph: $(COMPOSITION)/node_modules/.package-lock.json
	@for folder in $(SUPERGRAPHS); do \
	  rm -rf build/composed && mkdir -p build/composed && cp $$folder/*.graphql build/composed \
	    && $(WITH_NODE) node $(COMPOSITION)/compose.mjs build/composed || exit 1; \
	  diff -u $$folder/supergraph.graphql build/composed/supergraph.graphql \
	    || { echo "error: $$folder/supergraph.graphql is not composed of its subgraphs; run make supergraph" >&2; exit 1; }; \
	done

.PHONY: grpc-outside
grpc-outside: $(GRPC_TOOLS) $(GRPC_OUTSIDE)/node_modules/.package-lock.json ## call the catalog with grpcio and @grpc/grpc-js, and serve it to our client with both
	@cargo build $(CARGO_FLAGS) --quiet --example grpc
	@$(WITH_NODE) $(GRPC_VENV)/bin/python $(GRPC_OUTSIDE)/outside.py $(CARGO_TARGET_DIR)/debug/examples/grpc

.PHONY: proto
proto: ## write the code and the description of catalog.proto
	@WRITE_PROTO=1 cargo test $(CARGO_FLAGS) --quiet --test generated

.PHONY: graph-compared
graph-compared: $(COMPOSITION)/peer/node_modules/.package-lock.json ## compare the gateway's answers with those of @graphql-hive/gateway
	@cargo build --quiet --locked --package onecommit-graph --example museum
	@$(WITH_NODE) node $(COMPOSITION)/compare.mjs $(CARGO_TARGET_DIR)/debug/examples/museum \
	  $(COMPOSITION)/peer/node_modules/.bin/hive-gateway $(MUSEUM)

# What `/health` shows as the version; nothing outside of a checkout of the repository.
COMMIT = $(shell git rev-parse --verify --quiet HEAD)

.PHONY: package
package: $(PACKAGE_TOOLS) ## build the functions for Lambda (Amazon Linux 2023), small and optimised
	for packages in $(if $(strip $(EACH_FUNCTION)),"$(strip $(EACH_FUNCTION))") $(ALONE:%="--package %"); do \
	  ONECOMMIT_COMMIT="$(COMMIT)" RUSTFLAGS="$(REMAPPED)" PATH="$(abspath $(VENV))/bin:$$PATH" \
	    cargo lambda build --locked --release $(CARGO_LAMBDA_ARCH) $$packages --lambda-dir build/lambda || exit 1; \
	done
	@echo release > build/lambda/.build-kind

# Panics name source files. Without the folders of this machine in front, the same commit gives the same bytes anywhere.
REMAPPED = --remap-path-prefix=$(CURDIR)=/onecommit --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo

.PHONY: reproducible
reproducible: $(TOOLS) $(PACKAGE_TOOLS) ## package FUNCTION (sweeper) of the last commit twice, in two folders, and compare the bytes
	@PATH="$(abspath $(VENV))/bin:$$PATH" .ci/reproducible $(or $(FUNCTION),sweeper) $(ARCH)

CARGO_LAMBDA_ARCH = $(or $(CARGO_LAMBDA_ARCH_$(ARCH)),$(error ARCH is `$(ARCH)`; it must be arm64 or x86_64))
CARGO_LAMBDA_ARCH_arm64 := --arm64
CARGO_LAMBDA_ARCH_x86_64 := --x86-64

# ---------------------------------------------------------------- environment

$(TOOLS): localstack/requirements.txt | $(VENV)/bin/python
	@$(PIP_INSTALL) --requirement $<
	@touch $@

$(AUDIT_TOOLS): localstack/requirements-audit.txt
	@$(PYTHON) -m venv $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python -m pip install $(PIP_OPTIONS) --require-hashes --requirement $<
	@touch $@

$(APIS_TOOLS): localstack/requirements-apis.txt
	@$(PYTHON) -m venv $(APIS_VENV)
	@$(APIS_VENV)/bin/python -m pip install $(PIP_OPTIONS) --require-hashes --requirement $<
	@touch $@

$(GRPC_TOOLS): localstack/requirements-grpc.txt
	@$(PYTHON) -m venv $(GRPC_VENV)
	@$(GRPC_VENV)/bin/python -m pip install $(PIP_OPTIONS) --require-hashes --requirement $<
	@touch $@

$(CARGO_DENY):
	cargo install --quiet --locked --version $(CARGO_DENY_VERSION) --root $(CARGO_TOOLS) cargo-deny

$(CARGO_MUTANTS):
	cargo install --quiet --locked --version $(CARGO_MUTANTS_VERSION) --root $(CARGO_TOOLS) cargo-mutants

$(CARGO_SEMVER_CHECKS):
	cargo install --quiet --locked --version $(CARGO_SEMVER_CHECKS_VERSION) --root $(CARGO_TOOLS) cargo-semver-checks

$(CARGO_CYCLONEDX):
	cargo install --quiet --locked --version $(CARGO_CYCLONEDX_VERSION) --root $(CARGO_TOOLS) cargo-cyclonedx

$(PACKAGE_TOOLS): localstack/requirements-package.txt | $(VENV)/bin/python
	@$(PIP_INSTALL) --requirement $<
	@touch $@

$(NODE): localstack/requirements-node.txt | $(VENV)/bin/python
	@{ npm --version && node -e 'process.exit(parseInt(process.versions.node) < 20)'; } >/dev/null 2>&1 \
	  || $(PIP_INSTALL) --requirement $<
	@touch $@

$(PRODUCERS)/node_modules/.package-lock.json: $(PRODUCERS)/package.json $(PRODUCERS)/package-lock.json | $(NODE)
	@cd $(PRODUCERS) && $(WITH_NODE) npm ci --no-audit --no-fund --silent
	@touch $@

$(COMPOSITION)/node_modules/.package-lock.json: $(COMPOSITION)/package.json $(COMPOSITION)/package-lock.json | $(NODE)
	@cd $(COMPOSITION) && $(WITH_NODE) npm ci --no-audit --no-fund --silent
	@touch $@

$(COMPOSITION)/peer/node_modules/.package-lock.json: $(COMPOSITION)/peer/package.json $(COMPOSITION)/peer/package-lock.json | $(NODE)
	@cd $(COMPOSITION)/peer && $(WITH_NODE) npm ci --no-audit --no-fund --silent
	@touch $@

$(GRPC_OUTSIDE)/node_modules/.package-lock.json: $(GRPC_OUTSIDE)/package.json $(GRPC_OUTSIDE)/package-lock.json | $(NODE)
	@cd $(GRPC_OUTSIDE) && $(WITH_NODE) npm ci --no-audit --no-fund --silent
	@touch $@

$(PRODUCER): $(PRODUCERS)/send.ts $(PRODUCERS)/tsconfig.json $(PRODUCERS)/node_modules/.package-lock.json
	@cd $(PRODUCERS) && $(WITH_NODE) npm run --silent build
	@touch $@

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null \
	  || { echo "error: there is no $(PYTHON). Install Python 3.10 or newer, or name yours: PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "error: $$($(PYTHON) --version) is too old. Install Python 3.10 or newer, or name yours: PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "error: $(PYTHON) has no venv module. Install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(LOCALSTACK): localstack/requirements-localstack-build.txt localstack/requirements-localstack.txt \
    $(wildcard localstack/host/*.toml localstack/host/onecommit_localstack/*.py) | $(LOCALSTACK_VENV)/bin/python
	@$(LOCALSTACK_PIP) --require-hashes --requirement localstack/requirements-localstack-build.txt
	@$(LOCALSTACK_PIP) --require-hashes --no-build-isolation --requirement localstack/requirements-localstack.txt
	@$(LOCALSTACK_PIP) --no-index --no-deps --no-build-isolation --force-reinstall localstack/host
	@touch $@

$(LOCALSTACK_VENV)/bin/python:
	@for python in $(or $(PYTHON_LOCALSTACK),python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13.*/bin/python3.13); do \
	  $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null \
	    && exec $$python -m venv $(LOCALSTACK_VENV); \
	done; \
	echo "error: LocalStack without Docker needs Python 3.13 with venv, which is not to be found." \
	  "Install it (pyenv install 3.13), or name yours: PYTHON_LOCALSTACK=/path/to/python3.13" >&2; exit 1

$(DYNAMODB_LOCAL): localstack/dynamodb-local/pom.xml localstack/dynamodb-local/jars.sha256 | $(LOCALSTACK_VENV)/bin/python
	@command -v mvn >/dev/null || { echo "error: there is no mvn, which fetches LocalStack's DynamoDB." \
	  "Install Maven (Debian, Ubuntu: apt-get install maven)" >&2; exit 1; }
	@told=$$(mvn --quiet --batch-mode --file $< -DoutputDirectory=$(CURDIR)/$(@D) \
	  org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies 2>&1) || { echo "$$told" >&2; exit 1; }
	@cd $(@D) && $(SHA256SUM) --check $(CURDIR)/localstack/dynamodb-local/jars.sha256 > .checked || { grep -v ': OK' .checked >&2; \
	  echo "error: DynamoDB Local is not what it was when its version was chosen (localstack/dynamodb-local/jars.sha256)" >&2; exit 1; }
	@touch $@

$(ZIPKIN): localstack/zipkin/pom.xml localstack/zipkin/jars.sha256
	@command -v mvn >/dev/null || { echo "error: there is no mvn, which fetches Zipkin." \
	  "Install Maven (Debian, Ubuntu: apt-get install maven)" >&2; exit 1; }
	@told=$$(mvn --quiet --batch-mode --file $< -DoutputDirectory=$(CURDIR)/$(@D) -DincludeArtifactIds=zipkin-server \
	  org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies 2>&1) || { echo "$$told" >&2; exit 1; }
	@cd $(@D) && $(SHA256SUM) --check $(CURDIR)/localstack/zipkin/jars.sha256 > .checked || { grep -v ': OK' .checked >&2; \
	  echo "error: Zipkin is not what it was when its version was chosen (localstack/zipkin/jars.sha256)" >&2; exit 1; }
	@touch $@

.PHONY: lock
lock: ## pin the Python requirements again (needs uv)
	@for name in requirements requirements-package requirements-node requirements-audit requirements-apis requirements-grpc requirements-localstack-build; do \
	  uv pip compile $(UV_OPTIONS) --python-version 3.10 localstack/$$name.in --output-file localstack/$$name.txt || exit 1; \
	done
	@# Releases of what LocalStack 4.14.0 needs that came after this date break it.
	@cd localstack/host && uv pip compile $(UV_OPTIONS) --python-version 3.13 --exclude-newer 2026-03-01 \
	  pyproject.toml --output-file ../requirements-localstack.txt

UV_OPTIONS := --quiet --upgrade --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.PHONY: clean
clean: ## end the local AWS and delete all that was built
	@if test -e build/local-aws/instance.json && test -e $(TOOLS); then $(LOCAL) down; fi
	cargo clean --quiet
	rm -rf build $(VENV) $(APIS_VENV) $(GRPC_VENV) $(LOCALSTACK_VENV) $(PRODUCERS)/built $(PRODUCERS)/node_modules \
	  $(GRPC_OUTSIDE)/node_modules $(COMPOSITION)/node_modules $(COMPOSITION)/peer/node_modules
