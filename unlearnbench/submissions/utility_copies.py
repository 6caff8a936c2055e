"""Which rows hold the utility of another checkpoint, as `copies` finds rows that hold its answers.

Other weights move every log-probability, if only a little, so that equal numbers of two checkpoints
are copied. Of answers only a row's own ones are compared: two that have hardly moved write as their
base does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from unlearnbench.submissions.copies import (
    LEAST_OWN,
    SHARED_OWN,
    Fingerprinted,
    RowAnswers,
    hashed,
    plain_answer,
)
from unlearnbench.submissions.utility import SentUtility
from unlearnbench.submissions.utility_base import EQUAL, MOST_EQUAL

Sums = NDArray[np.float64]


@dataclass(frozen=True)
class UtilityPrint:
    """What is compared of a row's utility: the sum of each row of numbers, in nats, by kind.

    A sum is the same in whatever order letters were dealt out. `answers` are those to instructions.
    """

    letters: Sums
    choices: Sums
    prose: Sums
    answers: RowAnswers


def utility_print(row: SentUtility | None, base: SentUtility | None) -> UtilityPrint | None:
    """What a row's utility is compared by; None if none was sent."""
    if row is None:
        return None
    mine = row.measured
    texts, of_base = (_plain(side) for side in (row, base))
    return UtilityPrint(
        letters=_sums(mine.letters),
        choices=_sums(mine.choices),
        prose=_sums(mine.prose),
        answers=hashed(sorted(texts), texts, of_base, standard=0),
    )


def _plain(side: SentUtility | None) -> dict[str, str]:
    answers = {} if side is None else side.claim.answers
    return {key: plain_answer(text) for key, text in answers.items()}


def _sums(rows: Mapping[str, Sequence[float]]) -> Sums:
    """The sum of each row, in the order of the ids."""
    return np.array([fsum(rows[key]) for key in sorted(rows)], dtype=np.float64)


def copied_utility(rows: Sequence[Fingerprinted]) -> Iterator[tuple[Fingerprinted, Fingerprinted]]:
    """(copy, original) for each row that holds the utility of an earlier one's checkpoint.

    One checkpoint on two benchmarks has one utility; its rows are no copies of each other.
    """
    measured = sorted(
        (row for row in rows if row.utility is not None), key=lambda row: (row.created, row.id)
    )
    for number, later in enumerate(measured):
        for earlier in measured[:number]:
            assert earlier.utility is not None and later.utility is not None
            if earlier.checkpoint != later.checkpoint and _is_copy(earlier.utility, later.utility):
                yield later, earlier


def _is_copy(one: UtilityPrint, other: UtilityPrint) -> bool:
    pairs = (
        (one.letters, other.letters),
        (one.choices, other.choices),
        (one.prose, other.prose),
    )
    if any(_share_equal(mine, theirs) > MOST_EQUAL for mine, theirs in pairs):
        return True
    return _same_own_answers(one.answers, other.answers)


def _share_equal(mine: Sums, theirs: Sums) -> float:
    if mine.shape != theirs.shape or not mine.size:
        return 0.0
    return float((np.abs(mine - theirs) <= EQUAL).mean())


def _same_own_answers(one: RowAnswers, other: RowAnswers) -> bool:
    if one.hashes.shape != other.hashes.shape:
        return False
    same = one.hashes == other.hashes
    return any(
        int(answers.own.sum()) >= LEAST_OWN and same[answers.own].mean() >= SHARED_OWN
        for answers in (one, other)
    )
