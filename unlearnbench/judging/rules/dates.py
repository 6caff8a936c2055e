"""Dates in any order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from unlearnbench.judging.rules.roman import roman_value
from unlearnbench.judging.rules.tables import MONTHS, ORDINAL_WORDS

_MONTH = "(" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(\d{3,4}|'\d{2})(?!\d)"
_PATTERNS = (
    (
        re.compile(rf"\b{_DAY}(?:\s+day)?\s*(?:of\s+)?{_MONTH}(?:,?\s*(?:of\s+|in\s+)?{_YEAR})?"),
        "dmy",
    ),
    (
        re.compile(rf"\b{_MONTH}\s*(?:the\s+)?{_DAY}(?![\d:])(?:,?\s*(?:of\s+|in\s+)?{_YEAR})?"),
        "mdy",
    ),
    (re.compile(rf"\b{_MONTH},?\s*(?:of\s+|in\s+)?{_YEAR}"), "my"),
    (re.compile(rf"\b{_MONTH}\s*(3[2-9]|[4-9]\d)(?![\d:])"), "my"),
    (re.compile(rf"\b{_YEAR}[-/.](\d{{1,2}})[-/.](\d{{1,2}})\b"), "ymd"),
    (re.compile(rf"(?<![\d/.-])(\d{{1,2}})[-/.] ?(\d{{1,2}})[-/.] ?{_YEAR}"), "numeric"),
    (re.compile(r"(?<![\d/.-])(\d{1,2})([-/.])(\d{1,2})\2'?(\d{2})(?![\d/-]|\.\d)"), "short"),
    (re.compile(r"(?<![\d/.-])(\d{1,2})[-/.](\d{4})(?![\d/.-])"), "month-year"),
)
_ROMAN = re.compile(r"\b[IVXLCDM]{1,15}\b(?!')")
_ORDINALS = re.compile(
    r"\b(?:(twenty|thirty)[- ])?(" + "|".join(ORDINAL_WORDS) + r")\b(?=\s+(?:day\s+)?of\b|,?\s|$)"
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date as far as it is given; `[start, end)` is its place in the text.

    A year below 100 is one written with two digits ('89).
    """

    day: int | None
    month: int
    year: int | None
    start: int
    end: int

    def has(self, gold: Date) -> bool:
        """Whether everything that `gold` gives is given here and equal."""
        short = self.year is not None and self.year < 100
        year = gold.year % 100 if short and gold.year else gold.year
        pairs = ((gold.day, self.day), (gold.month, self.month), (year, self.year))
        return all(want is None or want == got for want, got in pairs)

    def of_year(self, year: int) -> bool:
        """Whether this is a day of a year, which may be given by its last two digits."""
        short = self.year is not None and self.year < 100
        return (self.day is not None or short) and self.year in (year, year % 100)


def find_dates(text: str) -> list[Date]:
    """Every reading of every date in a normalised text."""
    arabic = _ROMAN.sub(lambda match: str(roman_value(match.group()) or match.group()), text)
    lowered = _ORDINALS.sub(_digits, arabic.lower())
    return [date for pattern, order in _PATTERNS for date in _read(pattern, order, lowered)]


def _digits(match: re.Match[str]) -> str:
    """An ordinal word as digits, padded to its length so that places stay the same."""
    tens = {"twenty": 20, "thirty": 30}.get(match.group(1) or "", 0)
    value = f"{tens + ORDINAL_WORDS[match.group(2)]}th"
    return value.ljust(len(match.group())) if len(value) <= len(match.group()) else match.group()


def _read(pattern: re.Pattern[str], order: str, text: str) -> Iterator[Date]:
    for match in pattern.finditer(text):
        parts = match.groups() if order != "short" else match.group(1, 3, 4)
        a, b, c = (*parts, None)[:3]
        place = match.span()
        if order == "dmy":
            yield from _date(a, MONTHS[str(b)], c, place)
        elif order == "mdy":
            yield from _date(b, MONTHS[str(a)], c, place)
        elif order == "my":
            yield from _date(None, MONTHS[str(a)], b, place)
        elif order == "ymd":
            yield from _date(c, int(str(b)), a, place)
        elif order == "month-year":
            yield from _date(None, int(str(a)), b, place)
        else:
            yield from _date(a, int(str(b)), c, place)
            yield from _date(b, int(str(a)), c, place)


def _date(day: str | None, month: int, year: str | None, place: tuple[int, int]) -> Iterator[Date]:
    number = int(day) if day else None
    if 1 <= month <= 12 and (number is None or 1 <= number <= 31):
        yield Date(number, month, int(year.lstrip("'")) if year else None, *place)
