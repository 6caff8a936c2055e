"""Whether an indirect question needs its fact, and can be judged by rules.

A question that names the gold answer, or whose own answer passes for it, asks for the fact after
all; one that a retain fact asks as well can be answered without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
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
    retain = benchmark.split("retain")
    rows: dict[str, list[Indirect]] = defaultdict(list)
    for row in benchmark.indirect:
        rows[row.fact].append(row)
        fact = forget[row.fact]
        yield from (
            Breach("bad-indirect", fact.id, what)
            for what in (
                *_direct(row, fact, judge),
                *_unread(row, judge),
                *_kept_alive(row, retain),
                *_forgotten_too(row, forget.values()),
            )
        )
    yield from _alike(rows)
    asked = (_asked(forget[fact_id], group) for fact_id, group in rows.items())
    for breach in check_frames(asked):
        yield Breach("bad-indirect", breach.fact, breach.what)


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


def _unread(row: Indirect, judge: JudgeRules) -> Iterator[str]:
    """Responses that the judge reads wrongly."""
    own = (row.question, row.answer, row.aliases)
    if judge.accepts(*own, row.question):
        yield f"the question passes for its own answer: {row.question!r}"
    for answer in (row.answer, *row.aliases):
        for sentence in SENTENCES:
            if not judge.accepts(*own, sentence.format(answer)):
                yield f"{sentence.format(answer)!r} is not read as {row.answer!r}"


def _kept_alive(row: Indirect, retain: tuple[Fact, ...]) -> Iterator[str]:
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
            if plain(one.answer) == plain(two.answer):
                yield Breach("bad-indirect", fact_id, f"{one.answer!r} answers two questions")
            if overlap(telling_words(one.question), telling_words(two.question)) > MEAN_OVERLAP:
                what = f"{one.question!r} and {two.question!r} share most words"
                yield Breach("bad-indirect", fact_id, what)


def _asked(fact: Fact, rows: list[Indirect]) -> Fact:
    """The fact as one that is asked in its indirect questions."""
    return replace(fact, paraphrases=tuple(Paraphrase("indirect", row.question) for row in rows))
