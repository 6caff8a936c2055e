"""Attention windows and chunks of a configuration, made small for a while.

A packed path that ignores a window computes the same as the model until a prompt is longer than
that window, which may be thousands of tokens. So the self-check makes the windows small in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import PreTrainedModel

from unlearnbench.engines.transformers.prompts import context_window

SMALL = 16
"""Positions that a window has while it is made small; the self-check's prompts are longer."""
SHORT = 128
"""Windows up to this size are exceeded by the self-check's ordinary prompts."""
_NAME = re.compile(r"window|attention_chunk|attn_chunk|local_att")
_NO_SIZE = re.compile(r"pattern|layer|type|use_|num_|n_window")


def windows(model: PreTrainedModel) -> dict[str, int]:
    """Windows and chunks of the configuration that a prompt can exceed unseen, in positions."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ())
    context = context_window(model.config)
    if kinds and kinds <= {"full_attention"}:
        return {}
    return {
        name: size
        for name, size in _sizes(config).items()
        if size > SHORT and (context is None or size < context)
    }


def _sizes(owner: Any) -> dict[str, int]:
    return {
        name: value
        for name, value in vars(owner).items()
        if isinstance(value, int)
        and not isinstance(value, bool)
        and _NAME.search(name)
        and not _NO_SIZE.search(name)
    }


@contextmanager
def small_windows(model: PreTrainedModel) -> Iterator[None]:
    """The windows that `windows` names are `SMALL` positions inside."""
    large = set(windows(model).values())
    changed = [
        (owner, name, size)
        for owner in _owners(model)
        for name, size in _sizes(owner).items()
        if size in large
    ]
    try:
        for owner, name, _ in changed:
            setattr(owner, name, SMALL)
        yield
    finally:
        for owner, name, size in changed:
            setattr(owner, name, size)


def _owners(model: PreTrainedModel) -> list[Any]:
    """Configurations and modules: each may keep a copy of the size."""
    owners: dict[int, Any] = {}
    for module in model.modules():
        owners[id(module)] = module
        config = getattr(module, "config", None)
        if config is not None and hasattr(config, "get_text_config"):
            owners[id(config)] = config
            text = config.get_text_config()
            owners[id(text)] = text
    return list(owners.values())
