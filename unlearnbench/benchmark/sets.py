"""Relearning sets, and the other forms in which a forget fact can be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from unlearnbench.benchmark.jsonl import read_rows
from unlearnbench.benchmark.matching import holds
from unlearnbench.benchmark.schema import (
    FormRow,
    HalfRow,
    PairRow,
    ProseRow,
    RelearnDeclaration,
)
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact, Form, Pair, RelearnSet

Row = TypeVar("Row", PairRow, ProseRow, HalfRow)


def read_forms(path: Path, facts: Sequence[Fact], *, partial: bool = False) -> tuple[Form, ...]:
    """One form for each forget fact; `partial`: at most one.

    Raises `BenchmarkError` if a form gives its answer away, or facts and forms do not match.
    """
    answers = {fact.id: fact for fact in facts if fact.split == "forget"}
    forms = []
    for row, where in read_rows(path, FormRow):
        if row.fact not in answers:
            raise BenchmarkError("unknown-fact", where, f"{row.fact!r} is no forget fact")
        check_form(row, answers.pop(row.fact), where)
        forms.append(row.to_form())
    if answers and not partial:
        what = f"{len(answers)} forget facts have no form, for example {next(iter(answers))}"
        raise BenchmarkError("missing-form", path.name, what)
    return tuple(forms)


def check_form(row: FormRow, fact: Fact, where: str) -> None:
    """Raise `BenchmarkError` for a form that gives its fact's answer away, or offers no choice."""
    if row.cloze.count("____") != 1 or holds(row.cloze, fact.answer):
        what = f"{fact.id}: a cloze has one ____ and not the answer: {row.cloze!r}"
        raise BenchmarkError("bad-cloze", where, what)
    if len({fact.answer.casefold(), *map(str.casefold, row.distractors)}) != 4:
        what = f"{fact.id}: three wrong answers, all different, are needed"
        raise BenchmarkError("bad-distractors", where, what)


def read_relearn_set(
    folder: Path, name: str, part: RelearnDeclaration, facts: Sequence[Fact]
) -> RelearnSet:
    """One relearning set.

    Raises `BenchmarkError` if it has another number of rows than declared, or one of them holds
    a forget answer, since relearning would then teach it.
    """
    path = folder / part.file
    forget = [fact for fact in facts if fact.split == "forget"]
    if part.kind == "half":
        result = RelearnSet(name, "half", half=_half(path, forget))
        count = len(result.half)
    elif part.kind == "prose":
        texts = _checked(path, ProseRow, lambda row: (row.text,), forget)
        result = RelearnSet(name, "prose", texts=tuple(row.text for row in texts))
        count = len(result.texts)
    else:
        pairs = _checked(path, PairRow, lambda row: (row.question, row.answer), forget)
        result = RelearnSet(name, "pairs", pairs=tuple(Pair(r.question, r.answer) for r in pairs))
        count = len(result.pairs)
    if count != part.rows:
        what = f"{count} rows, {part.rows} are declared"
        raise BenchmarkError("missing-rows", path.name, what)
    return result


def _half(path: Path, forget: Sequence[Fact]) -> tuple[str, ...]:
    """Ids of the forget facts that are trained on."""
    forget_ids = {fact.id for fact in forget}
    ids = []
    for row, where in read_rows(path, HalfRow):
        if row.fact not in forget_ids:
            raise BenchmarkError("unknown-fact", where, f"{row.fact!r} is no forget fact")
        ids.append(row.fact)
    twice = [name for name, n in Counter(ids).items() if n > 1]
    if twice:
        raise BenchmarkError("duplicate-id", path.name, f"{twice[0]} is there twice")
    return tuple(ids)


def _checked(
    path: Path, shape: type[Row], texts: Callable[[Row], tuple[str, ...]], forget: Sequence[Fact]
) -> list[Row]:
    """Rows of a set, none of which holds a forget answer."""
    return list(_without_answers(path, shape, texts, _answers(forget)))


def _answers(forget: Sequence[Fact]) -> list[tuple[str, str]]:
    """Every answer and alias, with the id of its fact."""
    return [(text, fact.id) for fact in forget for text in (fact.answer, *fact.aliases)]


def _without_answers(
    path: Path,
    shape: type[Row],
    texts: Callable[[Row], tuple[str, ...]],
    answers: Sequence[tuple[str, str]],
) -> Iterator[Row]:
    for row, where in read_rows(path, shape):
        for text in texts(row):
            for answer, owner in answers:
                if holds(text, answer):
                    what = f"{text!r} holds {answer!r}, the answer of {owner}"
                    raise BenchmarkError("answer-in-relearning", where, what)
        yield row
