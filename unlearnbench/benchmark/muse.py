"""MUSE (arXiv 2407.06460): `muse-bench/MUSE-News` and `-Books`, or files of the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast, get_args

from unlearnbench.benchmark.hub import Table, exact_column, load_table
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import nearest

Corpus = Literal["news", "books"]
REPOSITORIES: dict[Corpus, str] = {
    "news": "muse-bench/MUSE-News",
    "books": "muse-bench/MUSE-Books",
}
_PARTS = {
    "verbmem": ("forget",),
    "knowmem": ("forget_qa", "forget_qa_icl", "retain_qa", "retain_qa_icl"),
    "privleak": ("forget", "holdout"),
}
"""Configs and splits that are measured on. In a folder, a part is `verbmem/forget.jsonl`."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The beginning of a text, and how it goes on."""

    prompt: str
    gold: str


@dataclass(frozen=True, slots=True)
class MuseSets:
    """What MUSE measures on: passages, questions with their in-context pairs, whole texts.

    Questions and pairs are (question, gold answer).
    """

    corpus: Corpus
    passages: tuple[Passage, ...]
    forget: tuple[tuple[str, str], ...]
    forget_pairs: tuple[tuple[str, str], ...]
    retain: tuple[tuple[str, str], ...]
    retain_pairs: tuple[tuple[str, str], ...]
    members: tuple[str, ...]
    holdout: tuple[str, ...]
    fingerprint: str


def chosen_corpus(name: str) -> Corpus:
    """The corpus of that name. Raises `BenchmarkError` with the nearest otherwise."""
    corpora = get_args(Corpus)
    if name not in corpora:
        raise BenchmarkError("unknown-corpus", repr(name), nearest(name, corpora))
    return cast(Corpus, name)


def load_muse(source: str, corpus: Corpus) -> MuseSets:
    """Load a corpus from `hub`, or a folder with a file for each part.

    Raises `BenchmarkError` if a part, a column or a row is missing.
    """
    tables = {
        f"{config}/{split}": load_table(
            source, REPOSITORIES[corpus], config, f"{config}/{split}", split
        )
        for config, splits in _PARTS.items()
        for split in splits
    }
    for name, table in tables.items():
        if not table.rows:
            raise BenchmarkError("missing-rows", name, "the table is empty")
    return MuseSets(
        corpus=corpus,
        passages=tuple(_passages(tables["verbmem/forget"])),
        forget=tuple(_pairs(tables, "knowmem/forget_qa")),
        forget_pairs=tuple(_pairs(tables, "knowmem/forget_qa_icl")),
        retain=tuple(_pairs(tables, "knowmem/retain_qa")),
        retain_pairs=tuple(_pairs(tables, "knowmem/retain_qa_icl")),
        members=tuple(_texts(tables, "privleak/forget")),
        holdout=tuple(_texts(tables, "privleak/holdout")),
        fingerprint=sha256_json(["muse", {name: t.revision for name, t in tables.items()}]),
    )


def _passages(table: Table) -> Iterator[Passage]:
    for number, row in enumerate(table.rows, start=1):
        where = f"verbmem/forget row {number}"
        yield Passage(
            exact_column(table, row, "prompt", where), exact_column(table, row, "gt", where)
        )


def _pairs(tables: dict[str, Table], name: str) -> Iterator[tuple[str, str]]:
    table = tables[name]
    for number, row in enumerate(table.rows, start=1):
        where = f"{name} row {number}"
        yield exact_column(table, row, "question", where), exact_column(table, row, "answer", where)


def _texts(tables: dict[str, Table], name: str) -> Iterator[str]:
    table = tables[name]
    for number, row in enumerate(table.rows, start=1):
        yield exact_column(table, row, "text", f"{name} row {number}")
