"""A row of the board as data: stored between builds, ranked and drawn.

`Entry.to_json` makes the stored form of a row; `entry_from` reads it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Literal, NamedTuple

from pydantic import JsonValue, TypeAdapter

from unlearnbench.attacks.stress.plans import RANKED, test_of
from unlearnbench.reporting.charts import MeanPoint
from unlearnbench.reporting.distance import Distance
from unlearnbench.reporting.matrix import Column
from unlearnbench.runs.schema import Figures, Net
from unlearnbench.scoring.scores import headline_of
from unlearnbench.submissions.doubts import Doubt
from unlearnbench.submissions.reproduction import Reproduction
from unlearnbench.submissions.schema import ClaimedIdentity

ROW_VERSION = 8
"""Raised whenever the shape or meaning of a row changes, so that stored rows are made again."""
Level = Literal["claimed", "logged", "re-judged", "re-run", "attacked"]
"""How far a row can be trusted, from the submitter's claim to a full set of attacks."""
UtilityRule = Literal["measured", "sent before", "missing", "base not measured"]
"""Whether utility is part of a row's envelope: measured, or why it is not, or that it should be."""
JsonObject = dict[str, JsonValue]
Questions = tuple[str, str]
"""What rows are asked: the fingerprints of benchmark and profile."""


class Cell(NamedTuple):
    """A score and its 95 % interval; shares from 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The relearning arm that brought most facts back, and the figures of its curves.

    `steps_to`: share of the ceiling -> steps, None where it was not reached. `retain_at_end` and
    `fluency_at_end` hold a share for each seed.
    """

    arm: str
    maximum: float
    interval: tuple[float, float]
    at_step: int
    seed: str
    net: Net
    area: float
    steps_to: Mapping[str, int | None]
    retain_at_end: Sequence[float]
    fluency_at_end: Sequence[float]


@dataclass(frozen=True, slots=True)
class KnownPeak(Peak):
    """A peak reported by somebody other than the submitter."""

    by: str


@dataclass(frozen=True, slots=True)
class RelearnColumn:
    """The benign arms that were run and the worst of them; `unranked`: why it is not ranked.

    `curves`: an arm as it is shown -> its points, those of teaching arms too. `ceiling`: the rate
    of the base model. `derived`: it follows from answers that are there; otherwise it is told.
    """

    arms: Sequence[str]
    worst: Peak | None
    unranked: str | None
    curves: Mapping[str, Sequence[MeanPoint]]
    ceiling: float | None
    derived: bool


@dataclass(frozen=True, slots=True)
class StressColumn:
    """All ranked doors and the row's own run together; `beyond` leak through a door alone.

    `derived`: it follows from answers that are there; otherwise it is told. `engine` is what asked.
    """

    doors: Sequence[str]
    score: Figures
    beyond: Sequence[str]
    derived: bool
    engine: str

    @property
    def not_tried(self) -> list[str]:
        """The ranked tests without a door, so that the share is of fewer attacks than others'."""
        return [test for test in RANKED if test not in map(test_of, self.doors)]


class UtilityFigure(NamedTuple):
    """A metric of utility, its 95 % interval if it has one, and of how many units."""

    value: float
    interval: tuple[float, float] | None
    n: int


@dataclass(frozen=True, slots=True)
class UtilityColumn:
    """Metrics of a row and of its accepted base, derived again from what they gave.

    `parts`: what is left of each part of the base, `composite` their harmonic mean; None where
    nothing can be said. Without a measured base `base_metrics` and `parts` are empty.
    """

    metrics: Mapping[str, UtilityFigure]
    base_metrics: Mapping[str, UtilityFigure]
    parts: Mapping[str, float | None]
    composite: float | None


@dataclass(frozen=True, slots=True)
class KnownLeaks:
    """Facts that leak in the row's own run or in an attestation, and who attests them."""

    states: Mapping[str, bool | None]
    score: Figures
    by: Sequence[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What attestations add to the row's own records; None where they add nothing."""

    worst_case: KnownLeaks | None
    relearn: KnownPeak | None


@dataclass(frozen=True, slots=True)
class AttestationEntry:
    """An attestation of a row, with the `reasons` if it does not count."""

    name: str
    kind: str | None
    by: str | None
    link: str
    date: str | None
    judge: str | None
    agreement: Reproduction | None
    relearn: RelearnColumn | None
    stress: StressColumn | None
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class LeakMatrix:
    """A line of marks for each forget fact, one for each column; see `reporting.matrix`.

    `answers`: fact -> gold answer.
    """

    columns: Sequence[Column]
    lines: Mapping[str, str]
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """A response with its question, the gold answer and the verdict."""

    key: str
    question: str
    answer: str
    text: str
    verdict: str


@dataclass(frozen=True, slots=True)
class BaseKnowledge:
    """What the model before unlearning answers.

    `known` of `asked` forget facts in any paraphrase and context of profile `standard`; shares of
    retain probes and of fluent answers; `answers`: of instructions that it answers well, None if
    its utility was not measured.
    """

    known: int
    asked: int
    retain: float
    fluency: float
    answers: float | None = None


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """The submitter's claims, and the models, benchmark and judge of the row.

    `fingerprint` is the checkpoint's. Told by the submitter and checked by nobody: name, method,
    submitter, link, note, date, the checkpoint's name, parameters, versions, platform, settings and
    training. `base` is the name of the accepted base run, `base_id` its folder.
    """

    name: str
    method: str
    submitter: str
    link: str
    note: str
    date: str
    benchmark: str
    benchmark_version: str
    benchmark_fingerprint: str
    profile: str
    profile_fingerprint: str
    checkpoint: str
    fingerprint: str
    base: str
    base_id: str
    base_fingerprint: str
    parameters: int | None
    judge: str
    judge_identity: str
    engine: str
    dtype: str
    platform: str
    settings: Mapping[str, str | int | float | bool | None]
    versions: Mapping[str, str | None]
    training: JsonObject | None


def questions_of(row: ClaimedRow | ClaimedIdentity) -> Questions:
    """The questions that a row was asked, by fingerprints."""
    return row.benchmark_fingerprint, row.profile_fingerprint


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that could be read. `outside` and `rank` are its place on a board, and not stored.

    `states`: forget fact -> whether it leaked in any way in which the row was asked. `base_states`:
    the same of its base, for the questions of profile `standard` alone. `among_known`: the headline
    as best known among the facts that the base answers, by which rows are ranked. `before_utility`:
    the board lists the row among those that are ranked without utility.
    """

    row_version: int
    id: str
    reasons: Sequence[str]
    trust: Level
    levels: Sequence[Level]
    claim: ClaimedRow
    scores: Mapping[str, Cell]
    among_known: Cell
    base_knowledge: BaseKnowledge
    doubts: Sequence[Doubt]
    base_scores: Mapping[str, Cell]
    base_states: Mapping[str, bool]
    states: Mapping[str, bool]
    relearn: RelearnColumn | None
    stress: StressColumn | None
    utility: UtilityColumn | None
    before_utility: bool
    known: Known
    disputed: Sequence[str]
    attestations: Sequence[AttestationEntry]
    matrix: LeakMatrix
    distance: Distance | None
    samples: Sequence[Sample]
    outside: Sequence[str] = ()
    rank: tuple[int, int] | None = None

    @property
    def headline(self) -> str:
        """Name of the score that the row is read by: that of its profile."""
        return headline_of(self.scores)

    @property
    def worst(self) -> float:
        """The share of forget facts that leak in the row's own run or in an attestation."""
        leaks = self.known.worst_case
        return leaks.score.high if leaks else self.scores[self.headline].value

    @property
    def known_states(self) -> Mapping[str, bool]:
        """Whether each forget fact leaks in the row's own run or in an attestation."""
        leaks = self.known.worst_case
        return {f: bool(s) for f, s in leaks.states.items()} if leaks else self.states

    @property
    def ranked_states(self) -> Mapping[str, bool]:
        """Whether each forget fact that the base answers leaks, as best known."""
        return {f: leaks for f, leaks in self.known_states.items() if self.base_states.get(f)}

    @property
    def utility_rule(self) -> UtilityRule:
        """What holds of the row's utility; see docs/decisions/0029-utility-on-the-board.md."""
        if self.base_knowledge.answers is None:
            return "base not measured"
        if self.utility is not None:
            return "measured"
        return "sent before" if self.before_utility else "missing"

    @property
    def relearnt(self) -> Peak | None:
        """The worst benign arm that anybody ran."""
        return self.known.relearn or (self.relearn.worst if self.relearn else None)

    def to_json(self) -> JsonObject:
        """The stored form of the row, with the claim's fields at its top level."""
        flat: JsonObject = {}
        fields_of_row = _entries().dump_python(self, mode="json", exclude={"outside", "rank"})
        for name, value in fields_of_row.items():
            flat |= value if name == "claim" else {name: value}
        return flat


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A submission that could not be read: its `reasons`, and no figures."""

    row_version: int
    id: str
    trust: Literal["claimed"]
    reasons: Sequence[str]

    def to_json(self) -> JsonObject:
        """The stored form of the row."""
        row: JsonObject = TypeAdapter(RefusedEntry).dump_python(self, mode="json")
        return row


@cache
def _entries() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)


def entry_from(row: JsonObject) -> Entry | RefusedEntry:
    """A row from its stored form. Raises `ValueError` if it has another shape."""
    if "scores" not in row:
        return TypeAdapter(RefusedEntry).validate_python(row)
    names = {field.name for field in fields(ClaimedRow)}
    claim = {name: value for name, value in row.items() if name in names}
    remaining = {name: value for name, value in row.items() if name not in names}
    return _entries().validate_python({**remaining, "claim": claim})
