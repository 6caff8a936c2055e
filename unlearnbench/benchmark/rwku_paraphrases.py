"""Paraphrases of RWKU's or WMDP's questions, from what lies beside the tables.

A folder `paraphrases` is a benchmark that `make-benchmark` made of the exported questions; a file
`paraphrases.csv` (or another table) has columns `question` and `paraphrase`, and optionally `style`
and `purpose`, like those that `make-benchmark` takes.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnbench.benchmark.editions import DECLARATION
from unlearnbench.benchmark.load import load_benchmark
from unlearnbench.benchmark.matching import holds, plain
from unlearnbench.benchmark.tables.cells import text_cell
from unlearnbench.benchmark.tables.columns import with_columns
from unlearnbench.benchmark.tables.read import read_table
from unlearnbench.benchmark.tables.table import Faults, UserRow, shown
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact, Paraphrase

BESIDE = "paraphrases"
_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx")
_COLUMNS = ("paraphrase", "question", "style", "purpose")
_STYLES = ("wording", "syntax", "situation")
_PURPOSES = ("", "evaluation", "training")


@dataclass(frozen=True, slots=True)
class QuestionParaphrases:
    """Paraphrases of one question: to evaluate with, and to train on."""

    evaluation: tuple[Paraphrase, ...] = ()
    training: tuple[str, ...] = ()


def read_beside(folder: Path, asked: Collection[str]) -> Mapping[str, QuestionParaphrases]:
    """The paraphrases beside the tables, by the question's plain words; empty if there are none.

    `asked` are the questions of the tables. Raises `BenchmarkError` for a paraphrase of another
    one, and for several files of them.
    """
    files = [folder / f"{BESIDE}{suffix}" for suffix in _SUFFIXES]
    present = [path for path in files if path.is_file()]
    made = folder / BESIDE / DECLARATION
    if len(present) + made.is_file() > 1:
        names = ", ".join(path.name for path in present) + (f", {BESIDE}/" * made.is_file())
        raise BenchmarkError("several", str(folder), f"{names}: leave one")
    if made.is_file():
        return _made(made.parent)
    return _table(present[0], asked) if present else {}


def with_paraphrases(fact: Fact, beside: Mapping[str, QuestionParaphrases], where: str) -> Fact:
    """The fact with the paraphrases of its question before its other forms.

    Raises `BenchmarkError` for a paraphrase that names the answer, or is there twice.
    """
    found = beside.get(plain(fact.question))
    if found is None:
        return fact
    seen = {plain(fact.question)}
    for text in (*(p.text for p in found.evaluation), *found.training):
        if holds(text, fact.answer):
            raise BenchmarkError("answer-in-question", where, f"{fact.answer!r} stands in {text!r}")
        if plain(text) in seen:
            raise BenchmarkError("duplicate-wording", where, f"{fact.question!r}: {text!r}")
        seen.add(plain(text))
    paraphrases = (*found.evaluation, *fact.paraphrases)
    return replace(fact, paraphrases=paraphrases, train_paraphrases=found.training)


def _made(folder: Path) -> dict[str, QuestionParaphrases]:
    facts = load_benchmark(str(folder)).facts
    return {
        plain(fact.question): QuestionParaphrases(fact.paraphrases, fact.train_paraphrases)
        for fact in facts
        if fact.paraphrases or fact.train_paraphrases
    }


def _table(path: Path, asked: Collection[str]) -> dict[str, QuestionParaphrases]:
    table = with_columns(read_table(str(path), _COLUMNS), _COLUMNS, _COLUMNS[:2], {})
    faults = Faults(table.name)
    known = {plain(question): question for question in asked}
    evaluation: dict[str, list[Paraphrase]] = defaultdict(list)
    training: dict[str, list[str]] = defaultdict(list)
    for row in table.rows:
        question = text_cell(row, "question", faults, needed=True)
        text = text_cell(row, "paraphrase", faults, needed=True)
        if question and plain(question) not in known:
            faults.add(row.where, f"no row asks {shown(question)}{_near(question, asked)}")
        style = _word(row, "style", _STYLES, faults) or _STYLES[0]
        if _word(row, "purpose", _PURPOSES, faults) == "training":
            training[plain(question)].append(text)
        else:
            evaluation[plain(question)].append(Paraphrase(style, text))
    faults.check()
    return {
        question: QuestionParaphrases(tuple(evaluation[question]), tuple(training[question]))
        for question in {*evaluation, *training}
    }


def _word(row: UserRow, name: str, known: Collection[str], faults: Faults) -> str:
    word = text_cell(row, name, faults).casefold()
    if word and word not in known:
        faults.add(row.where, f"{name} {shown(word)}: {', '.join(filter(None, known))}")
    return word


def _near(question: str, asked: Iterable[str]) -> str:
    close = difflib.get_close_matches(question, list(asked), n=1)
    return f"; did you mean {shown(close[0])}?" if close else ""
