"""What a run's identity says of its prompts and its decoding, and where they leave the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlearnbench.types import Sampling


def departures(identity: Mapping[str, Any]) -> tuple[str, ...]:
    """What a user changed about the prompts or the decoding; empty for a run by the protocol.

    Args:
        identity: The fields of a run's identity, whole or in part.

    Returns:
        Each change in a few words, such as `system prompt` or `temperature 0.7`.
    """
    changes = []
    if identity.get("system_prompt") is not None:
        changes.append("system prompt")
    if identity.get("chat_template") is False:
        changes.append("no chat template")
    gen = identity.get("gen")
    if isinstance(gen, Mapping):
        changes += [f"{name} {value}" for name, value in gen.items() if name != "seed"]
    elif gen is not None:  # told in a form that no run has
        changes.append("decoding")
    return tuple(changes)


def was_not_compared(engine: str, settings: Mapping[str, Any]) -> bool:
    """Whether an engine that loads weights in its own way was not seen to hold the checkpoint's."""
    return engine == "vllm" and settings.get("compared") is not True


def sampling_from(identity: Mapping[str, Any]) -> Sampling:
    """How the run with this identity was decoded.

    `gen` holds what the user of `score` changed; runs below an attack name temperature and seed,
    those of profile `strict` the temperature of their drawn answers.
    """
    gen = identity.get("gen") or {}
    return Sampling(
        identity["max_new_tokens"],
        gen.get("temperature", identity.get("temperature") or 0.0),
        gen.get("seed", identity.get("sampling_seed") or 0),
        identity.get("sample_temperature"),
    )
