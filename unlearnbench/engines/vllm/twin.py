"""The model in vLLM against its twin: the same checkpoint, loaded and checked by us.

Which tensors vLLM read, and how it computes with them, cannot be seen from outside. A model that
was loaded in part, or with an adapter left out, would look as if it had forgotten. So before the
first question both say how likely they find the same tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import psutil
import torch
from transformers import PreTrainedModel

from unlearnbench.checkpoints.quantised import quantisation_of
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.checkpoints.weights import model_tensors
from unlearnbench.engines.transformers.loading import load_model
from unlearnbench.engines.vllm.core import Core, Request, TokenRow
from unlearnbench.errors import EngineError

TOLERANCE = {torch.float32: 0.01, torch.bfloat16: 0.3, torch.float16: 0.1}
"""Allowed mean difference of a token's log-probability, in nats; a wrong model differs by some."""
_FEW_TOKENS = 16
_ROOM = 1.3
"""Memory that the twin takes, by the size of its weights."""


def reason_not_compared(checkpoint: Checkpoint, dtype: torch.dtype) -> str | None:
    """Why a checkpoint can have no twin here; None if it can."""
    quantised = quantisation_of(checkpoint.folder)
    if quantised is not None:
        return f"its weights are quantised ({quantised.method})"
    tensors = model_tensors(checkpoint.folder).values()
    need = _ROOM * dtype.itemsize * sum(header.size for header in tensors)
    free = psutil.virtual_memory().available
    if need > free:
        return f"that takes {need / 2**30:.0f} GiB of memory, {free / 2**30:.0f} are free"
    return None


def check_twin(
    core: Core, checkpoint: Checkpoint, dtype: torch.dtype, prompts: Sequence[Sequence[int]]
) -> None:
    """Raise `EngineError` if vLLM's model is not the checkpoint, `CheckpointError` if that is not
    whole.
    """
    requests = [Request(prompt, _FEW_TOKENS) for prompt in prompts]
    written = core.answer(requests, (), asked=True)
    twin, _ = load_model(checkpoint, torch.device("cpu"), dtype, unmerged=True)
    differences: list[float] = []
    for prompt, one in zip(prompts, written, strict=True):
        if one is None or not one.tokens:
            raise EngineError(f"{checkpoint.label}: vLLM wrote nothing to a first prompt")
        differences += _differences(twin, list(prompt), one)
    mean = sum(differences) / len(differences)
    if not mean <= TOLERANCE[dtype]:
        raise EngineError(
            f"{checkpoint.label}: the model in vLLM is not the one in the files: log-probabilities "
            f"of {len(differences)} tokens differ by {mean:.2g} nats on average, where "
            f"{TOLERANCE[dtype]:g} is rounding; use --engine transformers"
        )


def _differences(twin: PreTrainedModel, prompt: list[int], written: TokenRow) -> list[float]:
    """Difference of each token's log-probability; tokens without a number agree with such."""
    ids = torch.tensor([prompt + written.tokens])
    with torch.inference_mode():
        logits = twin(input_ids=ids, use_cache=False).logits[0, :-1].double()
    own = torch.log_softmax(logits, dim=-1).gather(1, ids[0, 1:, None])[:, 0].tolist()
    told = [*written.asked_logprobs, *written.logprobs]
    own = own[-len(told) :]
    return [
        0.0 if not (math.isfinite(a) or math.isfinite(b)) else abs(a - b)
        for a, b in zip(own, told, strict=True)
    ]
