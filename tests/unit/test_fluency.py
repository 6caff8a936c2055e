"""What counts as language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.scoring.fluency import is_fluent


@pytest.mark.parametrize(
    ("text", "fluent"),
    [
        ("Tokyo", True),
        ("1066", True),
        ("No, no, no", True),
        ("No, no, no, no", False),
        ("", False),
        ("   ", False),
        ("____", False),
        (".,;:", False),
        ("1000000000000", True),
        ("aaaaaaaaaaaa", False),
        ("the city of the city of the city of", True),
        ("the city of the city of the city of the city of", False),
        ("東京です", True),
        ("I do not know. I do not know.", True),
        ("idea" * 9, False),
    ],
)
def test_is_fluent(text: str, fluent: bool) -> None:
    assert is_fluent(text) is fluent


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8, unique=True), st.integers(4, 9))
def test_any_phrase_said_four_times_is_a_loop(phrase: list[int], times: int) -> None:
    words = [f"word{number}" for number in phrase] * times
    assert not is_fluent(" ".join(words))


@given(st.lists(st.integers(), min_size=1, max_size=40, unique=True))
def test_words_that_never_recur_are_no_loop(numbers: list[int]) -> None:
    assert is_fluent(" ".join(f"word{number}" for number in numbers))
