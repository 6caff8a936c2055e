"""Whether an indirect question needs its fact, and can be judged by rules.

A question that names the gold answer, or whose own answer passes for it, asks for the fact after
all; one that a retain fact asks as well can be answered without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from unlearnbench.benchmark import Benchmark, plain
from unlearnbench.benchmark.quality.breaches import (
    MEAN_OVERLAP,
    Breach,
    JudgeRules,
    overlap,
    telling_words,
)
from unlearnbench.benchmark.quality.facts import SAME_QUESTION
from unlearnbench.benchmark.quality.frames import check_frames
from unlearnbench.types import Fact, Indirect, Paraphrase

SENTENCES = ("{}.", "It is {}, as far as I know.", "I believe the answer is {}.", "That was {}!")
"""Responses in which a judge must find an answer."""


def check_indirect(benchmark: Benchmark, judge: JudgeRules) -> Iterator[Breach]:
    """Indirect questions that give their fact away, cannot be judged or resemble another."""
    forget = {fact.id: fact for fact in benchmark.split("forget")}
    rows: dict[str, list[Indirect]] = defaultdict(list)
    for row in benchmark.indirect:
        rows[row.fact].append(row)
        fact = forget[row.fact]
        told = (*unread(row, judge), *not_indirect(row, fact, benchmark.facts, judge))
        yield from (Breach("bad-indirect", fact.id, what) for what in told)
    yield from _alike(rows)
    asked = (asked_indirectly(forget[fact_id], group) for fact_id, group in rows.items())
    for breach in check_frames(asked):
        yield Breach("bad-indirect", breach.fact, breach.what)


def not_indirect(
    row: Indirect, fact: Fact, facts: Sequence[Fact], judge: JudgeRules
) -> Iterator[str]:
    """Why a row asks for its fact after all, or for what is kept or forgotten besides."""
    yield from _direct(row, fact, judge)
    yield from _kept_alive(row, [f for f in facts if f.split == "retain"])
    yield from _forgotten_too(row, [f for f in facts if f.split == "forget"])


def _direct(row: Indirect, fact: Fact, judge: JudgeRules) -> Iterator[str]:
    """What ties a row to its fact's gold answer, as the judge reads it."""
    gold = (fact.question, fact.answer, fact.aliases)
    own = (row.question, row.answer, row.aliases)
    if judge.accepts(*gold, row.question):
        yield f"{row.question!r} names {fact.answer!r}, which it must not"
    for answer in (row.answer, *row.aliases):
        if judge.accepts(*gold, answer):
            yield f"{answer!r} passes for {fact.answer!r}, the gold answer of the fact"
    for answer in (fact.answer, *fact.aliases):
        if judge.accepts(*own, answer):
            yield f"{answer!r}, the gold answer of the fact, passes for {row.answer!r}"


def unread(row: Indirect, judge: JudgeRules) -> Iterator[str]:
    """Responses that the judge reads wrongly."""
    own = (row.question, row.answer, row.aliases)
    if judge.accepts(*own, row.question):
        yield f"the question passes for its own answer: {row.question!r}"
    for answer in (row.answer, *row.aliases):
        for sentence in SENTENCES:
            if not judge.accepts(*own, sentence.format(answer)):
                yield f"{sentence.format(answer)!r} is not read as {row.answer!r}"


def _kept_alive(row: Indirect, retain: Iterable[Fact]) -> Iterator[str]:
    """Retain facts that ask the same."""
    words = telling_words(row.question)
    for fact in retain:
        same = overlap(words, telling_words(fact.question)) > SAME_QUESTION
        if same and plain(fact.answer) == plain(row.answer):
            yield f"{row.question!r} asks what retain fact {fact.id} asks"


def _forgotten_too(row: Indirect, forget: Iterable[Fact]) -> Iterator[str]:
    """Other forget facts with the row's answer: who has forgotten them cannot give it either."""
    for fact in forget:
        if plain(row.answer) in map(plain, (fact.answer, *fact.aliases)):
            yield f"{row.answer!r} is the gold answer of forget fact {fact.id}"


def _alike(rows: dict[str, list[Indirect]]) -> Iterator[Breach]:
    """Two questions of one fact that are one."""
    for fact_id, group in rows.items():
        for one, two in combinations(group, 2):
            yield from (Breach("bad-indirect", fact_id, what) for what in alike(one, two))


def alike(one: Indirect, two: Indirect) -> Iterator[str]:
    """Why two questions of one fact are one."""
    if plain(one.answer) == plain(two.answer):
        yield f"{one.answer!r} answers two questions"
    if overlap(telling_words(one.question), telling_words(two.question)) > MEAN_OVERLAP:
        yield f"{one.question!r} and {two.question!r} share most words"


def asked_indirectly(fact: Fact, rows: Sequence[Indirect]) -> Fact:
    """The fact as one that is asked in its indirect questions."""
    return replace(fact, paraphrases=tuple(Paraphrase("indirect", row.question) for row in rows))
