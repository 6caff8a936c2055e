"""What stands around a model's weights and decides what is asked, read and thrown away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SurroundingDigests:
    """sha256 of each part of a checkpoint as the engine uses it, so that two can be compared.

    `weights`: the files of the weights, adapters included. `config`: what decides the computation.
    `tokenizer`: from text to tokens and back. `template`: the chat template; None where there is
    none. `special_tokens`: which tokens begin, end and separate. `stop_tokens`: the tokens that end
    an answer. `generation`: the checkpoint's own decoding settings.
    """

    weights: str
    config: str
    tokenizer: str
    template: str | None
    special_tokens: str
    stop_tokens: str
    generation: str
