"""The sample that is judged again: nobody chooses it, and what it may show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import comb

import pytest

from unlearnbench.benchmark import load_benchmark
from unlearnbench.hashing import sha256_text
from unlearnbench.submissions.reproduction import BOUND, CHANCE, Rerun, most_by_chance
from unlearnbench.submissions.sample import SAMPLED, sample_days, sample_of

DAY = date(2026, 11, 27)
DIGESTS = [sha256_text(str(n)) for n in range(40)]


def test_a_sample_holds_some_facts_of_each_split() -> None:
    benchmark = load_benchmark("wkf")
    for digest in DIGESTS:
        sample = sample_of(digest, benchmark, DAY)
        for split in ("forget", "retain"):
            ids = {fact.id for fact in benchmark.split(split)}
            assert len(sample & ids) == min(SAMPLED, len(ids))


def test_a_benchmark_with_few_facts_is_judged_whole() -> None:
    benchmark = load_benchmark("wkf")
    few = replace(benchmark, facts=tuple(benchmark.facts[:3]))
    assert sample_of(DIGESTS[0], few, DAY) == {fact.id for fact in few.facts}


def test_it_follows_from_the_row_and_the_day_alone() -> None:
    benchmark = load_benchmark("lkf")
    assert sample_of(DIGESTS[0], benchmark, DAY) == sample_of(DIGESTS[0], benchmark, DAY)
    samples = {sample_of(digest, benchmark, DAY) for digest in DIGESTS}
    days = {sample_of(DIGESTS[0], benchmark, date(2026, 11, n)) for n in range(1, 29)}
    assert len(samples) == len(DIGESTS)
    assert len(days) == 28


def test_every_fact_is_drawn_at_some_time() -> None:
    benchmark = load_benchmark("lkf")
    drawn = frozenset().union(*(sample_of(digest, benchmark, DAY) for digest in DIGESTS))
    assert {fact.id for fact in benchmark.split("forget")} <= drawn


@pytest.mark.parametrize(
    ("created", "days"),
    [
        ("2026-11-27T00:00:01+00:00", (DAY, date(2026, 11, 26))),
        ("2026-11-26T23:30:00-01:00", (DAY, date(2026, 11, 26))),
        ("2026-11-27T23:59:59+00:00", (DAY, date(2026, 11, 26))),
        ("2026-03-01T02:00:00+05:00", (date(2026, 2, 28), date(2026, 2, 27))),
    ],
    ids=["after-midnight", "another-zone", "before-midnight", "month"],
)
def test_a_run_belongs_to_its_day_or_the_one_before(created: str, days: tuple[date, date]) -> None:
    assert sample_days(created) == days


@pytest.mark.parametrize(
    ("facts", "most"), [(0, 0), (1, 0), (2, 1), (5, 1), (10, 2), (20, 3), (100, 9)]
)
def test_what_chance_allows(facts: int, most: int) -> None:
    assert most_by_chance(facts) == most

    def above(least: int) -> float:
        ks = range(least, facts + 1)
        return sum(comb(facts, k) * BOUND**k * (1 - BOUND) ** (facts - k) for k in ks)

    assert above(most + 1) <= CHANCE + 1e-12
    assert most == 0 or above(most) > CHANCE


def rerun(changed: int, retain: float, sampled: bool) -> Rerun:
    facts = tuple(f"f{n}" for n in range(changed))
    return Rerun(
        n_answers=0,
        n_same=0,
        claimed=0.1,
        low=0.1,
        high=0.1,
        n_facts=20,
        changed=facts,
        open_facts=(),
        retain=(0.8, retain, retain),
        sampled=sampled,
        n_retain_facts=20,
    )


@pytest.mark.parametrize(
    ("changed", "retain", "whole", "sample"),
    [
        (0, 0.8, True, True),
        (1, 0.8, True, True),
        (2, 0.8, False, True),
        (3, 0.8, False, True),
        (4, 0.8, False, False),
        (0, 0.76, True, True),
        (0, 0.71, False, True),
        (0, 0.89, False, True),
        (0, 0.69, False, False),
        (0, 0.91, False, False),
        (20, 0.8, False, False),
    ],
    ids=lambda value: str(value),
)
def test_a_sample_is_granted_chance_and_no_more(
    changed: int, retain: float, whole: bool, sample: bool
) -> None:
    assert rerun(changed, retain, sampled=False).agrees is whole
    assert rerun(changed, retain, sampled=True).agrees is sample
