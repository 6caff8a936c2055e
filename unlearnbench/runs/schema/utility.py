"""`utility.json`: what was measured of a checkpoint, and all that its metrics follow from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from unlearnbench.runs.schema.base import Convert, Count, Float, Part, Record, Time
from unlearnbench.types import Setting

if TYPE_CHECKING:
    import pandas as pd


class Metric(Part):
    """A figure of a model. `low` and `high` differ while answers are open.

    `interval` is the 95 % interval around both, None where the figure has none; of `n` units
    `n_open` are open. `low` and `high` are None where nothing can be said.
    """

    low: Float | None
    high: Float | None
    interval: tuple[Float, Float] | None
    n: Count
    n_open: Count = 0

    @property
    def value(self) -> float | None:
        """The figure; None while anything is open."""
        return self.low if self.n_open == 0 else None


class StoredAnswer(Part):
    """A response to an instruction, or why there is none."""

    text: str | None
    fault: str | None


class ChoiceTable(Part):
    """A model's letters for choice questions of others, by the ids of the rows.

    `source` says where the rows are from, its revision included; `data` is the sha256 of prompts
    and gold letters. `shots` counts the solved questions before each, the fewest where some did not
    fit; `letters` are ln p of the letters in nats, `gold` the index of the right one. A row without
    letters is open: it fits no window. `repeats`: rows that say the same as an earlier one, by id.
    The id of a row begins with its subject, `<subject>/`, where there are subjects.
    """

    source: str
    data: str
    shots: Count
    gold: Mapping[str, Count]
    letters: Mapping[str, tuple[Float, ...]]
    repeats: Mapping[str, str] = Field(default_factory=dict)


class InstructionTable(Part):
    """Instructions of others, by the numbers of their rows, and a model's answers to them.

    `source` says where they are from, its revision included; `data` is the sha256 of their texts.
    """

    source: str
    data: str
    instructions: Mapping[str, str]
    answers: Mapping[str, StoredAnswer]


class TaskFigure(Part):
    """One metric of a task as another harness gives it, with its standard error if it has one."""

    value: Float
    stderr: Float | None


class TaskResult(Part):
    """A task that another harness ran: its version, how many documents, its own metrics.

    `data` says what was asked for: see `types.harness.HarnessTask`.
    """

    harness: str
    version: str
    n: Count
    metrics: Mapping[str, TaskFigure]
    data: str = ""


class Measurement(Part):
    """Everything that a model gave, by the ids of the rows.

    `letters` are ln p of the four letters, `choices` the mean ln p a token of the four choices
    written out, `prose` ln p of each token of a paragraph, all in nats. `vocabulary` is the number
    of tokens that the model's distributions cover. `tables` and `tasks`: choice questions and
    tasks of others, by their names; so `instructions`. `settings` are the engine's, the prompt
    format among them; empty in a record from before they were kept.
    """

    checkpoint: str
    fingerprint: str
    dtype: str
    notes: tuple[str, ...]
    letters: Mapping[str, tuple[Float, Float, Float, Float]]
    choices: Mapping[str, tuple[Float, Float, Float, Float]]
    answers: Mapping[str, StoredAnswer]
    prose: Mapping[str, tuple[Float, ...]]
    vocabulary: Count
    tables: Mapping[str, ChoiceTable]
    tasks: Mapping[str, TaskResult]
    instructions: Mapping[str, InstructionTable] = Field(default_factory=dict)
    settings: Mapping[str, Setting | None] = Field(default_factory=dict)

    def all_answers(self) -> Iterator[tuple[str, StoredAnswer]]:
        """Every answer to an instruction: `<row>` of those that ship, `<name>/<row>` of others."""
        yield from self.answers.items()
        for name, table in self.instructions.items():
            yield from ((f"{name}/{row}", answer) for row, answer in table.answers.items())


class PreferenceVerdict(Part):
    """A judge's verdict on two answers in one order, with its reply, or why there is none."""

    verdict: Literal["first", "second", "tie"] | None
    fault: str | None
    reply: str


class JudgedInstruction(Part):
    """The verdicts on one instruction: the model's answer shown first, and the base's."""

    model_first: PreferenceVerdict
    base_first: PreferenceVerdict


class Preferences(Part):
    """What a judge preferred, by instruction; keys are those of `Measurement.all_answers`."""

    judge: str
    identity: str
    rows: Mapping[str, JudgedInstruction]


class Drift(Part):
    """Divergences from the base at each token of each paragraph, in nats, or why there are none."""

    kl: Mapping[str, tuple[Float, ...]]
    jsd: Mapping[str, tuple[Float, ...]]
    refused: str | None


class Stage(Part):
    """A part of a measurement that is complete, kept until all are; `key` says of what it is.

    `rows` are numbers by the ids of what was asked; the fields that a stage has not are empty.
    """

    key: str = ""
    name: str = ""
    rows: Mapping[str, tuple[Float, ...]] = Field(default_factory=dict)
    answers: Mapping[str, StoredAnswer] = Field(default_factory=dict)
    vocabulary: Count = 0
    settings: Mapping[str, Setting | None] = Field(default_factory=dict)
    created: str = ""
    table: ChoiceTable | None = None
    tasks: Mapping[str, TaskResult] = Field(default_factory=dict)


def _from_1(data: dict[str, object]) -> dict[str, object]:
    """Version 1 knew no questions and tasks of others, and no judge of preferences."""
    sides = {side: _with_none_of_others(data.get(side)) for side in ("model", "base")}
    return {**data, **sides, "preferences": None}


def _with_none_of_others(measured: object) -> object:
    return {**measured, "tables": {}, "tasks": {}} if isinstance(measured, dict) else measured


class UtilityRecord(Record):
    """A checkpoint's utility, and its base's where one was given.

    `data` is the fingerprint of the questions, instructions and prose. `metrics` and
    `base_metrics` follow from the rest alone (`utility.summary.metrics_of`).
    """

    VERSION: ClassVar[int] = 2
    OLDER: ClassVar[Mapping[int, Convert]] = {1: _from_1}

    created: Time
    data: str
    model: Measurement
    base: Measurement | None
    drift: Drift | None
    preferences: Preferences | None
    metrics: Mapping[str, Metric]
    base_metrics: Mapping[str, Metric]

    @property
    def open(self) -> list[str]:
        """Instructions and choice questions without an answer, of the model or of its base."""
        both = [self.model] if self.base is None else [self.model, self.base]
        unanswered = [key for one in both for key, row in one.all_answers() if row.text is None]
        tables = [table for one in both for table in one.tables.values()]
        return unanswered + [row for table in tables for row in table.gold.keys() - table.letters]

    def to_pandas(self) -> pd.DataFrame:
        """A row a metric: name, value of the model and of its base, interval, units, open units."""
        import pandas as pd

        rows = [
            {
                "metric": name,
                "value": metric.value,
                "base": base.value if (base := self.base_metrics.get(name)) else None,
                "interval": metric.interval,
                "n": metric.n,
                "n_open": metric.n_open,
            }
            for name, metric in self.metrics.items()
        ]
        return pd.DataFrame(rows)
