"""Derive a relearning record from its answers. Losses and counts of tokens stay as told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from unlearnbench.attacks.catalog import (
    ARMS,
    BENIGN,
    RelearnProfile,
    available_arms,
)
from unlearnbench.attacks.relearn.points import (
    OF_BASE,
    UNTRAINED,
    make_point,
    point_folder,
    point_probes,
)
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.relearn.texts import ArmTexts, arm_texts
from unlearnbench.attacks.stress.planned import shuffled_forget
from unlearnbench.benchmark import Benchmark
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import ArmRecord, FinishedRelearn, Point
from unlearnbench.submissions.attack_start import OwnRuns
from unlearnbench.submissions.rejudging import Rejudging
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Probe, PromptFormat, Sampling


@dataclass(frozen=True)
class RelearnPlan:
    """What decides the points of a submitted relearning run."""

    benchmark: Benchmark
    profile: RelearnProfile
    prompt_format: PromptFormat

    @cached_property
    def probes(self) -> list[Probe]:
        """The probes of every point."""
        return point_probes(self.benchmark, self.profile, self.prompt_format, None)

    @cached_property
    def controls(self) -> tuple[Probe, ...]:
        """The forget probes under other facts' gold answers."""
        return shuffled_forget(self.probes)

    @cached_property
    def forget(self) -> frozenset[str]:
        """Ids of the forget facts."""
        return frozenset(fact.id for fact in self.benchmark.split("forget"))


def derived_relearn(
    record: FinishedRelearn, plan: RelearnPlan, rejudging: Rejudging, own: OwnRuns
) -> FinishedRelearn:
    """The record that follows from the answers. Raises `Refusal` for what was not planned."""

    def asked(folder: str) -> tuple[Run, Run]:
        run, control = rejudging.rebuilt(folder, plan.probes, plan.controls, Sampling())
        assert control is not None
        return run, control

    arms = check_arms(record, plan)
    ceiling = None
    if record.ceiling is not None:
        of_base = asked(OF_BASE)
        own.check_base(of_base[0], f"{rejudging.name}, {OF_BASE}")
        ceiling = make_point(0, None, *of_base, plan.forget)
    start = asked(UNTRAINED)
    own.check_checkpoint(start[0], f"{rejudging.name}, {UNTRAINED}")
    first = make_point(0, None, *start, plan.forget)
    points: dict[tuple[str, int, int], Point] = {}
    for name in (arm for arm in ARMS if arm in arms):
        scored = arms[name].scored
        for seed in plan.profile.seeds:
            for step in plan.profile.steps:
                runs = asked(point_folder(name, seed, step)) if step else start
                points[name, seed, step] = make_point(step, None, *runs, scored)
    rejudging.stream.end()
    derived = {name: _arm(record.arms[name], name, points) for name in record.arms}
    summary = summarise(derived, ceiling, first)
    return record.model_copy(
        update={"ceiling": ceiling, "first": first, "arms": derived, "summary": summary}
    )


def _arm(told: ArmRecord, name: str, points: Mapping[tuple[str, int, int], Point]) -> ArmRecord:
    """An arm with derived points, each with the loss that is told."""
    seeds = {
        seed: tuple(
            points[name, int(seed), point.step].model_copy(update={"loss": point.loss})
            for point in told_points
        )
        for seed, told_points in told.seeds.items()
    }
    return told.model_copy(update={"seeds": seeds})


def check_arms(record: FinishedRelearn, plan: RelearnPlan) -> dict[str, ArmTexts]:
    """See that arms, seeds, steps and counts are those of benchmark and profile.

    Returns each arm's texts and scored facts. Raises `Refusal`.
    """
    profile, shipped = plan.profile, available_arms(plan.benchmark)
    if not record.arms:
        raise Refusal("attack", "relearn.json, arms", "there are none")
    for name, arm in record.arms.items():
        where = f"relearn.json, arms.{name[:80]}"
        if name not in shipped:
            raise Refusal("attack", where, f"no arm of {plan.benchmark.id}")
        if sorted(arm.seeds) != sorted(map(str, profile.seeds)):
            raise Refusal("attack", where, f"not the seeds of profile {profile.name}")
        for seed, points in arm.seeds.items():
            if [point.step for point in points] != list(profile.steps):
                what = f"seed {seed}: not the steps of profile {profile.name}"
                raise Refusal("attack", where, what)
            if not all(_is_loss(point) for point in points):
                raise Refusal("attack", where, f"seed {seed}: a loss that no training has")
    texts = {name: arm_texts(name, plan.benchmark) for name in record.arms}
    for name, arm in record.arms.items():
        _check_counts(f"relearn.json, arms.{name}", name, arm, texts[name])
    return texts


def _check_counts(where: str, name: str, arm: ArmRecord, texts: ArmTexts) -> None:
    told = {"benign": arm.benign, "scored": arm.scored, "left_out": arm.left_out, "rows": arm.rows}
    own = {"benign": name in BENIGN, "scored": len(texts.scored), "left_out": texts.left_out}
    rows = arm.rows if texts.rows is None else texts.rows
    for field, value in {**own, "rows": rows}.items():
        if told[field] != value:
            raise Refusal("attack", f"{where}.{field}", f"{told[field]}, the benchmark has {value}")
    tokens = (arm.trained_tokens_a_step, arm.tokens_a_step)
    if arm.rows < 1 or not 0 < tokens[0] <= tokens[1] < 1e9:
        raise Refusal("attack", where, "no count of rows and tokens that training could have")


def _is_loss(point: Point) -> bool:
    return point.loss is None or (point.step > 0 and 0 <= point.loss < 1e6)
