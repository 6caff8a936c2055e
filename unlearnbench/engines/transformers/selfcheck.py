"""Does the packed path compute what the model computes? Asked of every model before it is used."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from unlearnbench.engines.transformers import attention
from unlearnbench.engines.transformers.cache import KVShape
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.engines.transformers.prompts import context_window

_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 3e-2, torch.float16: 2e-2}
"""Allowed difference of the largest logit, as a share of the logits' range."""
_STEPS = 4


def kv_shape(model: PreTrainedModel) -> KVShape:
    """Geometry of the cache as the configuration has it. Raises `AttributeError` if it has none."""
    config = model.config.get_text_config()
    heads = int(config.num_attention_heads)
    head_dim = getattr(config, "head_dim", None) or int(config.hidden_size) // heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    return KVShape(int(config.num_hidden_layers), int(kv_heads), int(head_dim))


def prepare_packed(model: PreTrainedModel, stop_ids: frozenset[int]) -> PackedDecoder | str:
    """A decoder whose results were compared with the model's own, or why there is none.

    The comparison runs four prompts, two of which share a prefix, through both ways.
    """
    before = model.config._attn_implementation
    attention.register()
    try:
        shape = kv_shape(model)
        model.set_attn_implementation(attention.NAME)
        decoder = PackedDecoder(model, shape, frozenset())
        vocabulary = int(model.config.get_text_config().vocab_size)
        prompts = _prompts(vocabulary, context_window(model.config))
        rows = sorted(decoder.decode(prompts, _STEPS, slots=2), key=lambda row: row.index)
    except (
        attention.UnsupportedAttentionError,
        AttributeError,
        IndexError,
        NotImplementedError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        model.set_attn_implementation(before)
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    model.set_attn_implementation(before)
    for prompt, row in zip(prompts, rows, strict=True):
        worst = _difference(model, prompt, row.tokens, row.peaks)
        if not worst <= _TOLERANCE[model.dtype]:
            return f"its logits differ from the model's own by {worst:.1e} of their range"
    model.set_attn_implementation(attention.NAME)
    return PackedDecoder(model, shape, stop_ids)


def _prompts(vocabulary: int, window: int | None) -> list[list[int]]:
    """Prompts of scattered tokens: two with a common prefix, one apart, one long.

    Position biases that the packed path would lose grow with distance; the long one shows them.
    """

    def token(i: int) -> int:
        return (i * 7919 + 11) % vocabulary

    shared = [token(i) for i in range(24)]
    prompts = [
        shared + [token(i) for i in range(100, 107)],
        shared + [token(i) for i in range(200, 203)],
        [token(i) for i in range(300, 317)],
        [token(i) for i in range(400, 560)],
    ]
    room = None if window is None else max(1, window - _STEPS)
    return [prompt[:room] for prompt in prompts]


def _difference(
    model: PreTrainedModel, prompt: list[int], tokens: list[int], peaks: list[float]
) -> float:
    """Largest distance between packed and plain peak logits, as a share of the logits' range.

    The plain logits come from one forward call over prompt and answer. A chosen token must also be
    the plain maximum up to the same distance.
    """
    ids = torch.tensor([prompt + tokens[:-1]], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 :].float()
    span = (logits.max(dim=-1).values - logits.min(dim=-1).values).clamp_min(1e-6)
    plain = logits.max(dim=-1).values
    packed = torch.tensor(peaks, device=plain.device)
    chosen = logits.gather(1, torch.tensor(tokens, device=plain.device)[:, None])[:, 0]
    worst = torch.maximum((packed - plain).abs(), (plain - chosen).abs()) / span
    return float(worst.max())
