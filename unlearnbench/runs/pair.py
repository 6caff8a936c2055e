"""Two runs side by side: two judges on the same answers, or two checkpoints on one plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from unlearnbench.errors import RunError
from unlearnbench.runs.result import ProbeResult
from unlearnbench.runs.run import Run
from unlearnbench.scoring.agreement import cohen_kappa
from unlearnbench.scoring.paired import PairedDifference, paired_difference
from unlearnbench.scoring.scores import FORGET_VIEWS, headline_of
from unlearnbench.types import ProbeKey, Verdict


@dataclass(frozen=True, slots=True)
class Flip:
    """One answer on which the two runs' judges differ."""

    key: ProbeKey
    question: str
    answer: str
    response: str
    first: Verdict
    second: Verdict


@dataclass(frozen=True, slots=True)
class PairComparison:
    """`same_answers`: both runs judged the same texts, so that their judges can be compared.

    `kappa` and `flips` are over probes with equal answers and a verdict in both (`n_shared`);
    `differences` are by score; facts open in either run are in none of them (`n_open`).
    """

    same_answers: bool
    n_shared: int
    kappa: float | None
    flips: tuple[Flip, ...]
    differences: dict[str, PairedDifference]
    n_open: int


def compare_pair(first: Run, second: Run) -> PairComparison:
    """Compare two runs fact by fact. Raises `RunError` if they did not ask the same questions."""
    if {p.key for p in first.probes} != {p.key for p in second.probes}:
        raise RunError(
            f"{first.path} and {second.path} did not ask the same probes; compare runs of one "
            "benchmark, profile and limit"
        )
    others = {row.key: row for row in second.rows()}
    pairs = [(row, others[row.key]) for row in first.rows()]
    same = [(a, b) for a, b in pairs if a.response is not None and a.response == b.response]
    judged = [(a, b) for a, b in same if a.verdict and b.verdict]
    differences = dict(_differences(first, second))
    headline = differences.get(headline_of(differences))
    n_compared = 0
    if headline is not None:
        n_compared = headline.both + headline.neither
        n_compared += len(headline.first_only) + len(headline.second_only)
    return PairComparison(
        same_answers=len(same) == len(pairs),
        n_shared=len(judged),
        kappa=cohen_kappa([(a.verdict, b.verdict) for a, b in judged if a.verdict and b.verdict]),
        flips=tuple(_flips(judged)),
        differences=differences,
        n_open=len(first.leaks) - n_compared,
    )


def _flips(judged: Sequence[tuple[ProbeResult, ProbeResult]]) -> Iterator[Flip]:
    for a, b in judged:
        if a.verdict and b.verdict and a.verdict != b.verdict:
            response = a.response or ""
            yield Flip(a.key, a.question, a.answer, response, a.verdict, b.verdict)


def _differences(first: Run, second: Run) -> Iterator[tuple[str, PairedDifference]]:
    """Which facts leak in which run, by score, where both runs decide it."""
    for name, view in FORGET_VIEWS.items():
        if name not in first.scores:
            continue
        decided = [_decided(run, view) for run in (first, second)]
        common = [fact for fact in decided[0] if fact in decided[1]]
        if common:
            one, two = ({fact: some[fact] for fact in common} for some in decided)
            yield name, paired_difference(one, two)


def _decided(run: Run, view: Callable[[ProbeKey], bool]) -> dict[str, bool]:
    """Facts that leaked, or of which every probe in the view was judged incorrect."""
    states = {}
    for fact, verdicts in run.leaks.items():
        decisive = [v for key, v in verdicts.items() if view(key)]
        if decisive and ("correct" in decisive or None not in decisive):
            states[fact] = "correct" in decisive
    return states
