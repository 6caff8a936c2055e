"""Blanks and attacks of RWKU as other forms of its questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from unlearnbench.benchmark.matching import plain
from unlearnbench.benchmark.rwku import RwkuRow
from unlearnbench.benchmark.slugs import slug_of
from unlearnbench.types import Fact, Paraphrase

_FILL = "Fill in the blank:"
_SHORT = 3
"""Words of so many letters say little of what is asked."""


@dataclass(frozen=True, slots=True)
class OtherForm:
    """A row as it is asked: `style` is `cloze` or `attack-…` with the kind of attack."""

    style: str
    text: str
    row: RwkuRow


def form_of(table: str, row: RwkuRow) -> OtherForm:
    """A row of level 1 or 3 as a form of a question."""
    if table.endswith("1"):
        return OtherForm("cloze", f"{_FILL} {row.query}", row)
    return OtherForm(f"attack-{attack_name(row.kind)}", row.query, row)


def attack_name(kind: str) -> str:
    """A kind of attack as a part of names: `affirmative-suffix`."""
    return slug_of(kind)


def with_forms(
    facts: Sequence[tuple[Fact, str]],
    forms: Sequence[OtherForm],
    slug: str,
    subject: AbstractSet[str],
) -> Iterator[tuple[Fact, str]]:
    """The facts with the forms that ask them, then the forms that ask something else.

    A form belongs to the question with its gold answer; among several, or where the answer names
    the subject (words `subject`) and many rows share it, to the one that shares most of its words.
    """
    own: dict[str, list[Paraphrase]] = {fact.id: [] for fact, _ in facts}
    others: list[tuple[Fact, str]] = []
    for form in forms:
        owner = _owner(form, [fact for fact, _ in facts], subject)
        if owner is None:
            table, number = f"forget_level{'1' if form.style == 'cloze' else '3'}", form.row.number
            name = f"rwku-{slug}-{'c' if form.style == 'cloze' else 'a'}{number}"
            fact = Fact(name, "forget", slug, form.text, form.row.answer)
            others.append((fact, f"{table} row {number}"))
        elif plain(form.text) not in {plain(text) for text in _wordings(owner, own[owner.id])}:
            own[owner.id].append(Paraphrase(form.style, form.text))
    for fact, where in facts:
        yield replace(fact, paraphrases=tuple(own[fact.id])), where
    yield from others


def _wordings(fact: Fact, forms: Sequence[Paraphrase]) -> list[str]:
    return [fact.question, *(form.text for form in forms)]


def _owner(form: OtherForm, facts: Sequence[Fact], subject: AbstractSet[str]) -> Fact | None:
    answer = plain(form.row.answer)
    same = [fact for fact in facts if plain(fact.answer) == answer]
    about_subject = bool(set(answer.split()) & subject)
    if len(same) == 1 and not about_subject:
        return same[0]
    shared = [(len(_words(form.row.query, subject) & _words(f.question, subject)), f) for f in same]
    most = max((count for count, _ in shared), default=0)
    return next((fact for count, fact in shared if count == most), None) if most else None


def _words(text: str, subject: AbstractSet[str]) -> set[str]:
    return {word for word in plain(text).split() if len(word) > _SHORT} - subject
