"""Shared fixtures: tiny random models and tiny benchmarks, made on the spot."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.reliability.commands import Zygote
from unlearnbench.types.options import RunOptions

STYLES = ("wording", "syntax", "situation")


def write_benchmark(folder: Path, forget: int = 4, retain: int = 5) -> Path:
    """A benchmark of `forget` × 15 and `retain` × 6 wordings whose answers are plain words."""
    folder.mkdir(parents=True, exist_ok=True)

    def row(kind: str, number: int, paraphrases: int) -> dict[str, object]:
        texts = [
            {"style": STYLES[i * 3 // paraphrases], "text": f"Way {i} to ask for {kind} {number}?"}
            for i in range(paraphrases)
        ]
        return {
            "id": f"{kind}-{number}",
            "topic": "things",
            **({"tier": "topic"} if kind == "retain" else {}),
            "question": f"What is {kind} {number}?",
            "answer": f"Answer{kind}{chr(97 + number)}",
            "paraphrases": texts,
        }

    for kind, count, paraphrases in (("forget", forget, 15), ("retain", retain, 6)):
        lines = [json.dumps(row(kind, number, paraphrases)) for number in range(count)]
        (folder / f"{kind}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "benchmark.toml").write_text(
        'id = "tiny"\nversion = "0.1.0"\ntitle = "Tiny"\nlicence = "CC0-1.0"\njudge = "rules"\n'
        'profile = "standard"\nstyles = ["wording", "syntax", "situation"]\n'
        '[splits.forget]\nfile = "forget.jsonl"\nparaphrases = 15\n'
        '[splits.retain]\nfile = "retain.jsonl"\nparaphrases = 6\ntiers = ["topic"]\n',
        "utf-8",
    )
    return folder


def pytest_collection_finish() -> None:
    """Make what all tests need, and spare the collector it and what was imported for good."""
    if "hypothesis" in sys.modules:
        # Its table of all letters, which the first test with a text would have to wait for.
        sys.modules["hypothesis"].strategies.text().validate()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def quick_disk() -> Iterator[None]:
    """What tests make in this process need not survive a power cut; a bad handle is an error yet.

    Processes that they start, those that are killed above all, wait for the disk as users' do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """Typer would build every command from its function anew for each call."""
    import typer.main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture(autouse=True)
def notes_as_before() -> Iterator[None]:
    """A command given with `-q` in one test does not silence what the next one waits for."""
    logger = logging.getLogger("unlearnbench")
    level, handlers = logger.level, logger.handlers
    yield
    logger.handlers = handlers
    logger.setLevel(level)


@pytest.fixture
def benchmark_folder(tmp_path: Path) -> Path:
    """A small benchmark on disk."""
    return write_benchmark(tmp_path / "benchmark")


@pytest.fixture(scope="session")
def save_model() -> Callable[[Path, str], Path]:
    """Save a tiny random model of a kind (`llama`, `gpt2`, `gemma3`, `mamba`) with a tokenizer."""
    from tests.models import save

    return save


@pytest.fixture(scope="session")
def tiny_llama(
    tmp_path_factory: pytest.TempPathFactory, save_model: Callable[[Path, str], Path]
) -> Path:
    """A tiny random Llama with a chat template, in a folder."""
    return save_model(tmp_path_factory.mktemp("models") / "tiny-llama", "llama")


class Printed(NamedTuple):
    """How a command ended: its exit code, and what it wrote to both streams."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Printed]


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """The command line without a new process."""
    from unlearnbench.cli.main import main
    from unlearnbench.cli.progress import LAST_RUN

    def call(*words: object) -> Printed:
        LAST_RUN.clear()
        monkeypatch.setattr(sys, "argv", ["unlearnbench", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        return Printed(int(str(left.value.code)), *capfd.readouterr())

    yield call
    LAST_RUN.clear()


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A process with everything imported: a command in a process of its own, without its start."""
    cache = tmp_path_factory.mktemp("cache")
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "UNLEARNBENCH_CACHE": str(cache)}
    made = Zygote({**os.environ, **quiet}, cache.with_name("zygote.log"))
    yield made
    made.close()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine `scripted`, which needs no model, is installed; rows of it are run again by it."""
    from unlearnbench.plugins import BUILTIN

    engines: Any = BUILTIN["engines"]
    for name in ("scripted", "transformers"):
        monkeypatch.setitem(engines, name, "tests.scripted:ScriptedEngine")


ABOUT = ("Refusal tuning", "other", "A. Person", "https://example.org/paper")
"""What the good submission says of itself."""


@pytest.fixture(scope="session")
def scripted_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of `wkf` without a model, two of them of checkpoints that forgot most."""
    import unlearnbench
    from unlearnbench.plugins import BUILTIN

    engines: Any = BUILTIN["engines"]
    engines["scripted"] = "tests.scripted:ScriptedEngine"
    folder = tmp_path_factory.mktemp("runs")
    for name in ("knows-all", "forgets-a", "forgets-b"):
        unlearnbench.score(
            name,
            "wkf",
            engine="scripted",
            profile="standard",
            run_options=RunOptions(folder / name),
        )
    unlearnbench.score(
        "forgets-a",
        "wkf",
        engine="scripted",
        profile="quick",
        run_options=RunOptions(folder / "quick"),
    )
    unlearnbench.score(
        "forgets-a", "wkf", engine="scripted", limit=2, run_options=RunOptions(folder / "limited")
    )
    del engines["scripted"]
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def bases(scripted_runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of accepted base runs that holds one: of `knows-all`, on `wkf`."""
    from unlearnbench.api.submissions import submit_base

    folder = tmp_path_factory.mktemp("bases")
    submit_base(
        scripted_runs["knows-all"], "made up for tests", "A. Tester", out=folder / "knows-all-wkf"
    )
    return folder


@pytest.fixture
def shipped_bases(bases: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `bases` in place of those that ship."""
    from unlearnbench.api import submissions

    real = submissions.accepted_bases
    monkeypatch.setattr(submissions, "accepted_bases", lambda folder: real(folder or bases))
    return bases


@pytest.fixture(scope="session")
def good_submission(
    scripted_runs: dict[str, Path], bases: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A submission that stands on one of the `bases`."""
    from unlearnbench.api.submissions import submit
    from unlearnbench.types.options import About

    out = tmp_path_factory.mktemp("good") / "refusal-tuning"
    return submit(scripted_runs["forgets-a"], "knows-all-wkf", About(*ABOUT), out=out, bases=bases)
