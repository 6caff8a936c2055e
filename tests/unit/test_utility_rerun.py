"""Utility that is measured again: the same agrees, and what a forger gained does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.forgeries.utility import swapped
from tests.made_utility import Made, measurement, record
from unlearnbench.errors import SubmissionError
from unlearnbench.runs.schema.utility import Measurement, StoredAnswer
from unlearnbench.submissions.utility import SentUtility, read_utility_claim, utility_fields
from unlearnbench.submissions.utility_claim import UtilityClaim
from unlearnbench.submissions.utility_rerun import rerun_of_utility

OWN = Made("own", choices=0.3)
PRINT = "a" * 64


def sent(change: Callable[[Any], object] = lambda fields: None) -> SentUtility:
    """A row's utility; a forger's after a change."""
    fields = utility_fields(record(OWN, PRINT))
    change(fields)
    claim = UtilityClaim.model_validate(fields)
    derived = utility_fields(record(OWN, PRINT).model_copy(update={"model": claim.measured}))
    fields["metrics"] = derived["metrics"]
    data = UtilityClaim.model_validate(fields).model_dump_json().encode()
    read = read_utility_claim({"utility.json": data})
    assert read is not None
    return read


def test_the_same_measurement_agrees() -> None:
    found = rerun_of_utility(sent(), measurement(OWN, PRINT))
    assert (found.agrees, found.same_answers, found.answers, found.moved) == (True, 108, 108, 0.0)


def shifted(by: float) -> Measurement:
    """The row's measurement with prose moved by so many nats a token."""
    own = measurement(OWN, PRINT)
    prose = {key: tuple(value - by for value in row) for key, row in own.prose.items()}
    return own.model_copy(update={"prose": prose})


@pytest.mark.parametrize(("by", "differ"), [(0.05, ()), (0.11, ("prose",))])
def test_prose_may_move_a_little(by: float, differ: tuple[str, ...]) -> None:
    found = rerun_of_utility(sent(), shifted(by))
    assert found.moved == pytest.approx(by)
    assert found.differ == differ


def test_swapped_letters_differ() -> None:
    assert rerun_of_utility(sent(swapped), measurement(OWN, PRINT)).differ == ("choice.letters",)


def test_answers_written_anew_differ() -> None:
    evasive = measurement(Made("own", choices=0.3, answers=0.5), PRINT)
    found = rerun_of_utility(sent(), evasive)
    assert found.differ == ("answers.degenerate", "answers.ngram_entropy", "prose")
    assert found.same_answers == 54


def test_open_answers_are_no_agreement() -> None:
    own = measurement(OWN, PRINT)
    first = next(iter(own.answers))
    answers = {**own.answers, first: StoredAnswer(text=None, fault="crashed")}
    found = rerun_of_utility(sent(), own.model_copy(update={"answers": answers}))
    assert not found.agrees
    assert found.metrics["answers.ngram_entropy"][1] is None


def test_other_tokens_are_no_agreement() -> None:
    own = measurement(OWN, PRINT)
    prose = {key: (*row, -math.log(2)) for key, row in own.prose.items()}
    found = rerun_of_utility(sent(), own.model_copy(update={"prose": prose}))
    assert (found.moved, found.agrees) == (None, False)


def test_a_record_that_was_changed_by_hand_is_not_sent() -> None:
    whole = record(OWN, PRINT)
    first, *others = whole.model.letters
    for letters, words in (
        ({key: whole.model.letters[key] for key in others}, f"'{first}': missing"),
        ({**whole.model.letters, first: (math.nan,) * 4}, "NaN; measure it again"),
    ):
        model = whole.model.model_copy(update={"letters": letters})
        with pytest.raises(SubmissionError, match=words):
            utility_fields(whole.model_copy(update={"model": model}))
