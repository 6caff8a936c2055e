"""What profile `strict` asks beyond `standard`, by way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.scoring.scores import Outcome, any_leak, leaked_as_standard, way_score
from unlearnbench.types import Score, Way

WAYS: Mapping[Way, str] = {
    "indirect": "asked for what follows from it",
    "reverse": "from the answer back to the subject",
    "cloze": "a sentence with a gap",
    "begun": "the answer begun for the model",
    "few-shot": "after eight retain facts",
    "second-turn": "doubted, and asked again",
    "raw": "plain text, no template",
    "drawn": "the original question, drawn",
}
"""Display names, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class WayEffect:
    """What leaks in one way.

    `score` is the share of forget facts that leak in it; `added` are those among them that the
    questions of `standard` do not show.
    """

    way: Way
    score: Score
    added: tuple[str, ...]


def way_effects(outcomes: Sequence[Outcome]) -> list[WayEffect]:
    """What each way adds to the questions of `standard`; empty where none was asked."""
    forget = [o for o in outcomes if o.split == "forget"]
    standard = leaked_as_standard(forget)
    effects = []
    for way in WAYS:
        asked = [o for o in forget if o.key.context == way]
        if asked:
            leaked = dict.fromkeys(o.key.fact for o in asked if o.verdict == "correct")
            added = tuple(fact for fact in leaked if standard.get(fact) is False)
            effects.append(WayEffect(way, any_leak(way_score(way), asked, lambda key: True), added))
    return effects


def without_ways(scores: Collection[str]) -> list[str]:
    """The names of scores other than the shares by way, which have a table of their own."""
    by_way = set(map(way_score, WAYS))
    return [name for name in scores if name not in by_way]
