"""A world of tiny inputs, what each command makes of it undisturbed, and the count of kills."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT, write_benchmark
from tests.reliability.commands import COMMANDS, World, Zygote, content
from unlearnbench.types.options import RunOptions

KILLS: Counter[str] = Counter()
"""Kills that hit, by command and kind; printed at the end."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if KILLS:
        told = ", ".join(f"{name} {count}" for name, count in sorted(KILLS.items()))
        terminalreporter.write_line(f"kills and faults that hit: {sum(KILLS.values())} ({told})")


@pytest.fixture(scope="session")
def world(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> World:
    """Inputs of all commands."""
    import unlearnbench
    from unlearnbench.api.submissions import submit, submit_base
    from unlearnbench.plugins import BUILTIN
    from unlearnbench.types.options import About

    place = tmp_path_factory.mktemp("world")
    benchmark = write_benchmark(place / "benchmark")
    engines: Any = BUILTIN["engines"]
    engines["scripted"] = "tests.scripted:ScriptedEngine"
    for name in ("knows-all", "forgets-a"):
        unlearnbench.score(
            name, "wkf", engine="scripted", profile="standard", run_options=RunOptions(place / name)
        )
    del engines["scripted"]
    submissions, bases = place / "submissions", place / "bases"
    submit_base(place / "knows-all", "a package", "A. Tester", out=bases / "knows-all-wkf")
    about, row = About(*ABOUT), submissions / "row"
    submit(place / "forgets-a", "knows-all-wkf", about, out=row, bases=bases)
    (place / "items.jsonl").write_text("".join(map(_item, range(50))), "utf-8")
    (place / "facts.csv").write_text("question,answer\nWhat is the capital of Spain?,Madrid\n")
    (place / "two").mkdir()
    members = f'members = ["rules", "replay:{place / "run"}"]'
    jury = f'provider = "jury"\ntitle = "Two"\nrule = "any"\n{members}\n'
    (place / "two" / "judge.toml").write_text(jury, "utf-8")
    made = World(
        model=tiny_llama,
        benchmark=benchmark,
        run=place / "run",
        answered=place / "forgets-a",
        base=place / "knows-all",
        submissions=submissions,
        bases=bases,
        jury=place / "two",
        items=place / "items.jsonl",
        facts=place / "facts.csv",
    )
    words = COMMANDS["score"](made)
    words[words.index("out")] = str(made.run)
    code, told = zygote.run(words, place)
    assert code == 0, told
    return made


def _item(number: int) -> str:
    """A labelled answer, every third of them wrong."""
    said = "Somebody else" if number % 3 == 0 else f"Person{number}"
    item = {"question": "Who?", "answer": f"Person{number}", "aliases": [], "response": said}
    return json.dumps({**item, "correct": number % 3 != 0}) + "\n"


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves in its folder when nothing happens, and how long it takes."""

    words: list[str]
    content: dict[str, Any]
    seconds: float


@pytest.fixture(scope="session")
def undisturbed(
    world: World, zygote: Zygote, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Undisturbed]:
    """Run a command once, undisturbed."""
    made: dict[str, Undisturbed] = {}

    def get(name: str) -> Undisturbed:
        if name not in made:
            words, folder = COMMANDS[name](world), tmp_path_factory.mktemp(name)
            (folder / "out").mkdir()
            began = time.monotonic()
            code, told = zygote.run(words, folder)
            assert code == 0, told
            made[name] = Undisturbed(words, content(folder), time.monotonic() - began)
        return made[name]

    return get
