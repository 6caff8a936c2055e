"""Flags of other tools are answered with what they are called here, and never accepted."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest
import typer

from unlearnbench.cli import main as entry
from unlearnbench.cli.foreign import ELSEWHERE, TRAINED


def commands() -> Iterator[tuple[list[str], set[str]]]:
    """Every command's words, and its flags."""

    def walk(words: list[str], command: object) -> Iterator[tuple[list[str], set[str]]]:
        inner = getattr(command, "commands", None)
        if inner is not None:
            for name, one in inner.items():
                yield from walk([*words, name], one)
            return
        params = command.params  # type: ignore[attr-defined]
        yield words, {flag for p in params for flag in (*p.opts, *p.secondary_opts)}

    yield from walk([], typer.main.get_command(entry.app))


COMMANDS = list(commands())
OWN = set[str]().union(*(flags for _, flags in COMMANDS))


def answer(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """The line that a command line is refused with."""
    monkeypatch.setattr(sys, "argv", ["unlearnbench", *words])
    with pytest.raises(SystemExit) as left:
        entry.main()
    shown = capsys.readouterr()
    assert (left.value.code, shown.out) == (2, "")
    assert len(shown.err.splitlines()) == 1
    return shown.err


@pytest.mark.parametrize("flag", ELSEWHERE)
def test_every_flag_is_answered_on_every_command_that_lacks_it(
    flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = [words for words, flags in COMMANDS if flag not in flags]
    assert lacking
    for words in lacking:
        for given in ([flag, "x"], [f"{flag}=x"] if flag.startswith("--") else [flag]):
            told = answer([*words, *given], monkeypatch, capsys)
            about_model = words == ["train"] and ELSEWHERE[flag].startswith("the checkpoint is")
            advice = TRAINED if about_model else ELSEWHERE[flag]
            assert told == f"unlearnbench: {flag}: {advice}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["score", "x", "--tasks=wkf"], "--tasks: --benchmark here"),
        (["score", "x", "--tasks", "wkf"], "--tasks: --benchmark here"),
        (["--model", "hf", "--tasks", "wkf"], "--model: the checkpoint is the first argument"),
        (["score", "--model_args", "pretrained=x"], "--model_args: the checkpoint is the first"),
        (["score", "x", "--output_path", "o"], "--output_path: --out here"),
        (["score", "x", "--log_samples"], "--log_samples: every prompt"),
        (["score", "x", "--batch_size", "4"], "--batch_size: --batch-size here"),
        (["score", "x", "--batch_size=4"], "--batch_size: --batch-size here"),
        (["compare", "x", "--batch_size=4"], "--batch_size: --batch-size here, a flag of score"),
        (["train", "--max_steps", "4"], "--max_steps: --max-steps here"),
        (["score", "x", "--num_fewshot", "5"], "--num_fewshot: --profile here"),
        (["score", "x", "--gen_kwargs", "temperature=0"], "--gen_kwargs: --gen NAME=VALUE here"),
        (["score", "x", "--apply_chat_template"], "--apply_chat_template: a model's own"),
        (["score", "x", "--system_instruction", "Hi"], "--system_instruction: --system-prompt"),
        (["score", "x", "--log-dir", "logs"], "--log-dir: --out here"),
        (["score", "x", "--max-connections", "4"], "--max-connections: a judge decides"),
        (["score", "x", "--epochs", "2"], "--epochs: a question is asked once"),
        (["score", "x", "--temperature", "1"], "--temperature: --gen temperature=VALUE here"),
        (["score", "x", "-T", "a=b"], "-T: a benchmark takes no arguments"),
        (["score", "x", "-M", "a=b"], "-M: the checkpoint is the first argument"),
        (["score", "x", "--no_resum"], "No such option: --no_resum"),
    ],
)
def test_what_users_of_other_tools_type(
    words: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert answer(words, monkeypatch, capsys).startswith(f"unlearnbench: {expected}")


def test_answers_name_flags_that_exist() -> None:
    for flag, text in ELSEWHERE.items():
        named = re.findall(r"--[a-z][a-z-]+", text)
        assert [name for name in named if name not in OWN] == [], flag


def test_flags_are_offered_where_the_answer_says() -> None:
    for flag, text in ELSEWHERE.items():
        found = re.search(r"a flag of ([a-z, ]+)$", text)
        if found:
            names = re.split(r", | and ", found[1])
            spelt = re.match(r"--[a-z-]+", text)
            assert spelt is not None, flag
            holders = {words[0] for words, flags in COMMANDS if spelt[0] in flags}
            assert set(names) == holders, flag
