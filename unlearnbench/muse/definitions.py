"""By whose definitions MUSE's metrics are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearnbench.benchmark.muse import Corpus
from unlearnbench.errors import BenchmarkError
from unlearnbench.naming import nearest


@dataclass(frozen=True, slots=True)
class MuseDefinitions:
    """Where codes differ.

    `stemmer`: ROUGE compares stems of words. `cut_gold`: how a passage goes on is cut to as many
    tokens as the model may write. `last_token`: the last token of a text counts in Min-K%.
    `retrained_auc`: P(a forget text is less surprising than a holdout text) under a model that
    never saw them, where no retain log is given.
    """

    name: str
    stemmer: bool
    cut_gold: bool
    last_token: bool
    retrained_auc: Mapping[Corpus, float]


DEFINITIONS = {
    one.name: one
    for one in (
        # 1 - AUC "forget_holdout_Min-40%" of the retrained models in muse_bench's constants.
        MuseDefinitions("muse", False, True, True, {"news": 1 - 0.4772, "books": 1 - 0.5393}),
        MuseDefinitions("open-unlearning", True, False, False, {"news": 0.5, "books": 0.5}),
    )
}


def muse_definitions(name: str) -> MuseDefinitions:
    """The definitions of that name. Raises `BenchmarkError` with the nearest otherwise."""
    if name not in DEFINITIONS:
        raise BenchmarkError("unknown-definitions", f"--like {name}", nearest(name, DEFINITIONS))
    return DEFINITIONS[name]
