"""The statistics against scipy, numpy, scikit-learn and krippendorff, on drawn tables."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import auc as area_of_points
from sklearn.metrics import cohen_kappa_score, roc_curve

from unlearnbench.scoring.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from unlearnbench.scoring.correction import JudgeAccuracy, corrected_rate
from unlearnbench.scoring.curves import area
from unlearnbench.scoring.intervals import clopper_pearson, clustered, newcombe, wilson
from unlearnbench.scoring.paired import mcnemar_exact
from unlearnbench.tofu.membership import auc
from unlearnbench.tofu.summary import model_utility
from unlearnbench.types import Verdict

VERDICTS: tuple[Verdict, Verdict] = ("correct", "incorrect")
counts = st.integers(0, 200)
verdicts = st.sampled_from(VERDICTS)


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 500))
    return draw(st.integers(0, n)), n


@given(shares())
def test_wilson_is_scipys(share: tuple[int, int]) -> None:
    theirs = stats.binomtest(*share).proportion_ci(0.95, "wilson")
    ours = wilson(*share)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(shares())
def test_clopper_and_pearson_is_scipys(share: tuple[int, int]) -> None:
    theirs = stats.binomtest(*share).proportion_ci(0.95, "exact")
    ours = clopper_pearson(*share)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(("n", "p"), [(20, 0.1), (60, 0.5), (60, 0.02), (400, 0.9)])
def test_wilson_covers_what_it_claims(n: int, p: float) -> None:
    """The exact coverage: summed over every outcome, weighted by its probability."""
    inside = [k for k in range(n + 1) if wilson(k, n).low <= p <= wilson(k, n).high]
    assert stats.binom.pmf(inside, n, p).sum() >= 0.92


def test_newcombe_by_its_paper() -> None:
    """Newcombe 1998, table II, cases (a) and (d): 56/70 − 48/80 and 10/10 − 0/20, method 10."""
    first = newcombe((56, 70), (48, 80))
    assert (first.low, first.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    second = newcombe((10, 10), (0, 20))
    assert (second.low, second.high) == pytest.approx((0.6791, 1.0), abs=1e-4)


def test_clusters_widen_an_interval_as_often_as_needed() -> None:
    """Facts that leak on all or none of 8 probes: the interval covers the rate of facts."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        leaks = rng.random(60) < 0.3
        interval = clustered([(8 * int(leak), 8) for leak in leaks])
        covered += interval.low <= 0.3 <= interval.high
    assert covered / 400 >= 0.92


@given(counts, counts)
def test_mcnemar_is_the_sum_of_binomial_coefficients(b: int, c: int) -> None:
    n, k = b + c, min(b, c)
    tail = Fraction(sum(math.comb(n, i) for i in range(k + 1)), 2**n)
    assert mcnemar_exact(b, c) == pytest.approx(float(min(Fraction(1), 2 * tail)), rel=1e-9)
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)


@given(st.lists(st.tuples(verdicts, verdicts), min_size=1, max_size=60))
def test_cohens_kappa_is_scikit_learns(pairs: list[tuple[Verdict, Verdict]]) -> None:
    ours = cohen_kappa(pairs)
    one, two = zip(*pairs, strict=True)
    if ours is None:
        assert len({*one, *two}) == 1
    else:
        theirs = cohen_kappa_score(one, two, labels=VERDICTS)
        assert ours == pytest.approx(float(theirs), abs=1e-12)


@given(st.lists(st.lists(verdicts, min_size=3, max_size=3), min_size=1, max_size=40))
def test_fleiss_kappa_by_pairs_of_raters(table: list[list[Verdict]]) -> None:
    """Observed agreement counted pair by pair, expected from the pooled shares (Fleiss 1971)."""
    names = ("a", "b", "c")
    ours = fleiss_kappa([dict(zip(names, row, strict=True)) for row in table])
    pairs = [a == b for row in table for i, a in enumerate(row) for b in row[i + 1 :]]
    share = Fraction(sum(row.count("correct") for row in table), 3 * len(table))
    expected = share**2 + (1 - share) ** 2
    if expected == 1:
        assert ours is None
    else:
        observed = Fraction(sum(pairs), len(pairs))
        assert ours == pytest.approx(float((observed - expected) / (1 - expected)), abs=1e-12)


votes = st.dictionaries(st.sampled_from("abc"), verdicts, max_size=3)


@given(st.lists(votes, min_size=1, max_size=40))
def test_krippendorffs_alpha_from_coincidences(items: list[dict[str, Verdict]]) -> None:
    """Nominal alpha = 1 − (n − 1) · Σ o_cc' / Σ n_c n_c' (Krippendorff 2004), with gaps."""
    matrix = np.zeros((2, 2))
    for item in items:
        codes = [VERDICTS.index(v) for v in item.values()]
        for i, a in enumerate(codes):
            for j, b in enumerate(codes):
                if i != j:
                    matrix[a, b] += 1 / (len(codes) - 1)
    totals = matrix.sum(0)
    ours = krippendorff_alpha(items)
    if totals.min() == 0:
        assert ours is None
    else:
        n = totals.sum()
        alpha = 1 - (n - 1) * matrix[0, 1] / (totals[0] * totals[1])
        assert ours == pytest.approx(float(alpha), abs=1e-9)


scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30)


@given(scores, scores)
def test_auc_is_mann_and_whitneys(members: list[float], others: list[float]) -> None:
    ours = auc(members, others)
    wins = stats.mannwhitneyu(members, others).statistic
    assert ours == pytest.approx(wins / (len(members) * len(others)), abs=1e-12)
    labels = [1] * len(members) + [0] * len(others)
    false, true, _ = roc_curve(labels, [*members, *others])
    assert ours == pytest.approx(float(area_of_points(false, true)), abs=1e-12)


rates = st.lists(st.integers(0, 60).map(lambda k: k / 60), min_size=1, max_size=13)


@given(rates, st.data())
def test_area_is_numpys_trapezoid(values: list[float], data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.integers(1, 100), min_size=len(values), max_size=len(values)))
    steps = np.cumsum([0, *gaps[1:]]).tolist()
    curve = list(zip(steps, values, strict=True))
    if len(values) == 1:
        assert area(curve) == values[0]
        return
    assert area(curve) == pytest.approx(np.trapezoid(values, steps) / steps[-1], abs=1e-12)
    # Stored summaries were added up in this order, and are compared to the last bit.
    assert area(curve) == sum((b - a) * (p + q) / 2 for (a, p), (b, q) in pairwise(curve)) / (
        steps[-1] - steps[0]
    )


@given(st.lists(st.floats(0.001, 1), min_size=9, max_size=9))
def test_model_utility_is_scipys_harmonic_mean(nine: list[float]) -> None:
    assert model_utility(nine) == pytest.approx(float(stats.hmean(nine)))


@settings(max_examples=25)
@given(shares())
def test_a_perfect_judge_leaves_jeffreys_interval(share: tuple[int, int]) -> None:
    """Without errors to correct, the draws are those of the rate's own posterior."""
    leaked, facts = share
    assume(facts >= 20)
    judge = JudgeAccuracy(10**7, 10**7, 10**7, 10**7)
    result = corrected_rate(leaked, facts, 1, judge)
    low, high = stats.beta.ppf((0.025, 0.975), leaked + 0.5, facts - leaked + 0.5)
    assert (result.interval.low, result.interval.high) == pytest.approx(
        (min(low, leaked / facts), max(high, leaked / facts)), abs=0.01
    )
