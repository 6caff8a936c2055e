"""Which choice a data set calls right: by index, by letter, by label or by its text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from unlearnbench.errors import BenchmarkError


@dataclass(frozen=True, slots=True)
class Unsolved:
    """A row before its gold answer is read: where it is, its choices, their labels if any."""

    where: str
    choices: tuple[str, ...]
    labels: tuple[str, ...]
    gold: object


def gold_indices(rows: Sequence[Unsolved]) -> list[int]:
    """The index of the right choice of each row.

    All rows of a table say it in one way, and the way must be the only one by which every row has
    a right choice, or agree with the others: an index counts from 0, a letter from A. Raises
    `BenchmarkError` for the first row that has none, or if ways disagree.
    """
    read = {name: [way(row) for row in rows] for name, way in _WAYS.items()}
    whole = {name: indices for name, indices in read.items() if None not in indices}
    if not whole:
        best = max(read.values(), key=lambda indices: len(indices) - indices.count(None))
        row = rows[best.index(None)]
        what = f"gold answer {str(row.gold)[:60]!r} is none of {len(row.choices)} choices"
        raise BenchmarkError("bad-answer", row.where, f"{what} by index from 0, letter or text")
    first, *others = whole.items()
    for name, indices in others:
        if indices != first[1]:
            pairs = zip(indices, first[1], strict=True)
            place = next(n for n, (one, other) in enumerate(pairs) if one != other)
            what = f"gold answer {rows[place].gold!r} could be meant by {first[0]} and by {name}"
            raise BenchmarkError("ambiguous-answer", rows[place].where, what)
    return [index for index in first[1] if index is not None]


def _by_label(row: Unsolved) -> int | None:
    return _only(row.labels, row.gold)


def _by_index(row: Unsolved) -> int | None:
    gold = row.gold
    if row.labels or isinstance(gold, bool):
        return None
    if isinstance(gold, str) and gold.strip().isascii() and gold.strip().isdecimal():
        gold = int(gold)
    return gold if isinstance(gold, int) and 0 <= gold < len(row.choices) else None


def _by_letter(row: Unsolved) -> int | None:
    if row.labels or not isinstance(row.gold, str):
        return None
    letter = row.gold.strip().strip("().").upper()
    return _only(ascii_uppercase[: len(row.choices)], letter)


def _by_text(row: Unsolved) -> int | None:
    return _only(row.choices, row.gold) if isinstance(row.gold, str) else None


def _only(texts: Sequence[str], gold: object) -> int | None:
    """The place of the one text that is the gold answer; None if none is, or several are."""
    if not isinstance(gold, str | int) or isinstance(gold, bool):
        return None
    places = [n for n, text in enumerate(texts) if text.strip() == str(gold).strip()]
    return places[0] if len(places) == 1 else None


_WAYS: dict[str, Callable[[Unsolved], int | None]] = {
    "label": _by_label,
    "index": _by_index,
    "letter": _by_letter,
    "text": _by_text,
}
