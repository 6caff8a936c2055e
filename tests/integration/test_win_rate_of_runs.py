"""The win rate of a run's stored utility, and of the command given again; what the report says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine, write_benchmark
from tests.integration.test_run_utility import scored
from tests.judges_server import judges_server
from tests.preferences_server import PreferencesHandler, Preferring


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Preferring]:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    how = Preferring()
    with judges_server(how, PreferencesHandler) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield how


def test_a_run_is_judged_and_reported_with_the_word_beside_it(
    behaviour: Preferring, tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    benchmark = write_benchmark(tmp_path / "benchmark")
    base = scored(tiny_llama, benchmark, tmp_path / "base").path
    run = scored(tiny_llama, benchmark, tmp_path / "run", base).path
    path = str(run / "utility.json")
    done = command_line("utility", path, "--utility-judge", "openai:any", "--out", path)
    assert done.code == 0, done.err
    shown = command_line("show", "run", str(run))
    assert "win rate by openai:any: uncalibrated" in shown.out
    page = tmp_path / "page.html"
    assert command_line("report", str(run), "--out", str(page)).code == 0
    text = page.read_text("utf-8")
    assert "win_rate (uncalibrated)" in text
    assert "answers that a judge prefers to the base" in text


def test_the_same_command_again_asks_neither_model_nor_judge(
    behaviour: Preferring, tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "utility.json"
    call = ("utility", str(tiny_llama), "--base", str(tiny_llama), "--limit", "2")
    call = (*call, "--dtype", "float32", "--utility-judge", "openai:any", "--out", str(out))
    behaviour.always = "refusal"
    assert command_line(*call).code == 1
    assert '"win_rate"' in out.read_text("utf-8")
    behaviour.always = None
    done = command_line(*call)
    assert done.code == 0
    asked = len(behaviour.requests)
    assert command_line(*call).out == done.out
    without = [word for word in call if word not in ("--utility-judge", "openai:any")]
    assert command_line(*without).out == done.out
    assert len(behaviour.requests) == asked
