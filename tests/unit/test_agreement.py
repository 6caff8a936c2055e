"""Agreement, correction and paired comparison against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.judging.jury import decide_votes
from unlearnbench.scoring.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from unlearnbench.scoring.correction import JudgeAccuracy, corrected_rate
from unlearnbench.scoring.paired import mcnemar_exact, paired_difference
from unlearnbench.types import Verdict

C: Verdict = "correct"
I: Verdict = "incorrect"  # noqa: E741


def test_cohen_kappa_by_hand() -> None:
    # 20 both yes, 5 and 10 split, 15 both no (a textbook table): p_o = .7, p_e = .5, kappa = .4
    pairs = [(C, C)] * 20 + [(C, I)] * 5 + [(I, C)] * 10 + [(I, I)] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([]) is None
    assert cohen_kappa([(C, C)] * 3) is None


def test_fleiss_kappa_by_hand() -> None:
    # Two raters, four items: agree on C, agree on I, split, agree on C.
    # p_o = 3/4; shares C = 5/8, I = 3/8; p_e = 34/64; kappa = (48 - 34) / (64 - 34)
    items = [{"a": C, "b": C}, {"a": I, "b": I}, {"a": C, "b": I}, {"a": C, "b": C}]
    assert fleiss_kappa(items) == pytest.approx(14 / 30)
    assert fleiss_kappa([*items, {"a": C}]) == pytest.approx(14 / 30)  # half judged: left out
    assert fleiss_kappa([{"a": C, "b": C}]) is None
    assert fleiss_kappa([{"a": C}]) is None


def test_krippendorff_alpha_by_hand() -> None:
    # The same data: D_o = 2/8; n_C = 5, n_I = 3; D_e = 2·5·3 / (8·7); alpha = 1 - D_o / D_e
    items = [{"a": C, "b": C}, {"a": I, "b": I}, {"a": C, "b": I}, {"a": C, "b": C}]
    assert krippendorff_alpha(items) == pytest.approx(1 - (2 / 8) / (30 / 56))
    assert krippendorff_alpha([{"a": C, "b": C}]) is None


@pytest.mark.parametrize(
    ("votes", "members", "rule", "verdict"),
    [
        ([C, C, I], 3, "majority", C),
        ([C, I, I], 3, "majority", I),
        ([C, C], 3, "majority", C),  # the third could not change it
        ([C, I], 3, "majority", None),
        ([I], 3, "majority", None),
        ([C], 3, "any", C),
        ([I, I], 3, "any", None),
        ([I, I, I], 3, "any", I),
        ([], 3, "any", None),
    ],
)
def test_a_missing_vote_never_decides(
    votes: list[Verdict], members: int, rule: str, verdict: Verdict | None
) -> None:
    assert decide_votes(votes, members, rule) == verdict  # type: ignore[arg-type]


def test_a_perfect_judge_corrects_nothing() -> None:
    found = corrected_rate(20, 100, 32, JudgeAccuracy(10_000, 10_000, 10_000, 10_000))
    assert found.value == pytest.approx(0.2)
    assert found.false_leak == 0.0
    assert found.interval.low < 0.2 < found.interval.high


def test_rogan_and_gladen_by_hand() -> None:
    # Specificity .99 over 10 different answers: f = 1 - .99^10 = .0956; sensitivity .9.
    # q = .5: (.5 - .0956) / (.9 - .0956) = .5027
    found = corrected_rate(50, 100, 10, JudgeAccuracy(900, 1000, 990, 1000))
    assert found.false_leak == pytest.approx(1 - 0.99**10)
    assert found.value == pytest.approx((0.5 - 0.09562) / (0.9 - 0.09562), abs=1e-4)
    assert found == corrected_rate(50, 100, 10, JudgeAccuracy(900, 1000, 990, 1000))


def test_what_a_judge_makes_up_is_taken_off() -> None:
    """All leaks that were seen are what the judge's errors alone would make."""
    found = corrected_rate(27, 100, 32, JudgeAccuracy(99, 100, 990, 1000))
    assert found.value < 0.02
    assert found.interval.low == 0.0


def test_a_judge_that_tells_nothing_apart_says_nothing() -> None:
    found = corrected_rate(5, 10, 32, JudgeAccuracy(50, 100, 50, 100))
    assert (found.interval.low, found.interval.high) == (0.0, 1.0)


@given(st.integers(0, 50), st.floats(1, 32), st.integers(1, 100), st.integers(1, 100))
def test_a_corrected_rate_is_a_share(leaked: int, m: float, right: int, wrong: int) -> None:
    found = corrected_rate(leaked, 50, m, JudgeAccuracy(right, 100, wrong, 100))
    assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1


@pytest.mark.parametrize(
    ("b", "c", "p"), [(0, 0, 1.0), (1, 1, 1.0), (0, 5, 2 / 32), (6, 0, 2 / 64), (1, 7, 18 / 256)]
)
def test_mcnemar_by_hand(b: int, c: int, p: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(p)


def test_paired_difference() -> None:
    first = {"a": True, "b": True, "c": False, "d": False}
    second = {"a": True, "b": False, "c": True, "d": False}
    found = paired_difference(first, second)
    assert (found.both, found.first_only, found.second_only, found.neither) == (
        1, ("b",), ("c",), 1,
    )  # fmt: skip
    with pytest.raises(ValueError, match="same facts"):
        paired_difference(first, {"a": True})
