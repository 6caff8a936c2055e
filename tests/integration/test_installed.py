"""`show plugins`: a line on everything that can be named, broken names included."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from unlearnbench.benchmark import benchmark_names
from unlearnbench.cli import show
from unlearnbench.cli.installed import Installed, installed
from unlearnbench.judging.llm.definition import definition_names
from unlearnbench.plugins import BUILTIN


def by_name(kind: str) -> dict[str, Installed]:
    return {one.name: one for one in installed()[kind]}


def test_everything_that_ships_says_what_it_does() -> None:
    found = installed()
    for kind, names in BUILTIN.items():
        assert set(names) <= {one.name for one in found[kind]}
    assert set(definition_names()) <= set(by_name("judges"))
    assert [one.name for one in found["benchmarks"]] == benchmark_names()
    for kind, every in found.items():
        for one in every:
            assert len(one.about) > 10, (kind, one)
            assert one.about != "not documented"
            assert "\n" not in one.about
            assert (one.origin, one.broken) == ("unlearnbench", False)


def test_a_paid_judge_names_its_provider_model_key_and_price() -> None:
    judges = by_name("judges")
    gemini = judges["gemini"].about
    for part in ("gemini-2.5-flash", "GEMINI_API_KEY", "0.3 in, 2.5 out", "US dollars"):
        assert part in gemini
    assert "OPENAI_API_KEY" in judges["openai"].about
    assert "majority of gemini, gemini-3, rules" in judges["jury"].about
    assert "API_KEY" not in judges["rules"].about
    assert "specificity" in judges["rules"].about


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One method of another distribution that works, one that cannot be imported."""
    registered = {
        "unlearnbench.methods": [
            EntryPoint("theirs", "unlearnbench.methods.npo:NPO", "unlearnbench.methods"),
            EntryPoint("gone", "no_such_module:Method", "unlearnbench.methods"),
        ]
    }
    monkeypatch.setattr(
        "unlearnbench.plugins.entry_points", lambda *, group: registered.get(group, [])
    )


def test_what_others_registered_is_listed_broken_or_not(others: None) -> None:
    methods = by_name("methods")
    assert (methods["theirs"].broken, methods["theirs"].origin) == (False, "unknown distribution")
    assert methods["theirs"].about == methods["npo"].about
    assert methods["gone"].broken
    assert "no_such_module" in methods["gone"].about


@pytest.mark.parametrize("columns", [60, 80])
def test_the_list_fits(
    columns: int, others: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    show.plugins()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    text = " ".join(" ".join(lines).split())
    assert "broken: method 'gone' from unknown distribution" in text
    assert "(from unknown distribution)" in text
    assert [line for line in lines if "…" in line] == []


def test_the_list_as_json(others: None, capsys: pytest.CaptureFixture[str]) -> None:
    show.plugins(json=True)
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert record["methods"]["gone"]["broken"]
    assert record["engines"]["replay"]["origin"] == "unlearnbench"
