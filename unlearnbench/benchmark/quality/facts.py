"""Whether facts are distinct from one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import Breach, overlap, telling_words
from unlearnbench.types import Fact

SAME_QUESTION = 0.6
"""Two questions with one answer that share more of their words than this ask the same."""


def check_facts(facts: Iterable[Fact]) -> Iterator[Breach]:
    """Answers unique within a topic, aliases that are nobody else's answer, retain apart."""
    every = list(facts)
    yield from _unique_answers(every)
    yield from _aliases(every)
    yield from _retain_apart(every)


def _unique_answers(facts: list[Fact]) -> Iterator[Breach]:
    """Two facts of a topic must not share an answer: knowing one would pass for knowing both."""
    seen: dict[tuple[str, str], str] = {}
    for fact in facts:
        other = seen.setdefault((fact.topic, plain(fact.answer)), fact.id)
        if other != fact.id:
            yield Breach("repeated-answer", fact.id, f"{fact.answer!r} also answers {other}")


def _aliases(facts: list[Fact]) -> Iterator[Breach]:
    """An alias must not be the answer of a sibling: the judge would take one for the other."""
    answers: dict[tuple[str, str], str] = {}
    for fact in facts:
        answers.setdefault((fact.topic, plain(fact.answer)), fact.id)
    for fact in facts:
        for alias in fact.aliases:
            other = answers.get((fact.topic, plain(alias)))
            if other not in (None, fact.id):
                yield Breach("sibling-alias", fact.id, f"alias {alias!r} is the answer of {other}")


def _retain_apart(facts: list[Fact]) -> Iterator[Breach]:
    """No retain fact may give a forget answer to what is in effect the same question."""
    forgotten: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.split == "forget":
            for answer in (fact.answer, *fact.aliases):
                forgotten[plain(answer)].append(fact)
    for fact in facts:
        if fact.split != "retain":
            continue
        for other in forgotten[plain(fact.answer)]:
            same = (
                overlap(telling_words(fact.question), telling_words(other.question)) > SAME_QUESTION
            )
            if same or fact.topic == other.topic:
                what = f"{fact.answer!r} is the answer of forget fact {other.id}"
                yield Breach("retain-answers-forget", fact.id, what)
