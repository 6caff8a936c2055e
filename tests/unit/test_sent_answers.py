"""How many tokens a submitted answer may have."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from unlearnbench.submissions.journals import MOST_THOUGHTS, read_completions
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import ProbeKey

KEY = ProbeKey("a", "q", "plain", 0)


def read(n_tokens: int, thoughts: str) -> int:
    line = {**asdict(KEY), "text": "No", "finish_reason": "stop", "n_tokens": n_tokens}
    sent = [("answers:1", {**line, "thoughts": thoughts})]
    return read_completions(sent, [KEY], "answers", 50)[KEY].n_tokens


@pytest.mark.parametrize(("n", "thoughts"), [(50, ""), (51, "Hm"), (50 + MOST_THOUGHTS, "Hm")])
def test_thoughts_have_room_of_their_own(n: int, thoughts: str) -> None:
    assert read(n, thoughts) == n


@pytest.mark.parametrize(("n", "thoughts"), [(51, ""), (51 + MOST_THOUGHTS, "Hm")])
def test_too_many_tokens(n: int, thoughts: str) -> None:
    with pytest.raises(Refusal, match="were allowed"):
        read(n, thoughts)
