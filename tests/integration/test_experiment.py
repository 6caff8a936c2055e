"""The experiment on implanted facts, on a tiny model: run once, read back, shown with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.implanted import plan, run
from experiments.implanted.measure import Kept, asked_as, by_pair, share_of
from experiments.implanted.run import finished, run_cell
from experiments.implanted.tables import all_tables
from unlearnbench.types import Fact, ProbeKey, Setting


@pytest.fixture
def tiny_plan(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan for a model of a few thousand weights."""
    learn: Mapping[str, Setting] = {
        **plan.IMPLANT,
        "lr": 3e-3,
        "epochs": 60,
        "stop_loss": 0.02,
    }
    lose: Mapping[str, Setting] = {**plan.UNLEARN, "lr": 1e-3, "max_steps": 4}
    for module in (plan, run):
        monkeypatch.setattr(module, "BASE", str(tiny_llama))
        monkeypatch.setattr(module, "IMPLANT", learn)
        monkeypatch.setattr(module, "UNLEARN", lose)


def test_a_cell_is_run_once_and_read_back(
    tiny_plan: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = plan.Cell(2, 0)
    monkeypatch.setattr(plan, "FACTS", 2)
    monkeypatch.setattr("experiments.implanted.tables.FACTS", 2)
    assert finished(cell, tmp_path) is None
    done = run_cell(cell, tmp_path)
    assert set(done.after) == set(plan.ARMS)

    def again(*_: Any, **__: Any) -> None:
        raise AssertionError("what is finished is not done again")

    for name in ("train", "score", "make_synthetic"):
        monkeypatch.setattr(run, name, again)
    assert run_cell(cell, tmp_path).implanted.scores == done.implanted.scores
    read = finished(cell, tmp_path)
    assert read is not None
    tables = all_tables([read])
    assert len(tables.split("\n\n")) == 6
    assert "| 2 | 0 | 0.0 (" in tables
    monkeypatch.setattr(plan, "UNLEARN", {**plan.UNLEARN, "lr": 2e-3})
    assert finished(cell, tmp_path) is None


def unit(number: int, tier: str, before: int, after: int, seed: int = 0) -> Any:
    fact = Fact(f"{tier}-{number:03}", "retain", "t", "q?", "a", tier=tier)
    return (8, seed, fact.id), Kept(fact, before, after)


def test_shares_are_pooled_over_facts_and_shown_by_seed() -> None:
    """Seed 0 keeps 2 of 3 probes, seed 1 keeps 0 of 1: 2 of 4 in all, over three facts."""
    units = dict([unit(1, "a", 2, 1), unit(2, "a", 1, 1), unit(1, "a", 1, 0, seed=1)])
    share = share_of(units, lambda fact: fact.tier == "a")
    assert share is not None
    assert (share.value, share.seeds, share.facts) == (0.5, (0.0, 2 / 3), 3)
    assert share.interval.low < 0.5 < share.interval.high
    assert share_of(units, lambda fact: fact.tier == "b") is None
    assert by_pair(units, "a") == {"8/0/001": 0.5, "8/0/002": 1.0, "8/1/001": 0.0}


@pytest.mark.parametrize(
    ("phrasing", "context", "asked"),
    [
        ("original", "plain", "trained"),
        ("wording-1", "plain", "untrained"),
        ("original", "icr", "after examples"),
    ],
)
def test_how_a_probe_was_asked(phrasing: str, context: Any, asked: str) -> None:
    assert asked_as(ProbeKey("f", phrasing, context)) == asked
