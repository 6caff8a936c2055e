"""Forget facts, and for each of them retain facts that are like it in one respect alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from unlearnbench.authoring.synthetic.names import Names
from unlearnbench.authoring.synthetic.wordings import (
    FORGOTTEN,
    FORGOTTEN_ROLES,
    OTHER,
    OTHER_ROLES,
)
from unlearnbench.types import Fact, Split
from unlearnbench.types.authoring import SyntheticOptions

Tier = Literal["subject", "wording", "answer", "unlike"]
"""What a retain fact has in common with its forget fact; `unlike`: nothing."""
TIERS: tuple[Tier, ...] = get_args(Tier)
PARTS = 2
"""A subject and an answer are two names each, a wording is a pattern and a role."""


@dataclass(frozen=True, slots=True)
class SyntheticFact:
    """A fact, the subject in its texts, and the number of the forget fact that it belongs to."""

    fact: Fact
    subject: str
    pair: int


@dataclass(frozen=True, slots=True)
class _Makings:
    """What a fact is made of: the parts of its subject, its wording and its answer."""

    subject: tuple[str, str]
    wording: tuple[int, int]
    forgotten: tuple[bool, bool]
    answer: tuple[str, str]


def synthetic_facts(options: SyntheticOptions) -> list[SyntheticFact]:
    """All facts of the options: forget, retain tier by tier, and never-known ones.

    The same options give the same facts. Forget facts differ from one another in subject and
    answer; the frequencies are dealt out to them in turn, the patterns at random.
    """
    names, pairs = Names(options.seed), range(options.facts)
    patterns = [pair % len(FORGOTTEN) for pair in pairs]
    random.Random(f"{options.seed}/patterns").shuffle(patterns)

    def makings(pair: int, forgotten: bool) -> _Makings:
        subject, answer = (names.draw(), names.draw()), (names.draw(), names.draw())
        return _Makings(subject, (patterns[pair], pair), (forgotten, forgotten), answer)

    forget = [makings(pair, True) for pair in pairs]
    found = [("forget", pair, forget[pair]) for pair in pairs]
    found += [
        (tier, pair, _like(tier, pair, makings(pair, False), forget[pair], options))
        for tier in TIERS
        for pair in pairs
    ]
    found += [("never", pair, makings(pair, True)) for pair in pairs]
    return [_fact(kind, pair, made, options) for kind, pair, made in found]


def _like(
    tier: Tier, pair: int, own: _Makings, its: _Makings, options: SyntheticOptions
) -> _Makings:
    """A retain fact that shares parts of its forget fact in the respect of its tier."""
    subject, pattern_and_role, answer = own.subject, own.forgotten, own.answer
    if tier == "subject":
        shared = _shared(options.subject_similarity, pair)
        subject = its.subject if shared == PARTS else (own.subject[0], its.subject[1])
        subject = subject if shared else own.subject
    elif tier == "wording":
        shared = _shared(options.wording_similarity, pair)
        pattern_and_role = (shared > 0, shared == PARTS)
    elif tier == "answer" and _shared(options.answer_similarity, pair):
        answer = (its.answer[0], own.answer[1])
    return _Makings(subject, own.wording, pattern_and_role, answer)


def _shared(similarity: float, pair: int) -> int:
    """How many parts a pair shares, so that the mean over all pairs is what was asked for."""
    return _share(similarity * PARTS, pair)


def _share(rate: float, place: int) -> int:
    """The place-th of evenly spread whole numbers with the mean `rate`."""
    return int((place + 1) * rate + 1e-9) - int(place * rate + 1e-9)


def _fact(kind: str, pair: int, made: _Makings, options: SyntheticOptions) -> SyntheticFact:
    frequencies = options.frequency
    subject = " ".join(made.subject)
    patterns, roles = (FORGOTTEN, OTHER), (FORGOTTEN_ROLES, OTHER_ROLES)
    chosen = patterns[not made.forgotten[0]]
    asked = roles[not made.forgotten[1]]
    pattern, role = made.wording
    wording = chosen[pattern % len(chosen)].filled(asked[role % len(asked)], subject)
    split: Split = "forget" if kind == "forget" else "never" if kind == "never" else "retain"
    # Pairs of every frequency are held out alike.
    held_out = split == "retain" and _share(options.held_out, pair // len(frequencies)) > 0
    fact = Fact(
        id=f"{kind}-{pair + 1:03}",
        split=split,
        topic=subject.lower().replace(" ", "-"),
        tier=kind if split == "retain" else None,
        question=wording.question,
        answer=" ".join(made.answer),
        paraphrases=wording.paraphrases,
        train_paraphrases=wording.training,
        frequency=frequencies[pair % len(frequencies)] if kind == "forget" else 1,
        held_out=held_out,
    )
    return SyntheticFact(fact, subject, pair)


def by_tier(made: Sequence[SyntheticFact]) -> Iterator[tuple[Tier, list[SyntheticFact]]]:
    """The retain facts of each tier, in order of their forget facts."""
    for tier in TIERS:
        yield tier, [one for one in made if one.fact.tier == tier]
