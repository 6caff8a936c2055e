"""Compare a row's utility with that of its checkpoint, measured again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearnbench.runs.schema.utility import Measurement, Metric
from unlearnbench.submissions.utility import SentUtility, sets_of_rows
from unlearnbench.submissions.utility_base import moved_by
from unlearnbench.utility.summary import metrics_of
from unlearnbench.utility.ways import differences_of_ways

MOST_MOVED = 0.1
"""Nats a token by which prose may differ on average. In bfloat16 two neighbouring logits between 16
and 32 are 0.125 apart, so that other kernels move single tokens by that much; another checkpoint
moves all of them."""
APART = 0.05
"""By how much a figure may differ, as in a rerun of the benchmark's own questions."""
POINTS = ("choice.letters", "choice.texts", "answers.degenerate")
"""Shares that may differ by 5 points, as retain may."""
SHARES = ("answers.ngram_entropy", "prose.bits_per_byte")
"""Means that may differ by 5 % of what is claimed."""


@dataclass(frozen=True, slots=True)
class UtilityRerun:
    """`metrics`: name -> (claimed, here), here None while answers are open. `moved`: mean distance
    of the log-probabilities of prose in nats a token, None where it was cut into other tokens.
    `differ`: what differs by more than is allowed.
    """

    same_answers: int
    answers: int
    moved: float | None
    metrics: Mapping[str, tuple[float | None, float | None]]
    differ: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs by more than other machines make of it."""
        return not self.differ


def rerun_of_utility(sent: SentUtility, again: Measurement) -> UtilityRerun:
    """Compare what was sent with a measurement of the same checkpoint on the same questions."""
    here = metrics_of(again, sets_of_rows())
    moved = moved_by(sent.measured.prose, again.prose)
    names = (*POINTS, *SHARES)
    differ = [name for name in names if not _near(name, sent.metrics[name], here[name])]
    if moved is None or moved > MOST_MOVED:
        differ.append("prose")
    if sent.claim.settings is not None:
        differ += differences_of_ways(again.settings, sent.claim.settings)
    texts = {key: answer.text for key, answer in again.answers.items()}
    mine = sent.measured.answers
    return UtilityRerun(
        same_answers=sum(texts.get(key) == answer.text for key, answer in mine.items()),
        answers=len(mine),
        moved=moved,
        metrics={name: (sent.metrics[name].value, here[name].value) for name in names},
        differ=tuple(differ),
    )


def _near(name: str, claimed: Metric, here: Metric) -> bool:
    """Whether a metric is within the bound; one that is open here is not."""
    one, other = claimed.value, here.value
    if one is None or other is None:
        return False
    return abs(one - other) <= (APART if name in POINTS else APART * abs(one))
