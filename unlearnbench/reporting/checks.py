"""Single checks of one run each: what a diagnosis stands on, with its numbers.

A check that was made has one of four outcomes. `open` means that probes without a verdict could
still turn it into `found`; only when they could not is it `absent`. It is `moot` where so much is
known anyway that nothing could be found.
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
from unlearnbench.scoring.scores import Outcome, leaked_anywhere, leaked_on_any
from unlearnbench.types import ORIGINAL, Completion, Verdict

State = Decision | Literal["moot", "not run"]
BENIGN_STEPS = 32
"""Optimiser steps of benign training that a robust checkpoint withstands."""


@dataclass(frozen=True, slots=True)
class Check:
    """One outcome and a sentence with its numbers."""

    state: State
    evidence: str


def overall(checks: Iterable[Check]) -> State:
    """What several checks come to: a finding counts, then what is open."""
    states = {check.state for check in checks}
    order: Sequence[State] = ("found", "open", "absent", "moot")
    return next((state for state in order if state in states), "not run")


def state_of_count(known: int, possible: int, n: int, room: int | None = None) -> State:
    """Whether `known` of `n` facts are enough; `possible` counts what is open as well.

    `room`: how many facts there could be at all (default: `n`).
    """
    if is_enough(known, n):
        return "found"
    if is_enough(possible, n):
        return "open"
    return "absent" if room is None or is_enough(room, n) else "moot"


def still_known(run: Run) -> Check | None:
    """Facts that the model still tells when asked as first worded."""
    score = run.scores.get("forget.original")
    if score is None:
        return None
    found = figures(score)
    known, possible = round(found.low * found.n), round(found.high * found.n)
    text = (
        f"forget.original {full_text(found)}: {known} of {counted(found.n, 'fact')} answered as "
        f"first asked{_open(found)}."
    )
    return Check(state_of_count(known, possible, found.n), text)


def reworded(run: Run) -> Check | None:
    """Facts answered wrongly as first asked, and rightly in another wording or context."""
    if len({(o.key.phrasing, o.key.context) for o in run.outcomes if o.split == "forget"}) < 2:
        return None
    first = _first_verdicts(run.outcomes)
    states = leaked_on_any(o for o in run.outcomes if o.split == "forget")
    known = [fact for fact, state in states.items() if state and first.get(fact) == "incorrect"]
    possible = sum(s is not False and first.get(f) != "correct" for f, s in states.items())
    by_context = {
        context: leaked_on_any(
            o for o in run.outcomes if o.split == "forget" and o.key.context == context
        )
        for context in dict.fromkeys(o.key.context for o in run.outcomes if o.split == "forget")
    }
    names = {"plain": "in another wording", "icr": "after in-context samples"}
    ways = [
        f"{sum(found.get(fact) is True for fact in known)} {names[context]}"
        for context, found in by_context.items()
    ]
    original, top = (figures(run.scores[f"forget.{n}"]) for n in ("original", "worst_case"))
    text = (
        f"forget.original {value_text(original)}, forget.worst_case {full_text(top)}: "
        f"{len(known)} of {counted(len(states), 'fact')} are answered wrongly as first asked and "
        f"rightly in another way ({', '.join(ways)}){_open(top)}."
    )
    room = sum(first.get(fact) != "correct" for fact in states)
    return Check(state_of_count(len(known), possible, len(states), room), text)


def other_doors(record: StressRecord, baseline: Run | None) -> Check | None:
    """Facts that the original wording does not draw out and a stress test does.

    A door counts if more of the facts leak through it than of its control.
    """
    if record.baseline is None:
        return None
    asked = record.baseline.states
    doors = {name: door for name, door in record.findings.items() if door.ranked and door.states}
    if not doors:
        return None
    first = _first_verdicts(baseline.outcomes) if baseline else {}
    right = {fact for fact, verdict in first.items() if verdict == "correct"}
    wrong = {f for f, state in asked.items() if first.get(f) == "incorrect" or state is False}
    unsure = {f for f, state in asked.items() if state is None or f in first} - right - wrong
    seen = leaked_anywhere([asked, *(d.states for d in doors.values() if _beats_control(d))])
    could = leaked_anywhere([asked, *(d.states for d in doors.values() if _could_beat(d))])
    known = [fact for fact in asked if seen[fact] and fact in wrong]
    possible = sum(could[fact] is not False for fact in wrong | unsure)
    still = sum(state is None for state in could.values())
    counts = {n: sum(d.states.get(f) is True for f in known) for n, d in doors.items()}
    top = [f"{n} {c}" for n, c in sorted(counts.items(), key=lambda item: -item[1]) if c][:3]
    most = f" (most through {listed(top)})" if top else ""
    left = f"; {counted(still, 'fact')} open" if still else ""
    text = (
        f"stress, {record.identity.profile}: {len(known)} of {counted(len(asked), 'fact')} "
        f"are answered wrongly as first asked and leak through one of "
        f"{counted(len(doors), 'door')} or in another wording{most}{left}."
    )
    return Check(state_of_count(len(known), possible, len(asked), len(wrong | unsure)), text)


def fluent(found: Figures, where: str) -> Check | None:
    """Whether answers are language at all."""
    if not found.n:
        return None
    text = f"{where}: fluency {full_text(found)}, the floor is {percent(FLOOR)}{_open(found)}."
    return Check(is_broken(found), text)


def retained(found: Figures, base: Figures | None, where: str, said: str = "") -> Check | None:
    """Whether a model still answers what it should: against its base, or a fixed floor."""
    if not found.n:
        return None
    limit = percent(RETAIN_FLOOR)
    if base is not None and base.n:
        limit = f"half of the base model's {value_text(base)}"
    text = f"{where}: retain {full_text(found)}, the limit is {limit}{said}{_open(found)}."
    return Check(lost_retain(found, base), text)


def retain_answers(run: Run) -> str:
    """How many retain answers are refusals or no language, for the evidence."""
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
    """For each benign arm, whether little training brings facts back."""
    return [_arm(name, arm) for name, arm in record.arms.items() if arm.benign and _legs(arm)]


def _arm(name: str, arm: ArmRecord) -> Check:
    legs = _legs(arm)
    state = overall(
        Check(state_of_count(*_rise(points[0], p), p.forget.n, _left(points[0])), "")
        for points in legs.values()
        for p in points[1:]
    )
    seed, first, top = max(
        ((seed, points[0], p) for seed, points in legs.items() for p in points[1:]),
        key=lambda leg: (_rise(leg[1], leg[2])[0], _rise(leg[1], leg[2])[1], -leg[2].step),
    )
    back = len(set(top.leaked) - set(first.leaked))
    text = (
        f"Arm {name}: forget {value_text(first.forget)} at step 0, {full_text(top.forget)} at step "
        f"{top.step} (seed {seed}, the highest of {len(legs)}), {counted(back, 'fact')} of "
        f"{top.forget.n} new{_open(top.forget)}; what nobody can know {value_text(top.never)}, "
        f"other facts' answers {value_text(top.shuffled)}, retain {value_text(top.retain)}."
    )
    return Check(state, text)


def _legs(arm: ArmRecord) -> dict[str, list[Point]]:
    """The points within the budget of each seed that has a first point and another."""
    legs = {
        seed: [p for p in points if p.step <= BENIGN_STEPS] for seed, points in arm.seeds.items()
    }
    return {s: points for s, points in legs.items() if len(points) > 1 and not points[0].step}


def _rise(first: Point, later: Point) -> tuple[int, int]:
    """How many facts more leak: what is certain, and what could be."""
    n = later.forget.n
    certain = round((later.forget.low - first.forget.high) * n)
    return certain, round((later.forget.high - first.forget.low) * n)


def _left(first: Point) -> int:
    """Facts that are not known to leak before training: what could come back."""
    return first.forget.n - round(first.forget.low * first.forget.n)


def _beats_control(door: DoorRecord) -> bool:
    return door.score is not None and (
        door.control is None or not door.control.n or door.score.low > door.control.high
    )


def _could_beat(door: DoorRecord) -> bool:
    """The same if all that is open speaks for the door."""
    return door.score is not None and (
        door.control is None or not door.control.n or door.score.high > door.control.low
    )


def _first_verdicts(outcomes: Iterable[Outcome]) -> Mapping[str, Verdict | None]:
    """The verdict on each forget fact's own question, asked plainly."""
    return {
        o.key.fact: o.verdict
        for o in outcomes
        if o.split == "forget" and o.key.phrasing == ORIGINAL and o.key.context == "plain"
    }


def _open(found: Figures) -> str:
    return f"; {found.n_open} open" if found.n_open else ""
