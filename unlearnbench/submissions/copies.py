"""Which rows give the answers of another row, whatever case, spaces and signs were changed.

Two honest checkpoints of one base share many answers: the base's own, and a refusal. So answers are
compared twice: all of them, and a row's *own* ones, which are neither its base's nor frequent.
Rows of `standard` and `strict` are compared by the probes that both were asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from unlearnbench.runs.run import Run
from unlearnbench.scoring.answers import cut_answer
from unlearnbench.submissions.fields import ClaimedMoment
from unlearnbench.submissions.journals import SentLines, read_answers
from unlearnbench.submissions.people import same_person
from unlearnbench.types import Completion, ProbeKey

SHARED = 0.98
"""Share of equal answers at which one of two rows is a copy. Highest between two rows of this
repository: 0.81."""
SHARED_OWN = 0.75
"""The same of a row's own answers; highest between two rows of this repository: 0.35."""
LEAST_OWN = 20
"""Own answers that are needed for such a share."""
FREQUENT = 5
"""An answer that a row gives more often is a phrase of its checkpoint, such as a refusal."""

_SIGNS = re.compile(r"[\W_]+")

Hashes = NDArray[np.uint32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RowAnswers:
    """A row's answers, each as a number, those to `standard`'s probes first; `own` marks its own.

    `standard`: how many of them profile `standard` asks for.
    """

    hashes: Hashes
    own: Mask
    standard: int

    def until(self, n: int) -> RowAnswers:
        """The first `n` answers."""
        return RowAnswers(self.hashes[:n], self.own[:n], self.standard)


@dataclass(frozen=True)
class Fingerprinted:
    """A row that is compared: its answers, and what says whose they are and since when."""

    id: str
    benchmark: str
    checkpoint: str
    submitter: str
    created: ClaimedMoment
    answers: RowAnswers


def plain_answer(text: str) -> str:
    """The answer before any invented question: letters and digits alone, whatever their case, width
    and accents.
    """
    folded = unicodedata.normalize("NFKD", cut_answer(text)).casefold()
    return _SIGNS.sub("", folded)


def answers_of(texts: Mapping[ProbeKey, str], base: Mapping[ProbeKey, str]) -> RowAnswers:
    """The answers of a row's probes, compared with those of its base."""
    keys = sorted(texts, key=lambda key: (not key.is_standard, str(key)))
    counts = Counter(texts.values())
    own = [texts[key] != base.get(key) and counts[texts[key]] <= FREQUENT for key in keys]
    numbers = [_number(texts[key]) for key in keys]
    standard = sum(key.is_standard for key in keys)
    return RowAnswers(np.array(numbers, dtype=np.uint32), np.array(own, dtype=np.bool_), standard)


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


def texts_of(run: Run) -> Mapping[ProbeKey, str]:
    """The plain answers of a run by probe."""
    return {
        key: plain_answer(result.text)
        for key, result in run.completions.items()
        if isinstance(result, Completion)
    }


def answer_texts(lines: SentLines) -> Mapping[ProbeKey, str]:
    """The plain answers in the lines of a submitted run, by probe. Raises `Refusal`."""
    return {row.key: plain_answer(row.text) for _, row in read_answers(lines)}


def is_copy(one: RowAnswers, other: RowAnswers) -> bool:
    """Whether two rows have the same answers, or the same own ones, to what both were asked."""
    if len(one.hashes) != len(other.hashes):
        one, other = one.until(one.standard), other.until(other.standard)
    same = one.hashes == other.hashes
    if same.mean() >= SHARED:
        return True
    for answers in (one, other):
        n_own = int(answers.own.sum())
        if n_own >= LEAST_OWN and same[answers.own].mean() >= SHARED_OWN:
            return True
    return False


def copied(rows: Sequence[Fingerprinted]) -> Iterator[tuple[Fingerprinted, Fingerprinted]]:
    """(copy, original) for each row that gives the answers of an earlier one.

    A checkpoint that its own submitter sends twice is no copy.
    """
    groups: dict[tuple[str, int], list[Fingerprinted]] = {}
    for row in rows:
        if row.answers.standard:
            groups.setdefault((row.benchmark, row.answers.standard), []).append(row)
    for group in groups.values():
        ordered = sorted(group, key=lambda row: (row.created, row.id))
        for earlier, later in _candidates(ordered):
            if _different(earlier, later) and is_copy(earlier.answers, later.answers):
                yield later, earlier


def _different(one: Fingerprinted, other: Fingerprinted) -> bool:
    return one.checkpoint != other.checkpoint or not same_person(one.submitter, other.submitter)


SAMPLED = 256
"""Probes by which candidates are found among many rows."""
_FEW = 50


def _candidates(
    rows: Sequence[Fingerprinted],
) -> Iterator[tuple[Fingerprinted, Fingerprinted]]:
    """Pairs worth comparing, the earlier row first: all of a few rows, else those that agree on a
    sample of probes almost as often as a copy would.
    """
    few = len(rows) <= _FEW
    sample = _sample(rows[0].answers.standard)
    table = np.stack([row.answers.hashes[sample] for row in rows])
    own = np.stack([row.answers.own[sample] for row in rows])
    for number, row in enumerate(rows[1:], start=1):
        same = table[:number] == table[number]
        worth = few | (same.mean(axis=1) >= SHARED - 0.1)
        worth |= _own_share(same, own[:number]) >= SHARED_OWN - 0.25
        worth |= _own_share(same, own[number][None]) >= SHARED_OWN - 0.25
        yield from ((rows[int(i)], row) for i in np.flatnonzero(worth))


def _sample(n: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).permutation(n)[:SAMPLED]


def _own_share(same: Mask, own: Mask) -> NDArray[np.float64]:
    n_own = own.sum(axis=1)
    share: NDArray[np.float64] = (same & own).sum(axis=1) / np.maximum(n_own, 1)
    return share
