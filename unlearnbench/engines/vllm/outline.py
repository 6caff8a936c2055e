"""A checkpoint as engine `transformers` knows it, without its weights: how it is asked and read."""

from __future__ import annotations

from typing import Any, cast

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.checkpoints.weights import model_tensors
from unlearnbench.engines.transformers.decoding import settings_of
from unlearnbench.engines.transformers.faults import explained
from unlearnbench.engines.transformers.tokenizers import (
    check_vocabulary,
    load_config,
    load_tokenizer,
)


def load_outline(
    checkpoint: Checkpoint, dtype: torch.dtype
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, list[str]]:
    """The model without numbers in its weights, its tokenizer, and notes on them.

    Stop tokens, prompts and digests follow from these as they do in engine `transformers`. Raises
    `CheckpointError`, for files that are damaged too.
    """
    model_tensors(checkpoint.folder)
    tokenizer = load_tokenizer(checkpoint)
    config = load_config(checkpoint.folder)
    with explained(f"{checkpoint.folder}: cannot be used"), torch.device("meta"):
        made = cast(Any, AutoModelForCausalLM).from_config(
            config, dtype=dtype, trust_remote_code=False
        )
    model = cast(PreTrainedModel, made)
    asks = checkpoint.tokenizer or checkpoint
    model.generation_config = settings_of(asks.folder, load_config(asks.folder))
    notes = check_vocabulary(model, tokenizer)
    if checkpoint.tokenizer is not None:
        notes.append(f"asked with the tokenizer, chat template and stop tokens of {asks.label}")
    return model.train(False), tokenizer, notes
