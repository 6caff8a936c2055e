"""From a data set's rows to choice questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.benchmark.choices.columns import Columns, choose_columns
from unlearnbench.benchmark.choices.gold import Unsolved, gold_indices
from unlearnbench.benchmark.choices.questions import MOST_CHOICES, LetteredQuestion
from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.reading import parse_json

Row = Mapping[str, object]


def lettered_questions(
    rows: Sequence[Row], named: Mapping[str, str], where: str
) -> list[LetteredQuestion]:
    """The questions of a table, in its order. `named`: the table's own names of columns.

    Raises `BenchmarkError` with the row and its columns if one is missing, has no text or no
    choices, or if its gold answer is not among them.
    """
    if not rows:
        raise BenchmarkError("missing-rows", where, "the table is empty")
    columns = choose_columns(list(rows[0]), named, where)
    unsolved = [_unsolved(row, columns, f"{where} row {n}") for n, row in enumerate(rows, start=1)]
    pairs = zip(rows, unsolved, gold_indices(unsolved), strict=True)
    return [
        LetteredQuestion(
            _text(row, columns.subject, one.where) if columns.subject else "",
            _text(row, columns.question, one.where),
            one.choices,
            _filled(one, gold),
        )
        for row, one, gold in pairs
    ]


def _unsolved(row: Row, columns: Columns, where: str) -> Unsolved:
    if len(columns.choices) > 1:
        cells = [_cell(row, name, where) for name in columns.choices]
        while len(cells) > 2 and _blank(cells[-1]):
            cells.pop()  # the last choices of a question that has fewer than others
        choices, labels = cells, list[object]()
    else:
        choices, labels = _listed(_cell(row, columns.choices[0], where), where)
    if any(isinstance(cell, list | Mapping) for cell in choices):
        raise BenchmarkError("bad-choices", where, "a choice is a list or an object and no text")
    if not 2 <= len(choices) <= MOST_CHOICES:
        what = f"{len(choices)} choices; a question has 2 to {MOST_CHOICES}"
        raise BenchmarkError("bad-choices", where, what)
    texts = tuple("" if cell is None else str(cell).strip() for cell in choices)
    gold = _cell(row, columns.answer, where)
    return Unsolved(where, texts, tuple(str(label) for label in labels), gold)


def _listed(cell: object, where: str) -> tuple[list[object], list[object]]:
    """Choices and labels of one cell: a list, its JSON, or an object of texts and labels."""
    if isinstance(cell, str) and cell.lstrip()[:1] in ("[", "{"):
        try:
            cell = parse_json(cell, where)
        except UnreadableError as error:
            raise BenchmarkError("bad-choices", where, error.what) from error
    labels: object = []
    if isinstance(cell, Mapping):
        labels, cell = cell.get("label"), cell.get("text")
    if not isinstance(cell, list) or not isinstance(labels, list):
        raise BenchmarkError("bad-choices", where, f"{str(cell)[:60]!r} is no list of choices")
    if labels and len(labels) != len(cell):
        raise BenchmarkError("bad-choices", where, f"{len(cell)} choices, {len(labels)} labels")
    return cell, labels


def _filled(row: Unsolved, gold: int) -> int:
    """The gold answer's index; a wrong choice may be empty, it may not."""
    if not row.choices[gold]:
        raise BenchmarkError("bad-choices", row.where, "its right choice is empty")
    return gold


def _text(row: Row, name: str, where: str) -> str:
    value = _cell(row, name, where)
    if not isinstance(value, str) or _blank(value):
        have = ", ".join(row)
        raise BenchmarkError(
            "missing-text", where, f"no text in column {name!r}; there are: {have}"
        )
    return value.strip()


def _cell(row: Row, name: str, where: str) -> object:
    if name not in row:
        what = f"no column {name!r}; there are: {', '.join(row) or 'none'}"
        raise BenchmarkError("missing-column", where, what)
    return row[name]


def _blank(cell: object) -> bool:
    return cell is None or not str(cell).strip()
