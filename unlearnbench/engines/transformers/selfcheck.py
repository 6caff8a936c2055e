"""Does the packed path compute what the model computes? Asked of every model before it is used."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import PreTrainedModel

from unlearnbench.engines.transformers import attention
from unlearnbench.engines.transformers.cache import KVShape
from unlearnbench.engines.transformers.faults import LOW_MEMORY, explained
from unlearnbench.engines.transformers.memory import is_out_of_memory
from unlearnbench.engines.transformers.packed import Decoded, PackedDecoder
from unlearnbench.engines.transformers.placing import scattered
from unlearnbench.engines.transformers.prompts import context_window
from unlearnbench.engines.transformers.windows import small_windows, windows
from unlearnbench.errors import EngineError

_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 3e-2, torch.float16: 2e-2}
"""Allowed difference of the largest logit, as a share of the logits' range."""
_STEPS = 4
_LONG = 4096
"""A window that cannot be made small is exceeded by a real prompt up to this size."""


def kv_shape(model: PreTrainedModel) -> KVShape:
    """Geometry of the cache as the configuration has it. Raises `AttributeError` if it has none."""
    config = model.config.get_text_config()
    heads = int(config.num_attention_heads)
    head_dim = getattr(config, "head_dim", None) or int(config.hidden_size) // heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    return KVShape(int(config.num_hidden_layers), int(kv_heads), int(head_dim))


def prepare_packed(model: PreTrainedModel, stop_ids: frozenset[int]) -> PackedDecoder | str:
    """A decoder whose results were compared with the model's own, or why there is none.

    The comparison runs four prompts, two of which share a prefix, through both ways, and one that
    is longer than any attention window or chunk. Raises `EngineError` when memory runs out and
    `CheckpointError` when the model cannot be run at all.
    """
    apart = scattered(model)
    if apart is not None:
        return apart
    adapter = getattr(model, "active_peft_config", None)
    if adapter is not None and adapter.is_prompt_learning:
        return "its adapter puts virtual tokens before the prompt"
    if getattr(adapter, "alora_invocation_tokens", None):
        return "its adapter begins at a certain token of each row"
    attention.register()
    body: Any = model
    vocabulary = int(body.get_input_embeddings().weight.shape[0])
    context = context_window(model.config)
    reason = _compare(model, _prompts(vocabulary, context)) or _compare_windows(
        model, vocabulary, context
    )
    if reason is not None:
        return reason
    model.set_attn_implementation(attention.NAME)
    return PackedDecoder(model, kv_shape(model), stop_ids)


def _compare(model: PreTrainedModel, prompts: list[list[int]]) -> str | None:
    """Why the packed path does not compute what the model does on `prompts`; None if it does."""
    rows = _decode(model, prompts)
    if isinstance(rows, str):
        with explained("the model cannot be run"):
            _plain(model, prompts[0])
        return rows
    for prompt, row in zip(prompts, rows, strict=True):
        if row.reason == "nonfinite":
            return "its logits are NaN or infinite"
        with explained("the model cannot be run"):
            logits = _plain(model, prompt + row.tokens[:-1])[len(prompt) - 1 :]
        worst = _difference(logits, row)
        if not worst <= _TOLERANCE.get(model.dtype, 1e-3):
            return f"its logits differ from the model's own by {worst:.1e} of their range"
    return None


def _compare_windows(model: PreTrainedModel, vocabulary: int, context: int | None) -> str | None:
    """`_compare` on a prompt longer than any window or chunk of the configuration.

    The windows are made small for it, as long as that shows in the model's own logits: a prompt
    of thousands of tokens would take longer than all the rest. Where a window cannot be made
    small, the prompt is as long as it takes, and where that is too long the model is not packed.
    """
    sizes = windows(model)
    if not sizes:
        return None
    prompt = _prompts(vocabulary, context)[-1]
    with explained("the model cannot be run"):
        wide = _plain(model, prompt)[-1]
        with small_windows(model):
            narrow = _plain(model, prompt)[-1]
    if not torch.equal(wide, narrow):
        with small_windows(model):
            return _compare(model, [prompt])
    longest = max(sizes.values())
    if longest > _LONG:
        return f"its attention window of {longest} is too long to be checked"
    room = longest + 64 if context is None else min(longest + 64, context - _STEPS)
    return _compare(model, [[_token(i, vocabulary) for i in range(room)]])


def _decode(model: PreTrainedModel, prompts: list[list[int]]) -> list[Decoded] | str:
    """The packed path's rows, or what it failed with."""
    before = model.config._attn_implementation
    try:
        model.set_attn_implementation(attention.NAME)
        decoder = PackedDecoder(model, kv_shape(model), frozenset())
        return sorted(decoder.decode(prompts, _STEPS, slots=2), key=lambda row: row.index)
    except (
        attention.UnsupportedAttentionError,
        AttributeError,
        IndexError,
        MemoryError,
        NotImplementedError,
        RuntimeError,
        TypeError,
        ValueError,
        ZeroDivisionError,
    ) as error:
        if is_out_of_memory(error):
            raise EngineError(f"the self-check of the model: {LOW_MEMORY}") from error
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    finally:
        model.set_attn_implementation(before)


def _token(i: int, vocabulary: int) -> int:
    return (i * 7919 + 11) % vocabulary


def _prompts(vocabulary: int, window: int | None) -> list[list[int]]:
    """Prompts of scattered tokens: two with a common prefix, one apart, one long.

    Position biases that the packed path would lose grow with distance; the long one shows them.
    """

    def tokens(first: int, end: int) -> list[int]:
        return [_token(i, vocabulary) for i in range(first, end)]

    shared = tokens(0, 24)
    prompts = [
        shared + tokens(100, 107),
        shared + tokens(200, 203),
        tokens(300, 317),
        tokens(400, 560),
    ]
    room = None if window is None else max(1, window - _STEPS)
    return [prompt[:room] for prompt in prompts]


def _plain(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    """The model's own logits, `[tokens, V]`, from one forward call."""
    given = torch.tensor([ids], device=model.device)
    logits: torch.Tensor = model(input_ids=given, use_cache=False).logits[0].float()
    return logits


def _difference(logits: torch.Tensor, row: Decoded) -> float:
    """Largest distance between packed and plain peak logits, as a share of the logits' range.

    `logits` are the model's own over the answer. A chosen token must also be the plain maximum up
    to the same distance.
    """
    span = (logits.max(dim=-1).values - logits.min(dim=-1).values).clamp_min(1e-6)
    plain = logits.max(dim=-1).values
    packed = torch.tensor(row.peaks, device=plain.device)
    chosen = logits.gather(1, torch.tensor(row.tokens, device=plain.device)[:, None])[:, 0]
    worst = torch.maximum((packed - plain).abs(), (plain - chosen).abs()) / span
    return float(worst.max()) if bool(worst.isfinite().all()) else math.inf
