"""Rules that rows must keep; each breach is a named error with file and line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from unlearnbench.benchmark.matching import holds, plain
from unlearnbench.benchmark.schema import SplitDeclaration
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact

Located = tuple[Fact, str]
"""A fact and its `file:line`."""


def check_fact(fact: Fact, part: SplitDeclaration, styles: Sequence[str], where: str) -> None:
    """The rules that a row must keep by itself."""
    if len(fact.paraphrases) != part.paraphrases:
        what = f"{fact.id} has {len(fact.paraphrases)}, {part.paraphrases} are declared"
        raise BenchmarkError("missing-paraphrases", where, what)
    if len(fact.train_paraphrases) != part.train_paraphrases:
        what = f"{fact.id} has {len(fact.train_paraphrases)} for training, "
        raise BenchmarkError(
            "missing-paraphrases", where, f"{what}{part.train_paraphrases} declared"
        )
    unknown = {p.style for p in fact.paraphrases} - set(styles)
    if unknown:
        what = f"{fact.id}: {', '.join(sorted(unknown))}; declared: {', '.join(styles)}"
        raise BenchmarkError("unknown-style", where, what)
    tiers: list[str | None] = list(part.tiers)
    if fact.tier not in (tiers or [None]):
        what = f"{fact.id}: {fact.tier!r}; declared: {', '.join(part.tiers) or 'none'}"
        raise BenchmarkError("unknown-tier", where, what)
    if fact.held_out and fact.split != "retain":
        what = f"{fact.id} is a {fact.split} fact; only a retain fact can be held out of training"
        raise BenchmarkError("held-out", where, what)
    _check_texts(fact, where)


def _check_texts(fact: Fact, where: str) -> None:
    """No paraphrase holds the answer, and none repeats another."""
    texts = [fact.question, *(p.text for p in fact.paraphrases), *fact.train_paraphrases]
    for text in texts:
        for answer in (fact.answer, *fact.aliases):
            if holds(text, answer):
                raise BenchmarkError("answer-in-question", where, f"{answer!r} stands in {text!r}")
    repeated = [text for text, n in Counter(map(plain, texts)).items() if n > 1]
    if repeated:
        raise BenchmarkError("duplicate-wording", where, f"{fact.id}: {repeated[0]!r}")


def check_across(located: Iterable[Located]) -> None:
    """The rules between rows: unique ids, and no retained question that is a forgotten one."""
    located = list(located)
    seen: dict[str, str] = {}
    forgotten: dict[str, str] = {}
    for fact, where in located:
        if fact.id in seen:
            raise BenchmarkError("duplicate-id", where, f"{fact.id} is already at {seen[fact.id]}")
        seen[fact.id] = where
        if fact.split == "forget":
            texts = (fact.question, *(p.text for p in fact.paraphrases))
            forgotten.update({plain(text): where for text in texts})
    for fact, where in located:
        if fact.split == "forget":
            continue
        for text in (fact.question, *(p.text for p in fact.paraphrases)):
            if plain(text) in forgotten:
                what = f"{fact.id} asks what the forget fact at {forgotten[plain(text)]} asks"
                raise BenchmarkError("retain-equals-forget", where, what)
