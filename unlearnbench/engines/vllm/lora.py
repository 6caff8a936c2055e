"""Adapters that vLLM runs beside their base, and those that it would run otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.checkpoints.reading import named, read_checkpoint_json
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.checkpoints.weights import adapter_tensors
from unlearnbench.errors import EngineError

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks for which vLLM makes room."""
_PLAIN = re.compile(r"\.lora_[AB]\.weight$")
_OTHERWISE = "run it with --engine transformers, or merge it and save the result"


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA adapter's folder, and the rank for which room is made."""

    folder: Path
    room: int


def lora_of(checkpoint: Checkpoint) -> Lora | None:
    """The adapter of a checkpoint; None if it has none.

    Raises `EngineError` for one that vLLM cannot run, or of which it would leave out a part.
    """
    if not checkpoint.adapters:
        return None
    if len(checkpoint.adapters) > 1:
        raise EngineError(
            f"{checkpoint.adapters[-1]}: vLLM puts one adapter on a base, not "
            f"{len(checkpoint.adapters)} on each other; {_OTHERWISE}"
        )
    (folder,) = checkpoint.adapters
    config = read_checkpoint_json(folder / "adapter_config.json")
    if config.get("peft_type") != "LORA":
        raise EngineError(f"{folder}: vLLM runs LoRA, not {config.get('peft_type')}; {_OTHERWISE}")
    others = sorted(name for name in adapter_tensors(folder) if not _PLAIN.search(name))
    if others:
        raise EngineError(
            f"{folder}: vLLM would leave out {len(others)} of its tensors: {named(others)}; "
            f"{_OTHERWISE}"
        )
    pattern = config.get("rank_pattern")
    ranks = [config.get("r"), *(pattern.values() if isinstance(pattern, dict) else ())]
    largest = max((rank for rank in ranks if isinstance(rank, int)), default=0)
    room = next((rank for rank in RANKS if rank >= largest), None)
    if largest < 1 or room is None:
        raise EngineError(
            f"{folder}: its rank is {largest}, vLLM takes 1 to {RANKS[-1]}; {_OTHERWISE}"
        )
    return Lora(folder, room)
