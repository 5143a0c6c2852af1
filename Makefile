# Two commands: `make demo` and `make test`. Everything else is Snakemake's.
# Needs Python >= 3.11, git and make; the environment is built in .venv from requirements.lock.
PYTHON ?= python3
SCALE ?= demo
CORES ?= all
ARGS ?=
# Containers often forbid bytecode; without it every job compiles all of PyTorch anew (2 s more).
export PYTHONDONTWRITEBYTECODE :=
UV_VERSION := 0.13.8
UV := .venv/uv/bin/uv
SNAKEMAKE := .venv/bin/snakemake
# The end-to-end tests share runs of the whole workflow, which use every core by themselves.
TEST_EACH = OMP_NUM_THREADS=1 .venv/bin/pytest --ignore=tests/end_to_end --numprocesses logical --maxprocesses 4 --dist loadfile
TEST_WHOLE = .venv/bin/pytest tests/end_to_end
GPU_PINS = $(if $(shell gpus=$$(nvidia-smi -L 2>/dev/null) && echo "$$gpus" | grep '^GPU '),requirements-gpu.txt)
# Snakemake and uv need a cache; in containers the home folder often cannot be written.
ifneq ($(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}" 2>/dev/null && test -w "$${XDG_CACHE_HOME:-$$HOME/.cache}" && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif

.PHONY: demo test setup run check format lock benchmark clean

demo: SCALE := demo
demo: run

run: setup ## run one scale, or a part of it: make run SCALE=fashion ARGS=sar.fig7
	$(SNAKEMAKE) $(ARGS) --cores $(CORES) --config scale=$(SCALE)
	$(if $(ARGS),,$(SNAKEMAKE) --quiet all --config scale=$(SCALE) --report results/$(SCALE)/report.zip)

test: setup ## all tests, or some: make test ARGS="tests/unit/spectra -x"
	$(if $(ARGS),.venv/bin/pytest $(ARGS),$(TEST_EACH) && $(TEST_WHOLE))

setup: .venv/.complete

.venv/.complete: requirements.lock requirements-gpu.txt pyproject.toml Makefile
	@echo "Setting up .venv (about 2.4 GB of packages on the first run on this machine; 1 to 3 minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version.split()[0] + ": run make with PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv --clear .venv
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip sync --python .venv/bin/python --require-hashes --quiet requirements.lock
	$(if $(GPU_PINS),$(UV) pip install --python .venv/bin/python --no-deps --quiet -r $(GPU_PINS))
	$(UV) pip install --python .venv/bin/python --no-deps --quiet --editable .
	@touch $@

check: setup ## what CI checks about the sources
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile workflow
	.venv/bin/python scripts/document_config.py --check
	$(SNAKEMAKE) --lint

format: setup
	.venv/bin/ruff check --fix . && .venv/bin/ruff format .
	.venv/bin/snakefmt Snakefile workflow
	.venv/bin/python scripts/document_config.py

# Not installed: what a CPU does not need of CUDA, and an optional checker of web addresses whose
# import costs every notebook a second.
LEFT_OUT := triton cuda-bindings nvidia-cusolver nvidia-cuda-nvrtc nvidia-nvtx rfc3987-syntax lark
lock: setup ## resolve requirements.lock anew from pyproject.toml
	$(UV) pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate $(LEFT_OUT:%=--no-emit-package %) -o requirements.lock $(ARGS)

benchmark: setup
	.venv/bin/python benchmarks/training_step.py

clean: ## forget all results; prepared data and the environment stay
	rm -rf results .snakemake
