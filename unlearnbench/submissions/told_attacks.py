"""Check attack records that come without their answers: nothing can be derived, much can be held.

Such a record is shown as told and never counts as an attack in full; it may still lower a row.
Doors, facts and counts must be the benchmark's, and every figure must follow from those below it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace

from unlearnbench.attacks.relearn.points import CLOZE, net_of
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.stress.draws import exact_interval
from unlearnbench.attacks.stress.planned import PlannedRun, StressInputs
from unlearnbench.attacks.stress.plans import LENS, is_ranked
from unlearnbench.attacks.stress.union import beyond, union_of
from unlearnbench.attacks.stress.variants import plan_baseline
from unlearnbench.runs.schema import (
    DoorRecord,
    Figures,
    FinishedRelearn,
    FinishedStress,
    Point,
)
from unlearnbench.scoring.findings import why_unranked
from unlearnbench.scoring.scores import of_facts
from unlearnbench.submissions.derived_relearn import RelearnPlan, check_arms
from unlearnbench.submissions.derived_stress import (
    check_doors,
    check_lens,
    planned_doors,
    with_told,
)
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Probe

_MOST_NOTE, _MOST_DETAILS = 300, 20_000
"""Characters of a door's note, and of its details as JSON."""


def check_told_stress(record: FinishedStress, inputs: StressInputs) -> None:
    """Raise `Refusal` unless every door, fact, count and share is one that a suite could record."""
    check_doors(record, inputs)
    asked = plan_baseline(inputs).probes
    baseline, where = record.baseline, "stress.json, baseline"
    _check_states(where, baseline.states, _facts(asked, "forget"))
    _check_share(f"{where}.score", baseline.score, sum(map(bool, baseline.states.values())))
    _check_count(f"{where}.control", baseline.control, len(_facts(asked, "never")))
    _check_pooled(f"{where}.fluency", baseline.fluency, len(asked))
    if baseline.unranked != why_unranked(baseline.fluency.high):
        raise Refusal("attack", f"{where}.unranked", "does not follow from the fluency")
    replies = {(p.key.fact, p.question): "" for p in asked if not p.examples}
    planned = {run.door: run for run in planned_doors(record, replace(inputs, replies=replies))}
    for name, run in planned.items():
        _check_door(record, run, record.findings[name], is_ranked(name, inputs.benchmark))
    if LENS in record.findings:
        check_lens(record.findings[LENS])
    if union_of(baseline, record.findings) != record.union:
        raise Refusal("attack", "stress.json, union", "does not follow from the doors")


def _check_door(
    record: FinishedStress, planned: PlannedRun, door: DoorRecord, ranked: bool
) -> None:
    where = f"stress.json, findings.{planned.door}"
    if door.ranked is not ranked:
        raise Refusal("attack", f"{where}.ranked", f"{door.ranked}, this door is not")
    _check_states(where, door.states, _facts(planned.probes, "forget"))
    share = of_facts(planned.door, door.states)
    if planned.sampling.temperature:
        share = replace(share, interval=exact_interval(share))
    if door.score != Figures.of(share):
        raise Refusal("attack", f"{where}.score", "does not follow from the states")
    leaked = (fact for fact, state in door.states.items() if state)
    if door.beyond != beyond(record.baseline.states, leaked):
        raise Refusal("attack", f"{where}.beyond", "does not follow from the states")
    if door.probes != len(planned.probes):
        raise Refusal("attack", f"{where}.probes", f"{door.probes}, {len(planned.probes)} are put")
    _check_control(f"{where}.control", planned, door)
    long = len(door.note) > _MOST_NOTE or len(json.dumps(door.details)) > _MOST_DETAILS
    if long or with_told(door, record, planned.door).note != door.note:
        raise Refusal("attack", where, "a note or details that this door does not have")


def _check_control(where: str, planned: PlannedRun, door: DoorRecord) -> None:
    controls = planned.controls
    kind = "never-known facts" if controls is None else "other facts' answers"
    facts = _facts(planned.probes, "never") if controls is None else _facts(controls, "forget")
    if door.control is None or door.control.kind != kind:
        if door.control is None and not facts:
            return
        raise Refusal("attack", where, f"missing, or not of {kind}")
    _check_count(where, door.control, len(facts))


def check_told_relearn(record: FinishedRelearn, plan: RelearnPlan) -> None:
    """Raise `Refusal` unless every arm, point and share is one that a run could record."""
    arms = check_arms(record, plan)
    for name, point in (("first", record.first), ("ceiling", record.ceiling)):
        if point is not None:
            if (point.step, point.loss) != (0, None):
                raise Refusal("attack", f"relearn.json, {name}", "is of an untrained model")
            _check_point(f"relearn.json, {name}", point, plan, plan.forget)
    for name, arm in record.arms.items():
        for seed, points in arm.seeds.items():
            for point in points:
                where = f"relearn.json, arms.{name}.seeds.{seed}, step {point.step}"
                _check_point(where, point, plan, arms[name].scored)
    if summarise(record.arms, record.ceiling, record.first) != record.summary:
        raise Refusal("attack", "relearn.json, summary", "does not follow from the points")


def _check_point(where: str, point: Point, plan: RelearnPlan, scored: Collection[str]) -> None:
    gaps = {p.key.fact for p in plan.probes if p.key.phrasing == CLOZE} & set(scored)
    others = {p.key.fact for p in plan.controls} & set(scored)
    n_of = {"forget": scored, "question": scored, "cloze": gaps, "shuffled": others}
    never = _facts(plan.probes, "never")
    for name, facts in {**n_of, "never": never}.items():
        _check_count(f"{where}.{name}", getattr(point, name), len(facts))
    retain = sum(probe.split == "retain" for probe in plan.probes)
    _check_pooled(f"{where}.retain", point.retain, retain)
    _check_pooled(f"{where}.fluency", point.fluency, len(plan.probes))
    leaked = set(point.leaked)
    if len(leaked) != len(point.leaked) or not leaked <= set(scored) or point.n_open:
        raise Refusal("attack", f"{where}.leaked", "not facts that are scored, each once")
    question, cloze, forget = (_count(point.question), _count(point.cloze), len(leaked))
    _check_share(f"{where}.forget", point.forget, forget)
    if not max(question, cloze) <= forget <= question + cloze:
        raise Refusal("attack", where, "forget is not what question and cloze come to")
    if point.net != net_of(point.question, point.never):
        raise Refusal("attack", f"{where}.net", "does not follow from question and never")


def _facts(probes: Collection[Probe], split: str) -> set[str]:
    return {probe.key.fact for probe in probes if probe.split == split}


def _check_states(where: str, states: Mapping[str, bool | None], facts: Collection[str]) -> None:
    if set(states) != set(facts) or None in states.values():
        what = f"states of {len(states)} facts, not one of each of the {len(facts)} that are asked"
        raise Refusal("attack", f"{where}.states", what)


def _count(share: Figures) -> int:
    return round(share.low * share.n)


def _check_count(where: str, share: Figures, n: int) -> None:
    """A share of `n` facts, whichever of them."""
    if share.n != n:
        raise Refusal("attack", f"{where}.n", f"{share.n}, {n} facts are asked")
    _check_share(where, share, _count(share))


def _check_share(where: str, share: Figures, known: int) -> None:
    """A share of facts of which `known` leak, with the interval that belongs to it."""
    own = Figures.of(of_facts("share", {str(i): i < known for i in range(share.n)}))
    if any(getattr(share, name) != value for name, value in own):
        raise Refusal("attack", where, f"not the share and interval of {known} of {share.n} facts")


def _check_pooled(where: str, share: Figures, n: int) -> None:
    """A share of probes; its interval depends on which facts they belong to."""
    low, high = share.interval
    whole = share.n == n and abs(share.low * n - round(share.low * n)) < 1e-6
    if not (whole and not share.n_open and low <= share.low == share.high <= high):
        raise Refusal("attack", where, f"not a share of {n} probes")
