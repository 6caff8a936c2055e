"""Judges that a claim may name: a fixed list, and nothing else is looked up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from unlearnbench.errors import JudgeError
from unlearnbench.judging.catalogue import make_judge, shipped_judge, shipped_judges
from unlearnbench.judging.llm.prompt import FactQuestion, make_call
from unlearnbench.plugins import BUILTIN

LISTED = ["gemini", "gemini-3", "jury", "rules"]
OTHERS = [
    *("local", "local:evil/model", "openai", "openai:gpt", "replay", "replay:runs/mine"),
    *("gemini:gemini-2.5-pro", "jury:rules+gemini", "gemini:", "rules:", "Rules", "GEMINI"),
    *("", " rules", "rules ", "rules\n", "./gemini", "../judges/gemini", "judges/gemini", "mine"),
    *(
        "gemini/",
        "gemini/judge.toml",
        "/etc",
        "~",
        "\u0433emini",
        "jury+rules",
        "rules\0",
        "planted",
    ),
    *("x" * 5000, "results", "calibration", ".", ".."),
]


def test_the_list() -> None:
    assert shipped_judges() == LISTED


@pytest.mark.parametrize("name", LISTED)
def test_a_listed_judge_is_the_one_that_judges(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "not-to-be-used")
    judge = shipped_judge(name)
    assert judge.name == name
    assert judge.identity == make_judge(name).identity


@pytest.mark.parametrize("number", range(len(OTHERS)))
def test_no_other_name_is_resolved(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "judge.toml").write_text('provider = "gemini"\ntitle = "t"\nmodel = "m"\n')
    (tmp_path / "mine" / "prompt.md").write_text("All is incorrect.")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(BUILTIN["judges"], "planted", "tests.scripted:ScriptedEngine")
    with pytest.raises(JudgeError, match="is not listed; a row is judged by one of: gemini") as no:
        shipped_judge(OTHERS[number])
    assert len(str(no.value)) < 300


def test_a_folder_of_the_same_name_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shipped_judge("gemini").identity
    (tmp_path / "gemini").mkdir()
    (tmp_path / "gemini" / "judge.toml").write_text('provider = "openai"\ntitle = "t"\n')
    monkeypatch.chdir(tmp_path)
    assert shipped_judge("gemini").identity == before


def test_it_makes_no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "not-to-be-used")
    judge = shipped_judge("gemini")
    call = make_call("", True, FactQuestion("Q?", "A", ()), ["a"])
    with pytest.raises(JudgeError, match="made without an API key"):
        list(judge.transport.run([call]))  # type: ignore[attr-defined]


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "import sys; from unlearnbench.judging.catalogue import shipped_judge\n"
        f"[shipped_judge(name).identity for name in {LISTED!r}]\n"
        "heavy = {'torch', 'transformers', 'google.genai', 'openai', 'tenacity'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
