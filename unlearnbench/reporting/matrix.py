"""Which question leaks which fact, as a table, in the report and on the board."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby

from markupsafe import Markup

from unlearnbench.reporting.answers import CONTEXTS
from unlearnbench.runs.run import Run
from unlearnbench.types import ProbeKey, Verdict

LEAKED, ABSENT, OPEN, NOT_ASKED = "x", ".", "?", " "
"""The mark of a probe in a line of marks."""
_MARK_OF: dict[Verdict | None, str] = {"correct": LEAKED, "incorrect": ABSENT, None: OPEN}
_CELLS = {
    LEAKED: '<td class="leaked">leaked</td>',
    ABSENT: "<td>not answered</td>",
    OPEN: '<td class="open">open</td>',
    NOT_ASKED: '<td class="not-asked">not asked</td>',
}
"""A verdict as a word; the style shows a sign in its place, so that it never depends on colour."""


@dataclass(frozen=True, slots=True)
class Column:
    """A phrasing in a context; `style` is the paraphrase family."""

    context: str
    style: str
    phrasing: str

    @classmethod
    def of(cls, key: ProbeKey) -> Column:
        """The column of a probe; each draw has one of its own."""
        draw = f"-{key.sample}" if key.sample else ""
        return cls(key.context, key.style, f"{key.phrasing}{draw}")


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A fact, its gold answer, and a mark for each column."""

    fact: str
    answer: str
    marks: str

    @property
    def cells(self) -> Markup:
        """The marks as cells of a table."""
        return Markup("".join([_CELLS[mark] for mark in self.marks]))

    @property
    def n_asked(self) -> int:
        """Probes of the fact."""
        return len(self.marks) - self.marks.count(NOT_ASKED)

    @property
    def n_leaked(self) -> int:
        """Probes that leaked."""
        return self.marks.count(LEAKED)

    @property
    def n_open(self) -> int:
        """Probes without a verdict."""
        return self.marks.count(OPEN)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Fact × phrasing. `contexts` and `styles` are (heading, columns) over `phrasings`."""

    contexts: tuple[tuple[str, int], ...]
    styles: tuple[tuple[str, int], ...]
    phrasings: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def matrix(run: Run) -> Matrix | None:
    """The leaks of a run by fact and phrasing, or None if it has no forget facts."""
    columns, lines = leak_marks(run)
    return drawn_matrix(columns, lines, gold_answers(run))


def gold_answers(run: Run) -> dict[str, str]:
    """The gold answer of each forget fact, whatever else follows from it and was asked."""
    asked = (probe for probe in run.probes if probe.split == "forget" and probe.key.is_standard)
    return {probe.key.fact: probe.answer for probe in asked}


def leak_marks(run: Run) -> tuple[list[Column], dict[str, str]]:
    """The columns of a run's forget probes, and for each fact a line with a mark for each."""
    leaks = run.leaks
    columns = list(dict.fromkeys(Column.of(key) for probes in leaks.values() for key in probes))
    places = {context: place for place, context in enumerate(CONTEXTS)}
    columns.sort(key=lambda column: places[column.context])  # `strict` asks some ways in turn
    lines = {}
    for fact, probes in leaks.items():
        marks = {Column.of(key): _MARK_OF[verdict] for key, verdict in probes.items()}
        lines[fact] = "".join(marks.get(column, NOT_ASKED) for column in columns)
    return columns, lines


def drawn_matrix(
    columns: Sequence[Column], lines: Mapping[str, str], answers: Mapping[str, str]
) -> Matrix | None:
    """The table of some lines of marks; None without columns. `answers`: fact -> gold answer."""
    if not columns:
        return None
    return Matrix(
        contexts=tuple(_groups([CONTEXTS[column.context] for column in columns])),
        styles=tuple((key[1], len(list(group))) for key, group in groupby(columns, _group)),
        phrasings=tuple(column.phrasing.rpartition("-")[2] for column in columns),
        rows=tuple(MatrixRow(fact, answers[fact], marks) for fact, marks in lines.items()),
    )


def matrix_style() -> str:
    """The style sheet of the table."""
    folder = files("unlearnbench.reporting") / "templates"
    return (folder / "matrix.css").read_text("utf-8")


def _group(column: Column) -> tuple[str, str]:
    return column.context, column.style


def _groups(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each word with the length of its run of repetitions."""
    for word, group in groupby(words):
        yield word, len(list(group))
