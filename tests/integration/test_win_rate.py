"""The win rate over the real SDKs against a loopback server, through the whole command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.judges_server import judges_server
from tests.preferences_server import PreferencesHandler, Preferring, always_first, the_note
from tests.utility_records import instruction_ids, utility_record
from unlearnbench.runs.schema.utility import UtilityRecord
from unlearnbench.runs.utility import read_utility, write_utility

KEY = "sekret-0123456789"
FAST = """provider = "openai"
title = "t"
model = "served"
timeout_s = 1.0
attempts = 3
backoff_s = 0.01
price = {input = 1.0, output = 2.0, listed = "x"}
"""
IDS = instruction_ids(12)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch) -> Iterator[Preferring]:
    how = Preferring()
    with judges_server(how, PreferencesHandler) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", address)
        yield how


def stored(tmp_path: Path, record: UtilityRecord) -> str:
    path = tmp_path / "utility.json"
    write_utility(record, path)
    return str(path)


def better_on(number: int) -> UtilityRecord:
    """A model that is longer than its base on so many of twelve instructions, else shorter."""
    model = {
        key: "a long and good answer to it" if i < number else "short" for i, key in enumerate(IDS)
    }
    base = dict.fromkeys(IDS, "an answer as such")
    return utility_record(model, base)


def test_both_orders_are_asked_and_the_rate_is_printed(
    behaviour: Preferring, tmp_path: Path, command_line: CommandLine
) -> None:
    path = stored(tmp_path, better_on(9))
    done = command_line("utility", path, "--utility-judge", "openai:any", "--out", path)
    assert done.code == 0, done.err
    assert len(behaviour.requests) == 24
    assert "win_rate" in done.out
    assert "uncalibrated" in done.out
    record = read_utility(Path(path))
    assert record.metrics["win_rate"].value == 9 / 12
    assert record.preferences is not None
    row = record.preferences.rows[IDS[0]]
    assert (row.model_first.verdict, row.base_first.verdict) == ("first", "second")
    assert json.loads(row.model_first.reply)["preferences"]
