# Works on a fresh clone with Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= 2
LADDER ?= workflow/ladder.yaml
COMPARISON ?= workflow/comparison.yaml

.PHONY: demo ladder robustness compare compare-small test test-demo test-slow mutants test-slurm test-browser test-lowest lint format accept-stages bench bench-gpu clean help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.installed: envs/requirements.txt envs/requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dcrdf needs Python >= 3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.txt -r envs/requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(VENV)/.installed  ## embedded data -> trained detectors -> tables and a page, in minutes
	$(BIN)/snakemake --cores $(CORES) --resources gpu=$(CORES) --configfile workflow/demo.yaml
	@echo "tables: results/demo/tables/tables.md   page: results/demo/report.html"

ladder: $(VENV)/.installed  ## the paper's ablation over seeds (hours on a CPU); LADDER=FILE for another
	$(BIN)/snakemake --cores $(CORES) --resources gpu=$(CORES) --configfile $(LADDER)

robustness: $(VENV)/.installed  ## test scans made worse, scored again: writes the tables of docs/robustness.md
	$(BIN)/snakemake --cores $(CORES) --resources gpu=$(CORES) --configfile workflow/robustness.yaml
	$(BIN)/python docs/make_robustness.py results/robustness/tables/robustness.md

compare: $(VENV)/.installed  ## the systems side by side, as published and on equal terms (hours); COMPARISON=FILE for another
	$(BIN)/snakemake --cores $(CORES) --resources gpu=$(CORES) --configfile $(COMPARISON)

compare-small: $(VENV)/.installed  ## the same with one seed and three parts, about an hour; `make compare` goes on from it
	$(BIN)/snakemake --cores $(CORES) --resources gpu=$(CORES) --configfile workflow/comparison.yaml workflow/comparison_small.yaml

test: $(VENV)/.installed  ## the fast tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not demo and not slurm and not browser" $(PYTEST_ARGS)

test-demo: demo  ## the demo, and whether it keeps its promises
	$(BIN)/python -m pytest -m demo $(PYTEST_ARGS)

test-slow: $(VENV)/.installed  ## everything; property tests draw new examples
	$(BIN)/python -m pytest --hypothesis-profile=search -m "not demo and not slurm and not browser" $(PYTEST_ARGS)
	$(BIN)/python tests/mutants

mutants: $(VENV)/.installed  ## lines that matter, changed one at a time: do the tests notice? WORDS="gate" picks some
	$(BIN)/python tests/mutants $(WORDS)

test-slurm: $(VENV)/.installed  ## the workflow on a SLURM cluster of one node, started here (as root)
	tests/slurm/install.sh
	$(BIN)/python -m pytest -m slurm tests/slurm $(PYTEST_ARGS)

test-browser: $(VENV)/.installed  ## the pages to explore, in Chromium (installed here as root)
	tests/browser/install.sh
	$(BIN)/python -m pytest -m browser tests/browser $(PYTEST_ARGS)

test-lowest: $(VENV)/.installed  ## the fast tests with the lowest versions that pyproject.toml allows (3 GB)
	$(PYTHON) -m venv --clear build/lowest
	build/lowest/bin/python -m pip install --quiet --disable-pip-version-check \
	    $$($(BIN)/python tests/lowest.py) $$(grep -E '^(pytest|hypothesis|build|hatchling)' envs/requirements-dev.txt)
	build/lowest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps .
	build/lowest/bin/python -m pytest -m "not slow and not demo and not slurm and not browser" \
	    --ignore tests/end_to_end --deselect tests/test_setup.py::test_tests_run_with_the_pinned_versions \
	    --deselect tests/networks/test_shapes.py::test_maps_have_the_teachers_strides_and_channels \
	    --deselect tests/tensors/test_device.py::test_kernels_that_repeat_are_asked_for_where_they_differ \
	    $(PYTEST_ARGS)

lint: $(VENV)/.installed  ## format, lint, types, workflow lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint --configfile workflow/demo.yaml

format: $(VENV)/.installed  ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile workflow

accept-stages: $(VENV)/.installed  ## after a change of code: stage versions are right as they are (docs/development.md)
	$(BIN)/python tests/test_stage_versions.py

bench: $(VENV)/.installed  ## all benchmarks; ends with one table of figures and targets
	$(BIN)/python -m bench

bench-gpu: $(VENV)/.installed  ## training and inference at the paper's size on a GPU; needs no weights
	$(BIN)/python -m bench.training --device cuda --teacher resnet50 --weights random --precision bfloat16 \
	    --size 256 --batch 16 --samples 64 --steps 30 --out bench/training-gpu.md
	$(BIN)/python -m bench.training --device cuda --teacher resnet50 --weights random --precision bfloat16 \
	    --size 256 --batch 16 --samples 64 --compiled --out bench/training-gpu-compiled.md

clean:  ## remove results of the demo
	rm -rf results/demo data/demo
