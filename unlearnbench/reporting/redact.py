"""Blank out of a page what is not to be passed on: gold answers, responses, and questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from unlearnbench.benchmark import holds, plain
from unlearnbench.reporting.answers import Leak
from unlearnbench.reporting.load import CheckpointRuns
from unlearnbench.reporting.matrix import Matrix
from unlearnbench.reporting.tables import TableRow
from unlearnbench.runs.folder import RunFolder
from unlearnbench.types import Probe

Redact = Literal["answers", "all"]
"""`answers`: gold answers, responses and whatever holds a gold answer; `all`: questions too."""
BLANK = "[redacted]"
_SHORT = 3
"""Letters of an answer so short that it is looked for as a whole word only."""


@dataclass(frozen=True)
class Redaction:
    """What stands on a page in place of what must not; without a `mode` everything stays.

    `golds` are all gold answers and aliases of the runs on the page, `facts` the ids of all facts.
    """

    mode: Redact | None
    golds: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    def names_one(self, text: str) -> bool:
        """Whether a gold answer stands in a text, be it inside a word."""
        return any(_holds(text, gold) for gold in self.golds)

    def name(self, text: str, instead: str = BLANK) -> str:
        """A name that a user gave, or what stands in its place if it holds a gold answer."""
        return instead if self.mode and self.names_one(text) else text

    def path(self, path: Path) -> str:
        """A folder: redacted, only its own name, which tells less of whose it is."""
        return self.name(path.name) if self.mode else str(path)

    @cached_property
    def _numbers(self) -> dict[str, str]:
        """Fact -> its number, in words."""
        return {fact: f"fact {number}" for number, fact in enumerate(self.facts, start=1)}

    def fact(self, fact: str) -> str:
        """A fact's id; its number if ids are questions in short, or one holds a gold answer."""
        if self.mode is None or (self.mode == "answers" and not self.names_one(fact)):
            return fact
        return self._numbers.get(fact, BLANK)

    def leak(self, leak: Leak) -> Leak:
        """A leaked response. Attacks put answers into their questions, so that those go as well."""
        if self.mode is None:
            return leak
        ordinary = leak.source.startswith("score,") and not self.names_one(leak.question)
        kept = self.mode == "answers" and ordinary
        return replace(
            leak,
            fact=self.fact(leak.fact),
            question=leak.question if kept else BLANK,
            prompt=BLANK if leak.prompt else "",
            expected=BLANK,
            response=BLANK,
        )

    def matrix(self, matrix: Matrix | None) -> Matrix | None:
        """A table of leaks by fact, without its answers."""
        if self.mode is None or matrix is None:
            return matrix
        rows = [replace(row, fact=self.fact(row.fact), answer=BLANK) for row in matrix.rows]
        return replace(matrix, rows=tuple(rows))

    def notes(self, rows: list[TableRow]) -> list[TableRow]:
        """Rows whose last cell is a note, of which nobody knows what an extension writes there."""
        return (
            rows
            if self.mode is None
            else [replace(row, cells=(*row.cells[:-1], self.name(row.cells[-1]))) for row in rows]
        )

    def remark(self, text: str, names: Iterable[str]) -> str:
        """A caveat without the response that it quotes, and without names that hold an answer."""
        if self.mode is None:
            return text
        before, quote, rest = text.partition("“")
        if quote:
            text = f"{before}“{BLANK}”{rest.rpartition('”')[2]}"
        for name in names:
            text = text.replace(name, self.name(name))
        return text


def redaction(mode: Redact | None, checkpoints: Iterable[CheckpointRuns]) -> Redaction:
    """What has to be blanked on a page about these runs."""
    if mode is None:
        return Redaction(None)
    probes = [probe for checkpoint in checkpoints for probe in _probes(checkpoint)]
    golds = dict.fromkeys(text for p in probes for text in (p.answer, *p.aliases) if text.strip())
    facts = dict.fromkeys(probe.key.fact for probe in probes if probe.split == "forget")
    return Redaction(mode, tuple(golds), tuple(facts))


def _probes(checkpoint: CheckpointRuns) -> Iterator[Probe]:
    """Probes that hold every gold answer of the page, those of all doors among them."""
    for score in checkpoint.scores:
        yield from score.run.probes
    for stress in checkpoint.stresses:
        for record in sorted(stress.path.rglob("run.json")):
            yield from RunFolder(record.parent).probes()
    for relearning in checkpoint.relearnings:
        for record in sorted(relearning.path.rglob("run.json"))[:1]:
            yield from RunFolder(record.parent).probes()


def _holds(text: str, gold: str) -> bool:
    """Whether a gold answer stands in a text; as a word where it is short and words have spaces."""
    if len(gold) <= _SHORT and gold.isascii():
        return holds(text, gold)
    letters = plain(gold).replace(" ", "")
    squeezed = plain(text).replace(" ", "")
    return gold.casefold() in text.casefold() or (letters != "" and letters in squeezed)
