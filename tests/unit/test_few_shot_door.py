"""The few-shot door says how many retain facts stand before a question, where they are few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from unlearnbench.attacks.catalog import SCALES
from unlearnbench.attacks.stress.forms import FEW_SHOT, plan_formats
from unlearnbench.attacks.stress.planned import PlannedRun, StressInputs
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import RunRecord


def with_retain(count: int, naming: int = 0) -> Benchmark:
    """WKF with so many retain facts, of which `naming` name the first forget fact's answer."""
    wkf = load_benchmark("wkf")
    first = wkf.split("forget")[0]
    retain = [replace(f, topic=first.topic) for f in wkf.split("retain")[:count]]
    retain[:naming] = [replace(f, question=f"Is it {first.answer}?") for f in retain[:naming]]
    others = [f for f in wkf.facts if f.split != "retain"]
    return replace(wkf, facts=(*others, *retain))


def door_of(benchmark: Benchmark) -> PlannedRun:
    planned = plan_formats(StressInputs(benchmark, SCALES["quick"], "chat"))
    (door,) = [run for run in planned if run.door == FEW_SHOT]
    return door


@pytest.mark.parametrize(
    ("retain", "naming", "fewest"),
    [(9, 0, None), (8, 0, None), (7, 0, 7), (1, 0, 1), (0, 0, 0), (9, 3, 6), (8, 8, 0)],
)
def test_fewer_examples_than_the_name_says_are_told(
    retain: int, naming: int, fewest: int | None
) -> None:
    door = door_of(with_retain(retain, naming))
    seen = min((len(probe.messages) - 1) // 2 for probe in door.probes)
    assert seen == (8 if fewest is None else fewest)
    unanswered = Run(Path(), cast("RunRecord", None), door.probes, {}, {})
    finding = door.finding(unanswered, None)
    assert finding.details == ({} if fewest is None else {"fewest_examples": fewest})
    assert finding.ranked
    told = f"fewest retain facts before a question: {fewest}, not 8"
    assert finding.note.startswith(told) if fewest is not None else finding.note == ""
