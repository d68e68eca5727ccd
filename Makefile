# Everything a person or CI runs; `make` alone lists it. Works with GNU make from 3.81 on.
#
# Settings, on the command line (make deploy STAGE=dev) or in the environment:
#   STAGE            `local`, or the name of a stage in the AWS account of your credentials
#   STACK_NAME       onecommit-STAGE if not set
#   LOCAL_AWS        which local AWS `make up` starts: ministack (a process) or localstack (Docker)
#   LOCAL_AWS_PORT   its port; 4566 if not set, 0 picks a free one
#   ARCH             processor that `make package` builds for: arm64 or x86_64
#   TEMPLATE         what `make deploy` deploys, with a STACK_NAME of its own; infra/template.yaml if not set
#   PARAMETERS       template parameters for `make deploy`: PARAMETERS="LogLevel=debug EventSource=shop.orders"
#   ARTIFACT_BUCKET  bucket for code in an AWS account; one is made if not set
#   LOGS             options of `make logs`: LOGS=--follow, LOGS="--source local-aws"
#   WORKER           options of `make worker`: WORKER="--queue fifo"
#   EVENTS, ORDERS   how many `make chaos` sends; 5000 and 200 if not set
#   SEED             its dice; any, if not set
#   FAULT_SEED       lets `make up` start a proxy for faults, too, with these dice: docs/chaos.md
#   PYTHON           any Python from 3.10 on
STAGE ?= local
ifeq ($(STAGE),)
override STAGE := local
endif
ARCH ?= arm64
PYTHON ?= python3
PARAMETERS ?=
LOGS ?=
WORKER ?=

# A folder here is a function of the same name; a copied example needs no entry anywhere. These run outside of Lambda, so
# nothing is packaged of them.
PROCESSES := worker operator
FUNCTIONS := $(filter-out $(PROCESSES),$(patsubst functions/%/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
EXAMPLES := $(patsubst examples/%/Cargo.toml,%,$(wildcard examples/*/Cargo.toml))

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
EACH_FUNCTION := $(foreach function,$(FUNCTIONS),--package $(function))

# ---------------------------------------------------------------- Python

VENV := .venv
TOOLS := $(VENV)/.tools-installed
PACKAGE_TOOLS := $(VENV)/.package-tools-installed
LOCAL := $(VENV)/bin/python localstack/local_aws.py
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes
TIMED := .ci/timed

# The end-to-end tests start a local AWS of their own, with this Python.
export ONECOMMIT_PYTHON := $(CURDIR)/$(VENV)/bin/python

# ---------------------------------------------------------------- main jobs

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@sed -n 's/^#   \([A-Z]\)/  \1/p' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: ## publish events with duplicates and poison on a local AWS, and check what became of each
	@$(TIMED) "Python environment" $(MAKE) --no-print-directory $(TOOLS)
	@$(TIMED) "functions" $(MAKE) --no-print-directory build
	@$(TIMED) "local AWS" $(LOCAL) up
	@$(TIMED) "deployment" $(LOCAL) deploy --stage local
	@$(TIMED) "demonstration" $(VENV)/bin/python localstack/demo.py

.PHONY: test
test: ## every check and test, as in CI
	@$(TIMED) "Python environment" $(MAKE) --no-print-directory $(TOOLS)
	@$(TIMED) "lint" $(MAKE) --no-print-directory lint
	@$(TIMED) "functions" $(MAKE) --no-print-directory build
	@$(TIMED) "tests" cargo test $(CARGO_FLAGS)

.PHONY: lint
lint: $(TOOLS) ## formatting, clippy, template and Python lints
	cargo fmt --all --check
	$(VENV)/bin/cfn-lint infra/template.yaml $(wildcard examples/*/template.yaml functions/*/template.yaml)
	$(VENV)/bin/ruff check --quiet localstack
	$(VENV)/bin/ruff format --quiet --check localstack
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings

.PHONY: fmt
fmt: $(TOOLS) ## format the code
	cargo fmt --all
	$(VENV)/bin/ruff format --quiet localstack

.PHONY: bench
bench: ## measure; writes bench/results
	cargo run --locked --release --package onecommit-bench -- all

.PHONY: chaos
chaos: ## events, poison and orders while every service fails and processes are killed; writes build/chaos
	@$(TIMED) "Python environment" $(MAKE) --no-print-directory $(TOOLS)
	@$(TIMED) "functions" $(MAKE) --no-print-directory build
	@CHAOS_EVENTS=$(or $(EVENTS),5000) CHAOS_ORDERS=$(or $(ORDERS),200) CHAOS_SEED=$(SEED) \
	  $(TIMED) "chaos" cargo test $(CARGO_FLAGS) --test e2e -- chaos

# ---------------------------------------------------------------- local AWS

.PHONY: up
up: $(TOOLS) ## start the local AWS
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

.PHONY: outputs
outputs: $(TOOLS) ## names and addresses of what is deployed on a stage
	@$(LOCAL) outputs --stage $(STAGE)

.PHONY: worker
worker: $(TOOLS) ## run the worker process on the queue of what is deployed; Ctrl-C drains it
	cargo build $(CARGO_FLAGS) --bins
	@$(LOCAL) worker --stage $(STAGE) --binary $(CARGO_TARGET_DIR)/debug/worker $(WORKER)

# ---------------------------------------------------------------- build and deploy

.PHONY: deploy
ifeq ($(STAGE),local)
deploy: build up
else
deploy: package
endif
deploy: $(TOOLS) ## deploy: to the local AWS (started if need be), or with STAGE=... to an AWS account
	@$(LOCAL) deploy --stage $(STAGE) $(foreach parameter,$(PARAMETERS),--parameter $(parameter))

.PHONY: build
build: ## build the functions for this machine, fast
	cargo build $(CARGO_FLAGS) --bins
	@for function in $(FUNCTIONS) $(EXAMPLES); do \
	  mkdir -p build/lambda/$$function; \
	  cmp -s $(CARGO_TARGET_DIR)/debug/$$function build/lambda/$$function/bootstrap \
	    || cp $(CARGO_TARGET_DIR)/debug/$$function build/lambda/$$function/bootstrap || exit 1; \
	done
	@echo dev > build/lambda/.build-kind

.PHONY: package
package: $(PACKAGE_TOOLS) ## build the functions for Lambda (Amazon Linux 2023), small and optimised
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --locked --release $(CARGO_LAMBDA_ARCH) $(EACH_FUNCTION) --lambda-dir build/lambda
	@echo release > build/lambda/.build-kind

CARGO_LAMBDA_ARCH = $(or $(CARGO_LAMBDA_ARCH_$(ARCH)),$(error ARCH is `$(ARCH)`; it must be arm64 or x86_64))
CARGO_LAMBDA_ARCH_arm64 := --arm64
CARGO_LAMBDA_ARCH_x86_64 := --x86-64

# ---------------------------------------------------------------- environment

$(TOOLS): localstack/requirements.txt | $(VENV)/bin/python
	@$(PIP_INSTALL) --requirement $<
	@touch $@

$(PACKAGE_TOOLS): localstack/requirements-package.txt | $(VENV)/bin/python
	@$(PIP_INSTALL) --requirement $<
	@touch $@

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null \
	  || { echo "error: there is no $(PYTHON). Install Python 3.10 or newer, or name yours: PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "error: $$($(PYTHON) --version) is too old. Install Python 3.10 or newer, or name yours: PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "error: $(PYTHON) has no venv module. Install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

.PHONY: lock
lock: ## pin the Python requirements again (needs uv)
	@for name in requirements requirements-package; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" localstack/$$name.in --output-file localstack/$$name.txt || exit 1; \
	done

.PHONY: clean
clean: ## end the local AWS and delete all that was built
	@if test -e build/local-aws/instance.json && test -e $(TOOLS); then $(LOCAL) down; fi
	cargo clean --quiet
	rm -rf build $(VENV)
