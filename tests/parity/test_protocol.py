"""The four headline scores against JensUn-Unlearning 9d0cfd5, from the same verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.values import stored
from unlearnbench.scoring.scores import Outcome, score_all
from unlearnbench.types import Context, ProbeKey, Split

OURS = {
    "J_P": "forget.paraphrase",
    "J_ICR": "forget.icr",
    "J_W": "forget.worst_case",
    "J_avg": "retain.mean",
}


def outcomes(case: Any, part: str, split: Split, context: Context) -> list[Outcome]:
    """A verdict for each wording of each fact: 1 is an answer that the judge calls right."""
    wordings = case["columns"][part]
    return [
        Outcome(
            ProbeKey(f"{split}-{number}", wording, context),
            split,
            None,
            "correct" if verdict == "1" else "incorrect",
        )
        for number, row in enumerate(case[part])
        for wording, verdict in zip(wordings, row, strict=True)
    ]


@pytest.mark.parametrize("name", ["sparse", "small"])
def test_worst_cases_and_mean(name: str) -> None:
    case = stored("protocol_verdicts")[name]
    given = [
        *outcomes(case, "forget_plain", "forget", "plain"),
        *outcomes(case, "forget_icr", "forget", "icr"),
        *outcomes(case, "retain", "retain", "plain"),
    ]
    scores = score_all(given)
    assert {key: scores[ours].value for key, ours in OURS.items()} == pytest.approx(case["theirs"])
