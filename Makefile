# Everything is set up inside the project's own folder, from Python 3.11 or later, git and make.
PYTHON ?= python3
EVENT ?= events/create.json
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
MUTANTS := .venv-mutants
SCAN := .venv-scan
CDK := .venv-cdk
# CDK runs in node, which this project does without.
CDK_WHERE_NODE_IS := $(if $(shell command -v node),$(CDK)/.installed)
LOCK := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help setup test check format lint types template chaos mutants demo landing-zone invoke local local-stop acceptance acceptance-clean bench load house schema scan audit sbom version release record picture cdk lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## the virtual environment, from the lock file

$(STAMP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	@echo "Setting up $(VENV) (a minute, once)" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

test: $(STAMP) $(SCAN)/.installed $(CDK_WHERE_NODE_IS) ## every test, with coverage
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term

chaos: $(STAMP) ## stacks at random, at length (CHAOS_EXAMPLES=20000)
	CHAOS_EXAMPLES=$${CHAOS_EXAMPLES:-20000} $(BIN)/python -m pytest -q -n auto tests/unit/lifecycle/test_stacks_at_random.py tests/unit/fleet/test_fleets_at_random.py

mutants: $(MUTANTS)/.installed ## mutation testing of the rules (an hour; ONLY='log_group_kms.fleet.*' for a part)
	rm -rf mutants
	$(MUTANTS)/bin/python -m mutmut run $(if $(CHILDREN),--max-children $(CHILDREN)) $(if $(ONLY),'$(ONLY)')
	$(MUTANTS)/bin/python -m tools.mutants

$(MUTANTS)/.installed: requirements-mutants.txt
	@$(PYTHON) -m venv --clear $(MUTANTS)
	@$(MUTANTS)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

check: format lint types template scan test ## format, lint, types, template lint, scanners, and the tests

format: $(STAMP)
	$(BIN)/ruff format --check

lint: $(STAMP)
	$(BIN)/ruff check
	PYTHONPATH=src $(BIN)/lint-imports --no-logo
	PYTHONPATH=src $(BIN)/python -m tools.schema --check

types: $(STAMP)
	$(BIN)/mypy

template: $(STAMP)
	$(BIN)/cfn-lint
	$(BIN)/sam validate --lint

scan: $(STAMP) $(SCAN)/.installed ## checkov, cfn-guard's AWS rules (RULES=FOLDER for more of them), bandit
	PYTHONPATH=tests $(BIN)/python -m tools.scan $(if $(RULES),--rules $(RULES))
	$(SCAN)/bin/bandit -q -c pyproject.toml -r src local $(wildcard acceptance)

audit: $(STAMP) $(SCAN)/.installed ## known vulnerabilities of every locked package (needs the network)
	$(BIN)/python -m tools.audit

sbom: $(STAMP) ## the bill of materials of what is deployed, as CycloneDX, into build/
	$(BIN)/python -m tools.sbom

version: $(STAMP) ## tell the version; set it everywhere, and date the changelog (NUMBER=1.2.3)
	@$(BIN)/python -m tools.version $(NUMBER)

release: $(STAMP) ## the artifacts of the commit at HEAD, into dist/
	$(BIN)/python -m tools.release

record: $(STAMP) ## before 1.0.0 alone: what it writes, as cases that every later version must read
	PYTHONPATH=src:.:tests $(BIN)/python -m recorded.record

picture: $(STAMP) ## the report's page in the docs, by a real browser from a run on the embedded AWS (needs Chromium)
	$(BIN)/python -m tools.picture

# Nothing is compiled ahead: most of it never runs, and writing the bytecode takes longer than all the rest.
$(SCAN)/.installed: requirements-scan.txt
	@echo "Setting up $(SCAN) (half a minute, once)" >&2
	@$(PYTHON) -m venv --clear $(SCAN)
	@$(SCAN)/bin/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

cdk: $(STAMP) $(CDK_WHERE_NODE_IS) ## synthesise and lint the example of a CDK construct, where node is found
	$(BIN)/python -m pytest -q -rs tests/functional/test_cdk.py

$(CDK)/.installed: requirements-cdk.txt
	@$(PYTHON) -m venv --clear $(CDK)
	@$(CDK)/bin/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

demo: $(STAMP) ## on an embedded AWS: what a plain template does, beside this provider; then a fleet
	$(BIN)/python -m local.demo

# Two lines for the two parts, one after the other also under `make -j`: both write into one folder, and what the first one
# clears away must not be the second one's.
landing-zone: $(STAMP) ## the landing zone's plain template, and its package
	@$(BIN)/python examples/landing-zone/render.py
	@rm -rf .aws-sam/landing-zone && mkdir -p .aws-sam/landing-zone/built
	@$(MAKE) -s -C src build-ProviderFunction ARTIFACTS_DIR=$(CURDIR)/.aws-sam/landing-zone/built PYTHON=$(CURDIR)/$(BIN)/python
	@$(MAKE) -s -C src build-WakerFunction ARTIFACTS_DIR=$(CURDIR)/.aws-sam/landing-zone/built PYTHON=$(CURDIR)/$(BIN)/python
	@$(BIN)/python examples/landing-zone/package.py .aws-sam/landing-zone/built .aws-sam/landing-zone

invoke: $(STAMP) ## one event in Lambda's container image, with Docker, podman or finch (EVENT=events/create.json)
	@$(BIN)/python -m local.invoke $(EVENT) $(if $(FUNCTION),--function $(FUNCTION))

local: $(STAMP) ## start the embedded AWS, leave it running, print the environment to set
	@$(BIN)/python -m local

local-stop: $(STAMP) ## stop the embedded AWS
	@$(BIN)/python -m local stop

acceptance: $(STAMP) ## put the provider and its beliefs to a REAL AWS account, into acceptance.md (CONFIRM=yes for no question)
	@$(BIN)/python -m acceptance $(if $(ONLY),--only $(ONLY))

acceptance-clean: $(STAMP) ## remove what a crashed acceptance run has left in the account
	@$(BIN)/python -m acceptance clean

bench: $(STAMP) ## every benchmark beside its peers, into benchmarks/RESULTS.md (twenty minutes; ONLY='fleet load' for some)
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

load: $(STAMP) ## one of them: 500 resources at once beside a naive handler (three minutes)
	$(BIN)/python -m benchmarks --only load

house: $(STAMP) ## the figures of the code's structure
	@$(BIN)/python -m tools.house

schema: $(STAMP) ## the JSON schemas and the rules for cfn-lint and cfn-guard, from the table of the properties
	PYTHONPATH=src $(BIN)/python -m tools.schema

lock: ## resolve and lock every dependency anew (needs uv)
	$(LOCK) --group function -o src/requirements.txt
	$(LOCK) -c src/requirements.txt --group dev -o requirements-dev.txt
	$(LOCK) -c src/requirements.txt --group mutants -o requirements-mutants.txt
	$(LOCK) --override tools/scan/overrides.txt --group scan -o requirements-scan.txt
	$(LOCK) --group cdk -o requirements-cdk.txt

clean: ## remove what make made
	@[ ! -x $(BIN)/python ] || $(BIN)/python -m local stop
	rm -rf $(VENV) $(MUTANTS) $(SCAN) $(CDK) mutants build dist .aws-sam .local .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
