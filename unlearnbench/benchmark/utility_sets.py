"""The bundled questions, instructions and prose that utility is measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from unlearnbench.benchmark.choices.questions import ChoiceSet
from unlearnbench.benchmark.instruction_sets import InstructionSet
from unlearnbench.benchmark.jsonl import read_rows
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root
from unlearnbench.types.harness import HarnessTask

Text = Annotated[str, Field(min_length=1)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Text


Row = TypeVar("Row", bound=_Row)


class ChoiceQuestion(_Row):
    """A question with four choices; `answer` is the letter of the right one."""

    subject: Text
    question: Text
    choices: tuple[Text, Text, Text, Text]
    answer: Literal["A", "B", "C", "D"]


class Instruction(_Row):
    """An innocent instruction, with the language in which it is to be answered."""

    kind: Text
    language: Literal["en", "fr", "de", "es"]
    instruction: Text


class Prose(_Row):
    """A paragraph about nothing that any benchmark asks."""

    text: Text


@dataclass(frozen=True, slots=True)
class UtilitySets:
    """All that is asked. `shots` are solved examples; `fingerprint` is the sha256 of all rows.

    `tables`, `tasks` and `instruction_sets` are those of others, which are identified by
    themselves.
    """

    shots: tuple[ChoiceQuestion, ...]
    questions: tuple[ChoiceQuestion, ...]
    instructions: tuple[Instruction, ...]
    prose: tuple[Prose, ...]
    tables: tuple[ChoiceSet, ...] = ()
    tasks: tuple[HarnessTask, ...] = ()
    instruction_sets: tuple[InstructionSet, ...] = ()

    @property
    def fingerprint(self) -> str:
        """sha256 of all rows that ship."""
        parts = (self.shots, self.questions, self.instructions, self.prose)
        return sha256_json([[row.model_dump(mode="json") for row in part] for part in parts])

    def first(self, limit: int) -> UtilitySets:
        """The first rows of each kind, all examples kept."""
        return replace(
            self,
            questions=self.questions[:limit],
            instructions=self.instructions[:limit],
            prose=self.prose[:limit],
        )


def load_utility_sets(folder: Path | None = None) -> UtilitySets:
    """The rows in `folder`, by default those bundled. Raises `BenchmarkError` for a bad row."""
    folder = folder or content_root() / "benchmarks" / "utility"
    return UtilitySets(
        _rows(folder / "shots.jsonl", ChoiceQuestion),
        _rows(folder / "mcq.jsonl", ChoiceQuestion),
        _rows(folder / "instructions.jsonl", Instruction),
        _rows(folder / "prose.jsonl", Prose),
    )


def _rows(path: Path, shape: type[Row]) -> tuple[Row, ...]:
    rows: dict[str, Row] = {}
    for row, where in read_rows(path, shape):
        if row.id in rows:
            raise BenchmarkError("duplicate-id", where, row.id)
        rows[row.id] = row
    if not rows:
        raise BenchmarkError("no-rows", path.name, "it holds no row")
    return tuple(rows.values())
