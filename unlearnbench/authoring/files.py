"""A benchmark as files: its declaration and its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.authoring.choosing import ChosenSplit
from unlearnbench.authoring.facts import TIERS
from unlearnbench.authoring.general import reviewed_rows
from unlearnbench.authoring.relearn_sets import MadeSet, relearn_sets
from unlearnbench.benchmark.editions import DECLARATION
from unlearnbench.benchmark.quality.beside import REVIEWED, ReviewedRow
from unlearnbench.benchmark.schema import (
    BenchmarkDeclaration,
    FactRow,
    FormRow,
    IndirectRow,
    MadeDeclaration,
    ParaphraseRow,
    SourceRow,
    SplitDeclaration,
)
from unlearnbench.paraphrasing.candidates import STYLES
from unlearnbench.types import Fact, Split

VERSION, LICENCE = "1.0.0", "not stated"
FORMS_FILE, INDIRECT_FILE = "forms.jsonl", "indirect.jsonl"


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a benchmark will hold.

    `paraphraser` is its name, `identity` its identity; `accepted` the doubtful paraphrases that a
    person has let in; `sets` what a model proposed for attacks; `forms` and `indirect` are the
    user's own, or a model's.
    """

    id: str
    title: str
    judge: str
    private: bool
    paraphraser: str
    identity: str
    splits: Mapping[Split, ChosenSplit]
    accepted: Sequence[ReviewedRow] = ()
    sets: Sequence[MadeSet] = ()
    forms: Sequence[FormRow] = ()
    indirect: Sequence[IndirectRow] = ()

    @property
    def facts(self) -> Mapping[str, Fact]:
        """All facts by id."""
        return {fact.id: fact for split in self.splits.values() for fact in split.facts}


def benchmark_files(draft: Draft) -> dict[str, str]:
    """The files of a benchmark by name, its declaration last."""
    files = {f"{name}.jsonl": fact_rows(split.facts) for name, split in draft.splits.items()}
    sets = [*relearn_sets(list(draft.facts.values())), *draft.sets]
    files |= {one.file: one.text for one in sets}
    if draft.forms:
        files[FORMS_FILE] = "".join(f"{row.model_dump_json()}\n" for row in draft.forms)
    if draft.indirect:
        files[INDIRECT_FILE] = "".join(f"{row.model_dump_json()}\n" for row in draft.indirect)
    reviewed = [*reviewed_rows(list(draft.facts.values())), *draft.accepted]
    if reviewed:
        files[REVIEWED] = "".join(f"{row.model_dump_json()}\n" for row in reviewed)
    return {**files, DECLARATION: declaration_toml(_declaration(draft, sets))}


def _declaration(draft: Draft, sets: Sequence[MadeSet]) -> BenchmarkDeclaration:
    splits = {
        name: SplitDeclaration(
            file=f"{name}.jsonl",
            paraphrases=split.evaluation,
            train_paraphrases=split.training,
            tiers=[tier for tier in TIERS if any(fact.tier == tier for fact in split.facts)],
        )
        for name, split in draft.splits.items()
    }
    return BenchmarkDeclaration(
        id=draft.id,
        version=VERSION,
        title=draft.title,
        licence=LICENCE,
        judge=draft.judge,
        profile="standard",
        styles=list(STYLES),
        private=draft.private,
        made=MadeDeclaration(paraphraser=draft.paraphraser, identity=draft.identity),
        splits=splits,
        forms=FORMS_FILE if draft.forms else None,
        indirect=INDIRECT_FILE if draft.indirect else None,
        relearn={one.name: one.declaration for one in sets},
    )


def fact_rows(facts: Sequence[Fact]) -> str:
    """The content of a rows file; what only implanting asks is left out where it says nothing."""
    rows = (_row(fact).model_dump(mode="json", exclude_none=True) for fact in facts)
    return "".join(json.dumps(_said(row), ensure_ascii=False) + "\n" for row in rows)


def _said(row: Mapping[str, object]) -> dict[str, object]:
    unsaid = {"frequency": 1, "held_out": False}
    return {name: value for name, value in row.items() if unsaid.get(name) != value}


def _row(fact: Fact) -> FactRow:
    return FactRow(
        id=fact.id,
        topic=fact.topic,
        tier=fact.tier,
        question=fact.question,
        answer=fact.answer,
        aliases=list(fact.aliases),
        source=SourceRow(title=fact.source.title, claim=fact.source.claim) if fact.source else None,
        paraphrases=[ParaphraseRow(style=p.style, text=p.text) for p in fact.paraphrases],
        train_paraphrases=list(fact.train_paraphrases),
        frequency=fact.frequency,
        held_out=fact.held_out,
    )


def declaration_toml(declaration: BenchmarkDeclaration) -> str:
    """A declaration as TOML; what says nothing is left out."""
    fields = declaration.model_dump(mode="json", exclude_defaults=True)
    tables = {"made": fields.pop("made")} if declaration.made else {}
    for kind in ("splits", "relearn"):
        tables |= {f"{kind}.{name}": part for name, part in fields.pop(kind, {}).items()}
    parts = [_pairs(fields)]
    parts += [f"\n[{name}]\n{_pairs(table)}" for name, table in tables.items()]
    return "".join(parts)


def _pairs(fields: Mapping[str, object]) -> str:
    # A text, a number, a truth value and a list of texts are spelt alike in JSON and in TOML.
    return "".join(f"{key} = {json.dumps(v, ensure_ascii=False)}\n" for key, v in fields.items())
