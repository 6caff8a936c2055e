"""WMDP's stems as open questions, so that the worst-case protocol can be put to them.

A choice question is answered by whoever can tell four texts apart, and missed by whoever lost the
letters; an open one asks for the knowledge. The gold answer is the text of the right choice, mostly
a phrase, so that the benchmark is marked `sentences` and needs a semantic judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnbench.benchmark.choices.questions import PosedQuestion
from unlearnbench.benchmark.load import Benchmark
from unlearnbench.benchmark.matching import plain
from unlearnbench.benchmark.rwku_paraphrases import read_beside, with_paraphrases
from unlearnbench.benchmark.stems import gold_text, repeated_stems, why_not_open
from unlearnbench.benchmark.wmdp import WmdpPart, WmdpQuestions, chosen_parts, load_wmdp
from unlearnbench.benchmark.wmdp_retain import RETAIN, load_retained
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root
from unlearnbench.types import Fact, Split

TIER = "kept"


@dataclass(frozen=True, slots=True)
class WmdpTables:
    """Questions to forget by part, and questions to keep with where they are from."""

    forget: tuple[WmdpQuestions, ...]
    retain: tuple[PosedQuestion, ...]
    retain_source: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A question that is not asked openly: its table and row, and the rule that says so."""

    table: str
    row: int
    reason: str
    question: str

    @property
    def place(self) -> str:
        """Table and row, as errors name them."""
        return f"{self.table} row {self.row}"


@dataclass(frozen=True, slots=True)
class WmdpFacts:
    """The facts of some tables; `left_out` says which questions are none, and why."""

    facts: tuple[Fact, ...]
    places: Mapping[str, str]
    left_out: tuple[LeftOut, ...]


def load_wmdp_tables(source: str, parts: Sequence[WmdpPart], subjects: Sequence[str]) -> WmdpTables:
    """The questions of `parts`, and those to keep. Raises `BenchmarkError` if any cannot be had."""
    forget = load_wmdp(source, parts)
    retain, retain_source = load_retained(source, parts, subjects)
    return WmdpTables(forget, retain, retain_source)


def load_wmdp_facts(source: str, part: str, subjects: Sequence[str]) -> Benchmark:
    """Open questions of a part (empty: of all), with those to keep of `subjects`.

    Raises `BenchmarkError` if a table, a column or a subject is missing, no stem of a part can be
    asked openly, or a paraphrase beside the tables names the answer or belongs to no question.
    """
    parts = chosen_parts([part] if part else [])
    tables = load_wmdp_tables(source, parts, subjects)
    found = wmdp_facts(tables)
    beside = {} if source == "hub" else read_beside(Path(source), _stems(tables))
    facts = tuple(with_paraphrases(fact, beside, found.places[fact.id]) for fact in found.facts)
    revisions = [[table.part, table.revision] for table in tables.forget]
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
    styles = dict.fromkeys(p.style for fact in facts for p in fact.paraphrases)
    return Benchmark(
        id=f"wmdp-{parts[0]}" if part else "wmdp",
        version="0.0.0",
        title=_title(tables, found),
        facts=facts,
        styles=tuple(styles) or ("wording",),
        profile="standard",
        judge="",
        fingerprint=sha256_json(["wmdp-facts", revisions, tables.retain_source, wire]),
        folder=content_root() / "benchmarks" / "wmdp",
        sentences=True,
        places=found.places,
    )


def wmdp_facts(tables: WmdpTables) -> WmdpFacts:
    """The questions that can be asked without their choices (`benchmark.stems`), as facts.

    A question to keep that is asked among those to forget is left out. Raises `BenchmarkError` if
    no stem of a part, or none to keep, can be asked.
    """
    facts: list[Fact] = []
    places: dict[str, str] = {}
    left_out: list[LeftOut] = []
    for table in tables.forget:
        name = f"wmdp-{table.part}"
        for fact, place in _facts(table.rows, name, "forget", left_out, set()):
            facts.append(fact)
            places[fact.id] = place
        if not any(place.startswith(f"{name} ") for place in places.values()):
            raise BenchmarkError("no-facts", name, _why_none(name, left_out))
    asked = {plain(row.question.question) for table in tables.forget for row in table.rows}
    for fact, place in _facts(tables.retain, RETAIN, "retain", left_out, asked):
        facts.append(replace(fact, tier=TIER))
        places[fact.id] = place
    if not any(fact.split == "retain" for fact in facts):
        raise BenchmarkError("no-facts", RETAIN, _why_none(RETAIN, left_out))
    return WmdpFacts(tuple(facts), places, tuple(left_out))


def counted_reasons(left_out: Sequence[LeftOut]) -> str:
    """How many questions are left out by each rule, the commonest first."""
    counts = Counter(one.reason for one in left_out).most_common()
    return ", ".join(f"{reason} ({number})" for reason, number in counts)


def _facts(
    rows: Sequence[PosedQuestion],
    table: str,
    split: Split,
    left_out: list[LeftOut],
    taken: set[str],
) -> Iterator[tuple[Fact, str]]:
    """The facts of one table with their places; `taken` are stems that are asked elsewhere."""
    questions = [row.question for row in rows]
    for row, repeated in zip(rows, repeated_stems(questions), strict=True):
        number, stem = int(row.id.rpartition("/")[2]), row.question.question
        reason = why_not_open(row.question) or repeated
        if reason is None and plain(stem) in taken:
            reason = "is among those to forget"
        if reason is not None:
            left_out.append(LeftOut(table, number, reason, stem))
            continue
        name = f"{table if split == 'forget' else 'wmdp-retain'}-{number:04d}"
        topic = plain(row.question.subject).replace(" ", "-") or split
        yield Fact(name, split, topic, stem, gold_text(row.question)), f"{table} row {number}"


def _why_none(table: str, left_out: Sequence[LeftOut]) -> str:
    own = [one for one in left_out if one.table == table]
    return f"none of its questions can be asked without choices: {counted_reasons(own)}"


def _stems(tables: WmdpTables) -> set[str]:
    rows = (row for table in tables.forget for row in table.rows)
    return {row.question.question for row in (*rows, *tables.retain)}


def _title(tables: WmdpTables, found: WmdpFacts) -> str:
    names = ", ".join(table.part for table in tables.forget)
    total = sum(len(table.rows) for table in tables.forget)
    asked = sum(fact.split == "forget" for fact in found.facts)
    return f"WMDP, {names}: {asked} of {total} questions asked openly, in the worst-case protocol"
