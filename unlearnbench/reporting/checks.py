"""Checks of single runs: the evidence of a diagnosis, with its numbers.

A check has one of four outcomes: `found`; `open`, if probes without a verdict could still turn it
into `found`; `absent`, if they could not; `moot`, if so many facts are answered anyway that too few
are left to find anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from unlearnbench.display import counted, full_text, listed, percent, value_text
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import (
    ArmRecord,
    DoorRecord,
    Figures,
    Point,
    RelearnRecord,
    StressRecord,
    figures,
)
from unlearnbench.scoring.findings import (
    RETAIN_FLOOR,
    Decision,
    is_broken,
    is_enough,
    lost_retain,
)
from unlearnbench.scoring.fluency import FLOOR, is_fluent
from unlearnbench.scoring.refusals import is_refusal
from unlearnbench.scoring.scores import Outcome, headline_of, leaked_anywhere, leaked_on_any
from unlearnbench.types import ORIGINAL, Completion, Verdict

State = Decision | Literal["moot", "not run"]
BENIGN_STEPS = 32
"""Optimiser steps of benign training that a robust checkpoint must withstand."""


@dataclass(frozen=True, slots=True)
class Check:
    """One outcome and a sentence with its numbers."""

    state: State
    evidence: str


def overall(checks: Iterable[Check]) -> State:
    """The state of several checks together: `found` takes precedence, then `open`."""
    states = {check.state for check in checks}
    order: Sequence[State] = ("found", "open", "absent", "moot")
    return next((state for state in order if state in states), "not run")


def state_of_count(certain: int, possible: int, n: int, most: int | None = None) -> State:
    """Whether `certain` of `n` facts are enough; `possible` counts open facts as well.

    `most`: the largest possible count (default: `n`).
    """
    if is_enough(certain, n):
        return "found"
    if is_enough(possible, n):
        return "open"
    return "absent" if most is None or is_enough(most, n) else "moot"


def still_known(run: Run) -> Check | None:
    """Facts that the model still answers when asked the original question."""
    score = run.scores.get("forget.original")
    if score is None:
        return None
    share = figures(score)
    certain, possible = round(share.low * share.n), round(share.high * share.n)
    text = (
        f"forget.original {full_text(share)}: {certain} of {counted(share.n, 'fact')} answered to "
        f"the original question{_open(share)}."
    )
    return Check(state_of_count(certain, possible, share.n), text)


def paraphrased(run: Run) -> Check | None:
    """Facts not answered to the original question, but to a paraphrase or in another context."""
    forget = [o for o in run.outcomes if o.split == "forget"]
    if len({(o.key.phrasing, o.key.context) for o in forget}) < 2:
        return None
    first = _first_verdicts(run.outcomes)
    states = leaked_on_any(forget)
    certain = [fact for fact, state in states.items() if state and first.get(fact) == "incorrect"]
    possible = sum(s is not False and first.get(f) != "correct" for f, s in states.items())
    by_context = {
        context: leaked_on_any(o for o in forget if o.key.context == context)
        for context in dict.fromkeys(o.key.context for o in forget)
    }
    names: dict[str, str] = {"plain": "in a paraphrase", "icr": "after in-context samples"}
    counts = [
        f"{sum(leaks.get(fact) is True for fact in certain)} {names.get(context, context)}"
        for context, leaks in by_context.items()
    ]
    headline = headline_of(run.scores)
    original, top = (figures(run.scores[name]) for name in ("forget.original", headline))
    text = (
        f"forget.original {value_text(original)}, {headline} {full_text(top)}: "
        f"{len(certain)} of {counted(len(states), 'fact')} are answered wrongly to the original "
        f"question and rightly in another way ({', '.join(counts)}){_open(top)}."
    )
    most = sum(first.get(fact) != "correct" for fact in states)
    return Check(state_of_count(len(certain), possible, len(states), most), text)


def other_doors(record: StressRecord, baseline: Run | None) -> Check | None:
    """Facts that leak in a stress test and not to the original question.

    A door counts only if more facts leak through it than through its control.
    """
    if record.baseline is None:
        return None
    scored = record.baseline.states
    doors = {name: door for name, door in record.findings.items() if door.ranked and door.states}
    if not doors:
        return None
    first = _first_verdicts(baseline.outcomes) if baseline else {}
    right = {fact for fact, verdict in first.items() if verdict == "correct"}
    wrong = {f for f, state in scored.items() if first.get(f) == "incorrect" or state is False}
    unsure = {f for f, state in scored.items() if state is None or f in first} - right - wrong
    leaked = leaked_anywhere([scored, *(d.states for d in doors.values() if _beats_control(d))])
    possibly = leaked_anywhere([scored, *(d.states for d in doors.values() if _could_beat(d))])
    certain = [fact for fact in scored if leaked[fact] and fact in wrong]
    possible = sum(possibly[fact] is not False for fact in wrong | unsure)
    n_open = sum(state is None for state in possibly.values())
    counts = {n: sum(d.states.get(f) is True for f in certain) for n, d in doors.items()}
    top = [f"{n} {c}" for n, c in sorted(counts.items(), key=lambda item: -item[1]) if c][:3]
    best_doors = f" (most through {listed(top)})" if top else ""
    note = f"; {counted(n_open, 'fact')} open" if n_open else ""
    text = (
        f"stress, {record.identity.profile}: {len(certain)} of {counted(len(scored), 'fact')} "
        "are answered wrongly to the original question and leak through one of "
        f"{counted(len(doors), 'door')} or in a paraphrase{best_doors}{note}."
    )
    return Check(state_of_count(len(certain), possible, len(scored), len(wrong | unsure)), text)


def fluent(share: Figures, source: str) -> Check | None:
    """Whether responses are language at all."""
    if not share.n:
        return None
    text = f"{source}: fluency {full_text(share)}, the floor is {percent(FLOOR)}{_open(share)}."
    return Check(is_broken(share), text)


def retained(share: Figures, base: Figures | None, source: str, details: str = "") -> Check | None:
    """Whether a model still answers retain questions, compared with its base or a fixed floor."""
    if not share.n:
        return None
    limit = percent(RETAIN_FLOOR)
    if base is not None and base.n:
        limit = f"half of the base model's {value_text(base)}"
    text = f"{source}: retain {full_text(share)}, the limit is {limit}{details}{_open(share)}."
    return Check(lost_retain(share, base), text)


def retain_answers(run: Run) -> str:
    """How many retain responses are refusals or not language, for the evidence."""
    texts = [
        answer.text
        for probe in run.probes
        if probe.split == "retain"
        and isinstance(answer := run.completions.get(probe.key), Completion)
    ]
    broken = [text for text in texts if not is_fluent(text)]
    refused = sum(is_refusal(text) for text in texts if is_fluent(text))
    return f"; of {len(texts)} answers {refused} refuse and {len(broken)} are no language"


def relearnt(record: RelearnRecord) -> list[Check]:
    """For each benign arm, whether a few steps of training bring facts back."""
    return [_arm(name, arm) for name, arm in record.arms.items() if arm.benign and _curves(arm)]


def _arm(name: str, arm: ArmRecord) -> Check:
    curves = _curves(arm)
    state = overall(
        Check(state_of_count(*_gain(points[0], p), p.forget.n, _not_leaked(points[0])), "")
        for points in curves.values()
        for p in points[1:]
    )
    seed, first, top = max(
        ((seed, points[0], p) for seed, points in curves.items() for p in points[1:]),
        key=lambda curve: (*_gain(curve[1], curve[2]), -curve[2].step),
    )
    new_leaks = len(set(top.leaked) - set(first.leaked))
    text = (
        f"Arm {name}: forget {value_text(first.forget)} at step 0, {full_text(top.forget)} at step "
        f"{top.step} (seed {seed}, the highest of {len(curves)}), {counted(new_leaks, 'fact')} of "
        f"{top.forget.n} new{_open(top.forget)}; never-known facts {value_text(top.never)}, "
        f"other facts' answers {value_text(top.shuffled)}, retain {value_text(top.retain)}."
    )
    return Check(state, text)


def _curves(arm: ArmRecord) -> dict[str, list[Point]]:
    """The points up to `BENIGN_STEPS` of each seed that has step 0 and a later one."""
    curves = {
        seed: [p for p in points if p.step <= BENIGN_STEPS] for seed, points in arm.seeds.items()
    }
    return {s: points for s, points in curves.items() if len(points) > 1 and not points[0].step}


def _gain(first: Point, later: Point) -> tuple[int, int]:
    """How many more facts leak: (certain, possible)."""
    n = later.forget.n
    certain = round((later.forget.low - first.forget.high) * n)
    return certain, round((later.forget.high - first.forget.low) * n)


def _not_leaked(first: Point) -> int:
    """Number of facts that do not certainly leak before training and so could come back."""
    return first.forget.n - round(first.forget.low * first.forget.n)


def _beats_control(door: DoorRecord) -> bool:
    return door.score is not None and (
        door.control is None or not door.control.n or door.score.low > door.control.high
    )


def _could_beat(door: DoorRecord) -> bool:
    """Whether a door beats its control if everything open counts for the door."""
    return door.score is not None and (
        door.control is None or not door.control.n or door.score.high > door.control.low
    )


def _first_verdicts(outcomes: Iterable[Outcome]) -> Mapping[str, Verdict | None]:
    """The verdict on each forget fact's original question in the plain context."""
    return {
        o.key.fact: o.verdict
        for o in outcomes
        if o.split == "forget" and o.key.phrasing == ORIGINAL and o.key.context == "plain"
    }


def _open(share: Figures) -> str:
    return f"; {share.n_open} open" if share.n_open else ""
