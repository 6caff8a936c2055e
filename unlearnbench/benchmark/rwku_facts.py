"""RWKU's rows as facts, so that the worst-case protocol can be put to them.

A question of level 2 is a forget fact. The blanks of level 1 and the attacks of level 3 with the
same gold answer ask it in other forms; one that belongs to no question is a fact of its own.
Neighbours are retain facts, of which in-context examples are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnbench.benchmark.load import Benchmark
from unlearnbench.benchmark.matching import holds, plain
from unlearnbench.benchmark.rwku import Level, RwkuRow, RwkuTables, load_rwku
from unlearnbench.benchmark.rwku_forms import OtherForm, form_of, with_forms
from unlearnbench.benchmark.rwku_paraphrases import read_beside, with_paraphrases
from unlearnbench.benchmark.sentences import sentence_rows
from unlearnbench.benchmark.slugs import slug_of
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root
from unlearnbench.types import Fact
from unlearnbench.types.terms import OTHER_FORMS

TIERS_OF_LEVELS: Mapping[str, Level] = {
    "neighbour-2": "neighbor_level2",
    "neighbour-1": "neighbor_level1",
}
"""Retain tiers and the tables they come from: questions, and blanks."""


@dataclass(frozen=True, slots=True)
class RwkuFacts:
    """Facts about some subjects. `left_out` says which rows are none of them, and why."""

    facts: tuple[Fact, ...]
    places: Mapping[str, str]
    left_out: tuple[str, ...]


def load_rwku_facts(source: str, subjects: Sequence[str]) -> Benchmark:
    """The facts about `subjects` (none named: about all) from the hub or a folder.

    Raises `BenchmarkError` if a table, a column or a subject is missing, or a paraphrase beside the
    tables names the answer or belongs to no question.
    """
    tables = load_rwku(source, subjects)
    found = rwku_facts(tables)
    asked = tables.asked | {fact.question for fact in found.facts}
    beside = {} if source == "hub" else read_beside(Path(source), asked)
    facts = tuple(with_paraphrases(fact, beside, found.places[fact.id]) for fact in found.facts)
    wire = [
        [
            f.id,
            f.question,
            f.answer,
            f.train_paraphrases,
            *((p.style, p.text) for p in f.paraphrases),
        ]
        for f in facts
    ]
    sentences = bool(sentence_rows([(fact.answer, fact.aliases) for fact in facts]))
    return Benchmark(
        id=_benchmark_id(tables.subjects),
        version="0.0.0",
        title=_title(tables.subjects, found.left_out),
        facts=facts,
        styles=_styles(facts),
        profile="standard",
        judge="" if sentences else "rules",
        fingerprint=sha256_json(["rwku-facts", tables.fingerprint, wire]),
        folder=content_root() / "benchmarks" / "rwku",
        sentences=sentences,
        places=found.places,
    )


def rwku_facts(tables: RwkuTables) -> RwkuFacts:
    """Forget and retain facts of the tables, without paraphrases.

    A row that names its own answer shows no knowledge and is left out, as is one that repeats
    another, and a neighbour that asks what is to be forgotten. Raises `BenchmarkError` if nothing
    about a subject is left.
    """
    left_out: list[str] = []
    facts: list[Fact] = []
    places: dict[str, str] = {}
    for subject in tables.subjects:
        about = list(_forget(tables, subject, left_out))
        if not about:
            what = "no row of the forget tables about this subject can be asked"
            raise BenchmarkError("no-facts", subject, what)
        facts += [fact for fact, _ in about]
        places |= {fact.id: where for fact, where in about}
    seen = {plain(text) for fact in facts for text in (fact.question, *_texts(fact))}
    for fact, where in _neighbours(tables, seen, left_out):
        facts.append(fact)
        places[fact.id] = where
    return RwkuFacts(tuple(facts), places, tuple(left_out))


def _forget(tables: RwkuTables, subject: str, left_out: list[str]) -> Iterator[tuple[Fact, str]]:
    """The forget facts about one subject, each with the table and row of its question."""
    questions: dict[str, RwkuRow] = {}
    forms: list[OtherForm] = []
    slug = slug_of(subject)
    levels: tuple[Level, ...] = ("forget_level2", "forget_level1", "forget_level3")
    for table in levels:
        rows = [row for row in tables.questions[table] if row.subject == subject]
        for row in _open(rows, table, left_out):
            if table != "forget_level2":
                forms.append(form_of(table, row))
            elif questions.setdefault(plain(row.query), row) is not row:
                left_out.append(f"{table} row {row.number} repeats another")
    facts = [
        (_fact(f"rwku-{slug}-q{row.number}", row), f"forget_level2 row {row.number}")
        for row in questions.values()
    ]
    yield from with_forms(facts, forms, slug, set(plain(subject).split()))


def _open(rows: Sequence[RwkuRow], table: str, left_out: list[str]) -> Iterator[RwkuRow]:
    """The rows that do not name their answer."""
    for row in rows:
        if holds(row.query, row.answer):
            left_out.append(f"{table} row {row.number} names its answer")
        else:
            yield row


def _neighbours(
    tables: RwkuTables, seen: set[str], left_out: list[str]
) -> Iterator[tuple[Fact, str]]:
    """Retain facts; `seen` are wordings that were asked already."""
    for tier, table in TIERS_OF_LEVELS.items():
        for row in _open(tables.questions[table], table, left_out):
            asked = form_of(table, row).text if tier == "neighbour-1" else row.query
            if plain(asked) in seen:
                left_out.append(f"{table} row {row.number} repeats another")
                continue
            seen.add(plain(asked))
            name = f"rwku-{slug_of(row.subject)}-n{table[-1]}-{row.number}"
            fact = replace(_fact(name, row), split="retain", tier=tier, question=asked)
            yield fact, f"{table} row {row.number}"


def _fact(name: str, row: RwkuRow) -> Fact:
    topic = slug_of(row.subject)
    return Fact(id=name, split="forget", topic=topic, question=row.query, answer=row.answer)


def _texts(fact: Fact) -> list[str]:
    return [paraphrase.text for paraphrase in fact.paraphrases]


def _styles(facts: Sequence[Fact]) -> tuple[str, ...]:
    """Paraphrases first, then blanks, then attacks by name."""
    styles = dict.fromkeys(p.style for fact in facts for p in fact.paraphrases)
    own = [style for style in styles if not style.startswith(OTHER_FORMS)]
    forms = sorted(set(styles) - set(own), key=lambda style: (style != "cloze", style))
    return (*(own or ["wording"]), *forms)


def _benchmark_id(subjects: Sequence[str]) -> str:
    few = len(subjects) <= 2
    return "-".join(["rwku", *(map(slug_of, subjects) if few else [f"{len(subjects)}-subjects"])])


def _title(subjects: Sequence[str], left_out: Sequence[str]) -> str:
    names = ", ".join(subjects) if len(subjects) <= 2 else f"{len(subjects)} subjects"
    naming = sum("names its answer" in reason for reason in left_out)
    beside = f" ({naming} rows that name their answer are not asked)" if naming else ""
    return f"RWKU, {names}, in the worst-case protocol{beside}"
