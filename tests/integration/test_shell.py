"""The command line in a shell: versions, completion, silence."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from tests.reliability.commands import Zygote
from unlearnbench.cli.main import app

START = "import sys; sys.argv[0] = 'unlearnbench'; from unlearnbench.cli.main import main; main()"
HEAVY = ("torch", "transformers", "pandas", "numpy", "scipy", "sklearn")


def run(
    *words: str, code: str = START, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *words]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env)


def completed(words: str) -> list[str]:
    """What a shell offers behind these words, of which the last is begun."""
    done = run(
        _UNLEARNBENCH_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_versions_on_one_line() -> None:
    code = START.replace("main()", "\ntry: main()\nfinally: print('torch' in sys.modules)")
    done = run("--version", code=code)
    assert (done.returncode, done.stderr) == (0, "")
    python = ".".join(map(str, sys.version_info[:3]))
    said, imported = done.stdout.splitlines()
    expected = f"unlearnbench {version('unlearnbench')}, Python {python}"
    assert said == f"{expected}, torch {version('torch')}"
    assert imported == "False"


def test_without_a_command_the_help_is_shown_alone() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (2, "")
    assert "Commands" in done.stdout


def test_versions_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    from unlearnbench.cli import version as module

    def lookup(name: str) -> str:
        if name == "torch":
            raise PackageNotFoundError
        return "1.0"

    monkeypatch.setattr(module, "version", lookup)
    assert module.version_line().endswith("torch is not installed")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("unlearnbench sco", ["score"]),
        ("unlearnbench score x --benchmark w", ["wkf"]),
        ("unlearnbench score x --profile s", ["standard", "strict"]),
        ("unlearnbench score x --engine r", ["replay"]),
        ("unlearnbench score x --judge rul", ["rules", "rules-strict"]),
        ("unlearnbench score smol", ["smollm2-135m"]),
        ("unlearnbench train --method sim", ["simnpo"]),
        ("unlearnbench stress x --only qu", ["quantize"]),
        ("unlearnbench score x --no-ch", ["--no-chat-template"]),
        ("unlearnbench score x --benchmark zzz", []),
    ],
)
def test_a_shell_completes_names(words: str, expected: list[str]) -> None:
    assert completed(words) == expected


def test_completing_imports_nothing_heavy() -> None:
    code = START.replace(
        "main()", f"\ntry: main()\nfinally: print([m for m in {HEAVY} if m in sys.modules])"
    )
    for words in ("score x --benchmark w", "score x --judge r", "score sm", "train --method j"):
        line = f"unlearnbench {words}"
        done = run(
            code=code,
            _UNLEARNBENCH_COMPLETE="complete_bash",
            COMP_WORDS=line,
            COMP_CWORD=str(len(line.split(" ")) - 1),
        )
        assert done.stdout.splitlines()[-1] == "[]", (words, done.stdout)


def test_the_completion_script_is_shown() -> None:
    done = run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "complete -o default -F _unlearnbench_completion unlearnbench" in done.stdout


def test_every_command_can_be_quiet() -> None:
    def walk(command: object, words: list[str]) -> list[list[str]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            return [words]
        return [found for name, one in inner.items() for found in walk(one, [*words, name])]

    root = typer.main.get_command(app)
    for words in walk(root, []):
        command: object = root
        for word in words:
            command = command.commands[word]  # type: ignore[attr-defined]
        flags = {flag for p in command.params for flag in p.opts}  # type: ignore[attr-defined]
        assert {"-q", "--quiet"} <= flags, words


def test_quiet_commands_say_nothing_beside_their_result(
    tiny_llama: Path,
    benchmark_folder: Path,
    tmp_path: Path,
    scripted_runs: dict[str, Path],
    good_submission: Path,
    bases: Path,
    zygote: Zygote,
) -> None:
    known = ["--bases", str(bases)]
    benchmark = ["--benchmark", str(benchmark_folder)]
    small = [*benchmark, "--limit", "1", "--device", "cpu"]
    runs = [str(scripted_runs[name]) for name in ("forgets-a", "knows-all")]
    made = str(tmp_path / "made")
    commands = [
        ["score", str(tiny_llama), *small, "--profile", "quick", "--out", made],
        ["judge", made, "--judge", "rules", "--out", str(tmp_path / "judged")],
        ["show", "run", made],
        ["show", "benchmark", str(benchmark_folder)],
        ["show", "judges"],
        ["show", "plugins"],
        ["compare", *runs],
        ["report", made, "--out", str(tmp_path / "page.html")],
        ["verify", str(good_submission), *known],
        ["calibrate", "rules", "--items", str(_items(tmp_path))],
        ["train", "--base", str(tiny_llama), *benchmark, "--max-steps", "1", "--out", "trained"],
        ["tofu", str(tiny_llama)],
        ["leaderboard", "build", "--submissions", str(good_submission.parent), *known],
        ["stress", str(tiny_llama), *small, "--only", "sampling", "--out", str(tmp_path / "s")],
    ]
    # One in a whole process; of the others' libraries is known what they say when imported.
    done = run(*commands[0], "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr, zygote.said) == (0, "", "")
    for words in commands:
        code, out = zygote.run([*words, "-q"], tmp_path, errors=tmp_path / "errors")
        assert code in (0, 1), (words, out)
        assert (tmp_path / "errors").read_text("utf-8") == "", words
        assert out, words


def _items(folder: Path) -> Path:
    path = folder / "items.jsonl"
    path.write_text(
        '{"question": "Who?", "answer": "Ada", "aliases": [], "response": "Ada", '
        '"category": "c", "correct": true}\n'
    )
    return path
