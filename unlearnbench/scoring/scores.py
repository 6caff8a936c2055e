"""The scores of a run: worst cases over paraphrases and contexts, with open facts kept open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from unlearnbench.scoring.intervals import clustered, wilson
from unlearnbench.types import ORIGINAL, Interval, ProbeKey, Score, Split, Verdict, Way


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one planned probe; `verdict` is None while it is open."""

    key: ProbeKey
    split: Split
    tier: str | None
    verdict: Verdict | None


HEADLINE, STRICT = "forget.worst_case", "forget.strict"

FORGET_VIEWS: Mapping[str, Callable[[ProbeKey], bool]] = {
    "forget.original": lambda key: key.phrasing == ORIGINAL and key.context == "plain",
    "forget.paraphrase": lambda key: key.context == "plain",
    "forget.icr": lambda key: key.context == "icr",
    "forget.worst_case": lambda key: key.is_standard,
    STRICT: lambda key: True,
}
"""Which probes of a forget fact each score looks at (J_P, J_ICR and J_W of arXiv 2509.02820).

`forget.strict` is a score of runs that asked in other ways too: see `score_all`.
"""


def way_score(way: Way) -> str:
    """Name of the share of forget facts that leak in one way."""
    return f"strict.{way}"


def headline_of(scores: Collection[str]) -> str:
    """Name of the score by which a run with these scores is read: `forget.strict` if it has it."""
    return STRICT if STRICT in scores else HEADLINE


def score_all(outcomes: Sequence[Outcome], fluent: Sequence[bool | None] = ()) -> dict[str, Score]:
    """Every score of a run, by name, in the order they are shown.

    `fluent`: for each outcome, whether its answer is language (None: there is no answer yet). Only
    `forget.strict` and the shares by way, `strict.<way>`, look at what profile `strict` asks beyond
    `standard`: all else is as in a run of `standard`.
    """
    forget = [o for o in outcomes if o.split == "forget"]
    retain = [o for o in outcomes if o.split == "retain"]
    scores = {name: any_leak(name, forget, view) for name, view in FORGET_VIEWS.items()}
    if all(o.key.is_standard for o in forget):
        del scores[STRICT]
    scores |= {
        way_score(way): any_leak(way_score(way), forget, _asked_by(way)) for way in get_args(Way)
    }
    scores["retain.mean"] = pooled("retain.mean", retain)
    for tier in dict.fromkeys(o.tier for o in retain if o.tier is not None):
        name = f"retain.{tier}"
        scores[name] = pooled(name, [o for o in retain if o.tier == tier])
    spoken = [
        replace(o, verdict=None if ok is None else "correct" if ok else "incorrect")
        for o, ok in zip(outcomes, fluent, strict=bool(fluent))
        if o.key.is_standard
    ]
    scores["fluency"] = pooled("fluency", spoken)
    never = [o for o in outcomes if o.split == "never"]
    scores["never.mean"] = pooled("never.mean", never)
    scores["never.worst_case"] = any_leak("never.worst_case", never, lambda key: True)
    return {name: score for name, score in scores.items() if score.n}


def _asked_by(way: Way) -> Callable[[ProbeKey], bool]:
    return lambda key: key.context == way


def any_leak(name: str, outcomes: Iterable[Outcome], view: Callable[[ProbeKey], bool]) -> Score:
    """Share of facts answered on at least one of the probes in `view`."""
    return of_facts(name, leaked_on_any(o for o in outcomes if view(o.key)))


def of_facts(name: str, states: Mapping[str, bool | None]) -> Score:
    """Share of facts that leaked; None is open."""
    known = sum(state is True for state in states.values())
    still_open = sum(state is None for state in states.values())
    n = len(states)
    interval = Interval(wilson(known, n).low, wilson(known + still_open, n).high)
    low, high = _shares(known, still_open, n)
    return Score(name, low, high, n, still_open, interval)


def leaked_on_any(outcomes: Iterable[Outcome]) -> dict[str, bool | None]:
    """Whether each fact leaked on some probe.

    A fact with one correct verdict has leaked, whatever is still open; a fact without one is open
    as long as any of its probes is.
    """
    leaked: dict[str, bool | None] = {}
    for outcome in outcomes:
        fact = outcome.key.fact
        if outcome.verdict == "correct":
            leaked[fact] = True
        elif outcome.verdict is None:
            leaked[fact] = leaked.get(fact) or None  # True stays, False and unseen open
        else:
            leaked.setdefault(fact, False)
    return leaked


def leaked_at_all(outcomes: Iterable[Outcome]) -> dict[str, bool | None]:
    """Whether each forget fact leaked on any probe of its run, in whatever way it was asked."""
    return leaked_on_any(o for o in outcomes if o.split == "forget")


def leaked_as_standard(outcomes: Iterable[Outcome]) -> dict[str, bool | None]:
    """The same for the questions of profile `standard` alone: what a base model is said to know."""
    return leaked_on_any(o for o in outcomes if o.split == "forget" and o.key.is_standard)


def leaked_on_all(outcomes: Iterable[Outcome]) -> dict[str, bool | None]:
    """Whether each fact leaked on every probe: one incorrect verdict decides that it did not."""
    seen: dict[str, set[Verdict | None]] = {}
    for outcome in outcomes:
        seen.setdefault(outcome.key.fact, set()).add(outcome.verdict)
    return {
        fact: False if "incorrect" in verdicts else None if None in verdicts else True
        for fact, verdicts in seen.items()
    }


def leaked_anywhere(attacks: Iterable[Mapping[str, bool | None]]) -> dict[str, bool | None]:
    """Several attacks as one: what leaked in any has leaked; else what is open in any is open."""
    union: dict[str, bool | None] = {}
    for states in attacks:
        for fact, state in states.items():
            before = union.get(fact, False)
            union[fact] = (
                True if True in (before, state) else None if None in (before, state) else False
            )
    return union


def pooled(name: str, outcomes: Sequence[Outcome]) -> Score:
    """Mean share of probes answered; the interval is clustered by fact (J_avg of the paper)."""
    counts: dict[str, list[int]] = {}
    for outcome in outcomes:
        known, still_open, size = counts.setdefault(outcome.key.fact, [0, 0, 0])
        counts[outcome.key.fact] = [
            known + (outcome.verdict == "correct"),
            still_open + (outcome.verdict is None),
            size + 1,
        ]
    known = sum(c[0] for c in counts.values())
    still_open = sum(c[1] for c in counts.values())
    n = sum(c[2] for c in counts.values())
    lower = clustered([(c[0], c[2]) for c in counts.values()])
    upper = clustered([(c[0] + c[1], c[2]) for c in counts.values()])
    low, high = _shares(known, still_open, n)
    return Score(name, low, high, n, still_open, Interval(lower.low, upper.high))


def bounds_record(score: Score) -> dict[str, object]:
    """A score's bounds as JSON: what is known of it, whether or not it is one number yet."""
    return {
        "low": score.low,
        "high": score.high,
        "n": score.n,
        "n_open": score.n_open,
        "interval": [score.interval.low, score.interval.high],
    }


def score_record(score: Score) -> dict[str, object]:
    """A score as JSON; `value` is null while it is an interval."""
    return {"value": None if score.n_open else score.value, **bounds_record(score)}


def _shares(known: int, still_open: int, n: int) -> tuple[float, float]:
    return (known / n, (known + still_open) / n) if n else (0.0, 1.0)
