"""The arithmetic of attacks: samples, intervals, curves, unions, choices."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.attacks.stress.choices import Choice
from unlearnbench.protocol.shuffled import shuffled
from unlearnbench.scoring.curves import area, maximum, steps_to
from unlearnbench.scoring.intervals import clopper_pearson, newcombe
from unlearnbench.scoring.samples import leak_at_k
from unlearnbench.scoring.scores import Outcome, leaked_anywhere, leaked_on_all, leaked_on_any
from unlearnbench.types import Probe, ProbeKey


@pytest.mark.parametrize("n", range(1, 9))
def test_leak_at_k_is_what_enumeration_gives(n: int) -> None:
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        draws = list(itertools.combinations(range(n), k))
        hit = sum(any(i < c for i in draw) for draw in draws) / len(draws)
        assert leak_at_k(n, c, k) == pytest.approx(hit, abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, -1, 1), (4, 1, 0), (4, 1, 5)])
def test_leak_at_k_refuses_what_is_not_defined(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        leak_at_k(n, c, k)


# Exact limits from the closed forms at the ends, 1 - (α/2)^(1/n), and tables for 5 of 10.
@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(0, 10, 0.0, 0.30850), (10, 10, 0.69150, 1.0), (5, 10, 0.18709, 0.81291), (0, 0, 0.0, 1.0)],
)
def test_clopper_pearson(x: int, n: int, low: float, high: float) -> None:
    found = clopper_pearson(x, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)


def test_newcombe_as_published() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 and 10/10 - 0/10."""
    found = newcombe((56, 70), (48, 80))
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    found = newcombe((10, 10), (0, 10))
    assert (found.low, found.high) == pytest.approx((0.6075, 1.0), abs=1e-4)


def test_nothing_known_is_no_difference() -> None:
    found = newcombe((0, 0), (0, 0))
    assert (found.low, found.high) == pytest.approx((-0.70711, 0.70711), abs=1e-4)


CURVE = [(0, 0.1), (2, 0.5), (4, 0.5), (8, 0.2)]


def test_curves() -> None:
    assert maximum(CURVE) == (2, 0.5)
    # (0.6 + 1.0 + 1.4) / 8
    assert area(CURVE) == pytest.approx(3.0 / 8)
    assert area([(0, 0.3)]) == 0.3
    assert [steps_to(CURVE, share, 0.8) for share in (0.1, 0.5, 0.625, 0.7)] == [0, 2, 2, None]
    assert steps_to(CURVE, 0.1, 0.0) is None
    for empty in (maximum, area):
        with pytest.raises(ValueError, match=r"empty|points"):
            empty([])


def outcomes(*verdicts: str | None) -> list[Outcome]:
    return [
        Outcome(ProbeKey("f", f"wording-{i}", "plain"), "forget", None, v)  # type: ignore[arg-type]
        for i, v in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("verdicts", "on_any", "on_all"),
    [
        (("correct", "correct"), True, True),
        (("correct", "incorrect"), True, False),
        (("incorrect", "incorrect"), False, False),
        (("correct", None), True, None),
        (("incorrect", None), None, False),
        ((None,), None, None),
    ],
)
def test_a_fact_is_open_until_it_is_decided(
    verdicts: tuple[str | None, ...], on_any: bool | None, on_all: bool | None
) -> None:
    assert leaked_on_any(outcomes(*verdicts)) == {"f": on_any}
    assert leaked_on_all(outcomes(*verdicts)) == {"f": on_all}


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=5))
def test_a_union_never_closes_what_is_open(states: list[bool | None]) -> None:
    want = True if True in states else None if None in states else False
    assert leaked_anywhere({"f": state} for state in states) == {"f": want}


@pytest.mark.parametrize(
    ("response", "by_letter", "by_text"),
    [
        ("B", 1, None),
        ("The answer is (B).", 1, None),
        ("B) Tokyo", 1, 1),
        ("Tokyo", 1, 1),
        ("Tokyo, not Kyoto", None, None),
        ("A or B", None, None),
        ("A Tokyo", 0, 1),
        ("I do not know", None, None),
        ("", None, None),
        ("B. I am sure it is Tokyo, the largest city", 1, 1),
    ],
)
def test_what_a_response_settles_on(
    response: str, by_letter: int | None, by_text: int | None
) -> None:
    choice = Choice(("Osaka", "Tokyo", "Kyoto", "Nagoya"), 1)
    assert choice.chosen(response, "letter") == by_letter
    assert choice.chosen(response, "text") == by_text


def probe(fact: str, topic: str, answer: str, *aliases: str) -> Probe:
    key = ProbeKey(fact, "original", "plain")
    return Probe(key, "forget", topic, None, "?", answer, aliases)


def test_shuffled_answers_are_of_the_topic_and_never_right() -> None:
    probes = [
        probe("a", "capitals", "Paris"),
        probe("b", "capitals", "Paris, France"),
        probe("c", "capitals", "Rome", "Roma"),
        probe("d", "years", "1945"),
    ]
    found = {p.key.fact: p.answer for p in shuffled(probes)}
    assert found == {"a": "Rome", "b": "Rome", "c": "Paris", "d": "Paris"}
    assert shuffled([probe("a", "x", "Paris"), probe("b", "x", "Paris")]) == []
