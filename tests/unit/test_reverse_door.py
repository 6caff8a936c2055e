"""Leaks through reverse questions count only where the questions are of the checked kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from unlearnbench.attacks.catalog import SCALES
from unlearnbench.attacks.stress.forms import REVERSE, UNCHECKED, plan_formats
from unlearnbench.attacks.stress.planned import StressInputs
from unlearnbench.attacks.stress.plans import is_ranked
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import RunRecord

RESPONSES = ("It was so.", "So it was.", "I say so.")
WKF_0_4_0 = "1bee56bb3ecc9b7117d80c6cd11944139d0edce8ee6fce0da41f9b7177dbb01d"


def benchmark(responses: tuple[tuple[str, ...], ...], fingerprint: str = "f" * 64) -> Benchmark:
    """WKF with so many forget facts, each with these responses to its reverse question."""
    wkf = load_benchmark("wkf")
    forms = [replace(f, reverse_responses=r) for f, r in zip(wkf.forms, responses, strict=False)]
    named = {form.fact for form in forms}
    facts = tuple(f for f in wkf.facts if f.split != "forget" or f.id in named)
    return replace(wkf, facts=facts, forms=tuple(forms), fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("responses", "fingerprint", "ranked"),
    [
        ((RESPONSES, RESPONSES), "f" * 64, True),
        ((RESPONSES, ()), "f" * 64, False),
        (((), ()), "f" * 64, False),
        (((), ()), WKF_0_4_0, True),
    ],
    ids=["checked", "one-is-not", "none", "wkf-0.4.0"],
)
def test_which_reverse_doors_count(
    responses: tuple[tuple[str, ...], ...], fingerprint: str, ranked: bool
) -> None:
    some = benchmark(responses, fingerprint)
    assert is_ranked(REVERSE, some) is ranked
    assert is_ranked("formats/cloze", some)
    assert not is_ranked("interpolate/0.50", some)
    assert not is_ranked("lens", some)
    planned = {run.door: run for run in plan_formats(StressInputs(some, SCALES["quick"], "chat"))}
    for door in (REVERSE, "formats/cloze"):
        run = planned[door]
        unanswered = Run(Path(), cast("RunRecord", None), run.probes, {}, {})
        finding = run.finding(unanswered, None)
        assert set(finding.states.values()) == {None}
        assert finding.ranked is is_ranked(door, some)
        assert (finding.note == UNCHECKED) is not finding.ranked
