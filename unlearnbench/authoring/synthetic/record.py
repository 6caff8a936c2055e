"""`synthetic.json`: what was asked of a synthetic benchmark, and what its texts came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from unlearnbench.runs.schema.base import Convert, Count, Int, Part, Record, Share


class LikenessPart(Part):
    """Overlap in subject, wording and answer."""

    subject: Share
    wording: Share
    answer: Share


class RealisedPart(Part):
    """Of a tier with its own forget facts, and with all other ones."""

    pairs: LikenessPart
    others: LikenessPart


class SyntheticRecord(Record):
    """What was asked for and what was measured.

    `frequency` counts how often an epoch of implanting shows each forget fact, by its id.
    `held_out` are the retain facts on which no unlearning method trains; `pairs` the forget fact
    that each retain fact belongs to. `rows`: rows of an epoch of implanting.
    """

    VERSION: ClassVar[int] = 1
    OLDER: ClassVar[Mapping[int, Convert]] = {}

    facts: Count
    seed: Int
    subject_similarity: Share
    wording_similarity: Share
    answer_similarity: Share
    held_out_share: Share
    realised: dict[str, RealisedPart]
    frequency: dict[str, Count]
    held_out: tuple[str, ...]
    pairs: dict[str, str]
    rows: Count
