"""Facts that ship, for tables that have few retain facts and no never-known ones of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from unlearnbench.benchmark import holds, load_benchmark, plain
from unlearnbench.benchmark.quality.beside import ReviewedRow, read_reviewed
from unlearnbench.paraphrasing.candidates import Paraphrased
from unlearnbench.types import Fact

SHIPPED = "wkf"
"""The benchmark that they are taken from."""
GENERAL = "general"
ENOUGH = 20
"""Retain facts below which general ones are added, and how many."""
FEWEST_CONTROLS = 10
"""Proposed controls below which those that ship are added."""


def general_facts(count: int, own: Sequence[Paraphrased]) -> tuple[Fact, ...]:
    """At most `count` general facts, in the order they ship, none of which holds a forget answer
    or asks what a fact of the user's asks.
    """
    general = (f for f in load_benchmark(SHIPPED).split("retain") if f.tier == GENERAL)
    return tuple(islice(_fitting(general, own), count))


def never_facts(own: Sequence[Paraphrased]) -> tuple[Fact, ...]:
    """The invented facts that ship, as controls, under the same two conditions."""
    return tuple(_fitting(load_benchmark(SHIPPED).split("never"), own))


def forget_answers(facts: Iterable[Fact]) -> list[str]:
    """Every gold answer and alias that is to be forgotten."""
    forgotten = (fact for fact in facts if fact.split == "forget")
    return [answer for fact in forgotten for answer in (fact.answer, *fact.aliases)]


def _fitting(facts: Iterable[Fact], own: Sequence[Paraphrased]) -> Iterator[Fact]:
    answers = forget_answers(one.fact for one in own)
    asked = {plain(text) for one in own for text in _texts_of(one)}
    taken = {one.fact.id for one in own}
    for fact in facts:
        general = replace(fact, id=f"{GENERAL}-{fact.id}")
        if (
            general.id not in taken
            and asked.isdisjoint(map(plain, _questions(fact)))
            and not _holds_any(fact, answers)
        ):
            yield general


def reviewed_rows(facts: Sequence[Fact]) -> list[ReviewedRow]:
    """What was reviewed of general facts that were taken, for the checks of the new benchmark."""
    shipped = read_reviewed(load_benchmark(SHIPPED).folder)
    texts = {(fact.id, text) for fact in facts for text in _questions(fact)}
    return [
        ReviewedRow(fact=f"{GENERAL}-{fact}", text=text, rule=rule)
        for rule, reviewed in shipped.items()
        for fact, text in sorted(reviewed)
        if (f"{GENERAL}-{fact}", text) in texts
    ]


def _texts_of(found: Paraphrased) -> list[str]:
    return [found.fact.question, *(c.text for c in (*found.evaluation, *found.training))]


def _questions(fact: Fact) -> list[str]:
    return [fact.question, *(p.text for p in fact.paraphrases), *fact.train_paraphrases]


def _holds_any(fact: Fact, answers: Sequence[str]) -> bool:
    """Whether a text of a fact holds a forget answer, or a forget answer holds its answer."""
    texts = (*_questions(fact), fact.answer, *fact.aliases)
    return any(holds(text, answer) for text in texts for answer in answers) or any(
        holds(answer, fact.answer) for answer in answers
    )
