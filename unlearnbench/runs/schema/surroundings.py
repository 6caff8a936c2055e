"""What surrounded the weights in a run, as stored in `run.json` and claimed of a row."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import Field

from unlearnbench.runs.schema.base import Part
from unlearnbench.types import SurroundingDigests

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Surroundings(Part):
    """The sha256 of each part of a checkpoint; see `SurroundingDigests`."""

    weights: Digest
    config: Digest
    tokenizer: Digest
    template: Digest | None
    special_tokens: Digest
    stop_tokens: Digest
    generation: Digest

    @classmethod
    def of(cls, digests: SurroundingDigests) -> Self:
        """What an engine says of the checkpoint that it runs, to be stored."""
        return cls(**asdict(digests))
