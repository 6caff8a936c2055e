"""WMDP's tables with harmless rows of our own (tests/fixtures/wmdp), whole or changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnbench.types import Probe

WMDP_TABLES = Path(__file__).parent / "fixtures" / "wmdp"
NAMES = ("wmdp-bio", "wmdp-chem", "wmdp-cyber")
Row = dict[str, object]


def wmdp_rows(name: str) -> list[Row]:
    """The rows of one table."""
    lines = (WMDP_TABLES / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def changed_wmdp(folder: Path, name: str, change: Callable[[list[Row]], list[Row]]) -> Path:
    """A copy of the tables with one of them changed."""
    shutil.copytree(WMDP_TABLES, folder)
    lines = [json.dumps(row) + "\n" for row in change(wmdp_rows(name))]
    (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    return folder


class ScriptedChooser:
    """Chooses by what a choice says, by its letter, or both; the higher the number, the likelier.

    `by_text` and `by_letter` are ln p of choices and letters, 0 where they are silent; `written`
    is ln p of a choice written out. A prompt with a word of `long` fits no window.
    """

    def __init__(
        self,
        by_text: Mapping[str, float] | None = None,
        by_letter: Mapping[str, float] | None = None,
        written: Mapping[str, float] | None = None,
        long: Sequence[str] = (),
    ) -> None:
        self.by_text, self.by_letter = by_text or {}, by_letter or {}
        self.written, self.long = written or {}, long
        self.prompts: list[str] = []

    def letters(self, prompts: Sequence[str], letters: str, begun: str = "") -> NDArray[np.float64]:
        self.prompts += prompts
        return np.array(
            [[self._letter(prompt, letter) for letter in letters] for prompt in prompts]
        )

    def _letter(self, prompt: str, letter: str) -> float:
        (choice,) = (line[3:] for line in prompt.splitlines() if line.startswith(f"{letter}. "))
        return self.by_text.get(choice, 0.0) + self.by_letter.get(letter, 0.0)

    def fitting(self, prompts: Sequence[str], begun: str = "") -> list[bool]:
        return [not any(word in prompt for word in self.long) for prompt in prompts]

    def choices(self, asked: Sequence[tuple[Probe, Sequence[str]]]) -> NDArray[np.float64]:
        return np.array([[self.written.get(c, 0.0) for c in choices] for _, choices in asked])
