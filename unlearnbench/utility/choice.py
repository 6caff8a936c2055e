"""Multiple choice by the log-probabilities of the answers' letters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unlearnbench.scoring.intervals import clopper_pearson
from unlearnbench.types import Interval

LETTERS = "ABCD"


def chosen_letter(logprobs: Sequence[float]) -> str | None:
    """The letter with the highest log-probability; None if two share it.

    `logprobs` has shape (4,), ln p(" A" | prompt) … ln p(" D" | prompt) in nats, as in MMLU
    (Hendrycks et al. 2021, arXiv 2009.03300), where the model's answer is the most probable of the
    four letters after the prompt's "Answer:". A model that prefers none has chosen none: a tie is
    not right. Raises `ValueError` for NaN, which is a fault and no answer.
    """
    index = chosen_index(logprobs)
    return None if index is None else LETTERS[index]


def chosen_index(logprobs: Sequence[float]) -> int | None:
    """The place of the highest of any number of log-probabilities; see `chosen_letter`."""
    if any(map(math.isnan, logprobs)):
        raise ValueError("a letter's log-probability is NaN")
    best = max(logprobs)
    places = [place for place, value in enumerate(logprobs) if value == best]
    return places[0] if len(places) == 1 else None


def choice_accuracy(
    logprobs: Sequence[Sequence[float]], answers: Sequence[str]
) -> tuple[float, Interval]:
    """Share of questions whose chosen letter is right, with its exact 95 % interval.

    accuracy = (1/n) Σ [argmax_l ln p(l | question_i) = answer_i]; the interval is Clopper and
    Pearson's. Guessing gives 0.25. Raises `ValueError` without questions.
    """
    if not answers:
        raise ValueError("no questions")
    pairs = zip(logprobs, answers, strict=True)
    right = sum(chosen_letter(four) == answer for four, answer in pairs)
    return right / len(answers), clopper_pearson(right, len(answers))
