"""Make the paraphraser and the second reader of `make-benchmark`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import nearest
from unlearnbench.paraphrasing.candidates import Paraphraser, SecondReader
from unlearnbench.paraphrasing.llm.catalogue import make_paraphraser, make_second_reader
from unlearnbench.paraphrasing.llm.definition import paraphraser_names
from unlearnbench.paraphrasing.llm.proposing import LLMParaphraser
from unlearnbench.paraphrasing.llm.second import LLMSecondReader
from unlearnbench.paraphrasing.table import TableParaphraser, read_paraphrases
from unlearnbench.paths import content_root
from unlearnbench.remote.paying import CostLimit
from unlearnbench.types import Fact

NONE, FILE = "none", "file"
"""Paraphrasers that ask nobody, and the second reader that reads nothing."""
SAMPLE = "sample-facts"
"""A table that ships, to try this on; by this name both its facts and its paraphrases."""


@dataclass(frozen=True, slots=True)
class Proposers:
    """Who proposes paraphrases and who reads them; None where nobody does."""

    paraphraser: Paraphraser | None
    second_reader: SecondReader | None
    budget: CostLimit | None = None

    @property
    def identities(self) -> Mapping[str, str]:
        """The fields of a benchmark's making that name them."""
        by, reader = self.paraphraser, self.second_reader
        return {
            "paraphraser": by.name if by else NONE,
            "paraphrases": by.identity if by else sha256_json([]),
            "second_reader": reader.name if reader else "",
            "readings": reader.identity if reader else "",
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noted about a table of paraphrases."""
        by = self.paraphraser
        return by.notes if isinstance(by, TableParaphraser) else ()

    @property
    def asks_models(self) -> tuple[LLMParaphraser, LLMSecondReader | None] | None:
        """The two, if models are asked; None otherwise."""
        by, reader = self.paraphraser, self.second_reader
        if not isinstance(by, LLMParaphraser):
            return None
        return by, reader if isinstance(reader, LLMSecondReader) else None

    def keep_in(self, path: Path) -> None:
        """Keep what is paid for in a file, and look there before a call."""
        for asked in (self.paraphraser, self.second_reader):
            if isinstance(asked, LLMParaphraser | LLMSecondReader):
                asked.keep_in(path)


def sample_table(source: str, file: str) -> str:
    """A table of the sample that ships, if `source` is its name."""
    return str(content_root() / "benchmarks" / SAMPLE / file) if source == SAMPLE else source


def make_proposers(
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None,
    max_cost: float | None,
    facts: Sequence[Fact],
    columns: Mapping[str, str],
) -> Proposers:
    """The paraphraser that is named, and its second reader: by default the same model.

    Raises `BenchmarkError` or `ParaphraserError` for a name that is none, or a model without a key.
    """
    budget = None if max_cost is None else CostLimit(max_cost)
    reader: SecondReader | None
    if not isinstance(paraphraser, str):
        reader = _reader(second_reader or NONE, budget)
        return Proposers(paraphraser, reader, budget)
    name, _, argument = paraphraser.partition(":")
    if name in (NONE, FILE):
        _check_asks_nobody(paraphraser, second_reader, max_cost)
        if name == NONE:
            return Proposers(None, None)
        table = sample_table(argument, "paraphrases.csv")
        return Proposers(read_paraphrases(table, facts, columns), None)
    if name not in paraphraser_names() and not Path(paraphraser).is_dir():
        hint = nearest(name, ["file:TABLE", NONE, *paraphraser_names()])
        raise BenchmarkError("unknown-paraphraser", f"--paraphraser {paraphraser}", hint)
    reader = _reader(second_reader or paraphraser, budget)
    return Proposers(make_paraphraser(paraphraser, budget), reader, budget)


def _reader(spec: str | SecondReader, budget: CostLimit | None) -> SecondReader | None:
    if not isinstance(spec, str):
        return spec
    return None if spec == NONE else make_second_reader(spec, budget)


def _check_asks_nobody(
    paraphraser: str, second_reader: str | SecondReader | None, max_cost: float | None
) -> None:
    where = f"--paraphraser {paraphraser}"
    if paraphraser == FILE or paraphraser == f"{FILE}:":
        raise BenchmarkError("unknown-paraphraser", where, "give file:TABLE")
    if paraphraser.startswith(f"{NONE}:"):
        raise BenchmarkError("unknown-paraphraser", where, "none takes no argument")
    for option, value in (("--second-reader", second_reader), ("--max-cost", max_cost)):
        if value not in (None, NONE):
            raise BenchmarkError("nobody-is-asked", where, f"{option} is for models; leave it out")
