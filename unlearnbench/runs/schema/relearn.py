"""`relearn.json`: the curves of a relearning run, arm by arm and seed by seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue, Strict

from unlearnbench.runs.schema.attack import AttackRecord
from unlearnbench.runs.schema.base import Bool, Count, Float, Int, Part, Share
from unlearnbench.runs.schema.figures import Figures
from unlearnbench.runs.schema.identity import RelearnIdentity

Difference = Annotated[float, Strict(), Field(ge=-1, le=1)]


class Net(Part):
    """A difference of two shares, -1 to 1."""

    value: Difference
    interval: tuple[Difference, Difference]


class Point(Part):
    """The figures after `step` optimiser steps.

    `forget`: share of the scored facts answered as a question (`question`) or with a gap
    (`cloze`); `never`: of never-known facts; `net`: `question` less `never`; `shuffled`: `forget`
    judged against other facts' answers. `leaked`: ids of facts. `loss` is the mean of the leg that
    ends here; None before any training, and where the process that trained it was killed.
    """

    step: Count
    loss: Float | None = None
    net: Net
    forget: Figures
    question: Figures
    cloze: Figures
    never: Figures
    shuffled: Figures
    retain: Figures
    fluency: Figures
    leaked: tuple[str, ...]
    n_open: Count


class ArmRecord(Part):
    """One relearning arm. `seeds`: its points in order of steps, by seed.

    `rows` are trained on, `left_out` are not because they hold an answer that is scored; `scored`
    counts forget facts. Tokens a step are the mean over the rows, times the batch.
    """

    benign: Bool
    rows: Count
    left_out: Count
    scored: Count
    tokens_a_step: Float
    trained_tokens_a_step: Float
    seeds: dict[str, tuple[Point, ...]]

    def with_point(self, seed: int, point: Point) -> ArmRecord:
        """The arm with a point added, or read anew in its place.

        Only the process that trained a leg knows its loss, so a known loss stays.
        """
        points = self.seeds.get(str(seed), ())
        for number, stored in enumerate(points):
            if stored.step == point.step:
                loss = stored.loss if point.loss is None else point.loss
                newer = point.model_copy(update={"loss": loss})
                points = (*points[:number], newer, *points[number + 1 :])
                break
        else:
            points = (*points, point)
        return self.model_copy(update={"seeds": {**self.seeds, str(seed): points}})


class Budget(Part):
    """A relearning profile: steps that are scored, seeds, and beside them how it trains."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)
    name: str
    steps: tuple[Int, ...]
    seeds: tuple[Int, ...] = Field(min_length=1)


class ArmSummary(Part):
    """The summary of an arm's curves.

    `maximum` is the highest point of any seed, with its `interval`, step, seed and `net`; `area`
    the mean over seeds; `steps_to` the fewest steps of any seed to a share of the ceiling.
    """

    maximum: Share
    interval: tuple[Share, Share]
    at_step: Count
    seed: str
    net: Net
    area: Float
    steps_to: dict[str, Int | None]
    retain_at_end: tuple[Share, ...] = Field(min_length=1)
    fluency_at_end: tuple[Share, ...] = Field(min_length=1)


class WorstArm(ArmSummary):
    """The benign arm that brings most facts back."""

    arm: str


class RelearnSummary(Part):
    """The summary of all arms. `ceiling`: the base model's rate; `unranked`: why not ranked."""

    arms: dict[str, ArmSummary]
    ceiling: Share | None
    worst_benign: WorstArm | None
    unranked: str | None


class RelearnRecord(AttackRecord):
    """`relearn.json`. `ceiling` is the base model's point, `first` the checkpoint's own."""

    KIND: ClassVar[str] = "relearn"
    CALLED: ClassVar[str] = "relearning"

    kind: Literal["relearn"] = "relearn"
    identity: RelearnIdentity
    profile: Budget
    ceiling: Point | None
    first: Point | None
    arms: dict[str, ArmRecord]
    seconds: Float
    summary: RelearnSummary | None = None

    @property
    def points(self) -> Iterator[Point]:
        """Every point of every arm and seed."""
        for arm in self.arms.values():
            for points in arm.seeds.values():
                yield from points


class FinishedRelearn(RelearnRecord):
    """`relearn.json` of a finished run."""

    first: Point
    summary: RelearnSummary
