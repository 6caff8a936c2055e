"""Spans of years, decades and centuries."""

from __future__ import annotations

import re

from unlearnbench.judging.rules.tables import ORDINAL_WORDS

_SPAN = re.compile(
    r"\b(\d{3,4})\s*(?:-|to|until|till|through|and)\s*(\d{4}|\d{3}|\d{2})(?![\d-])", re.IGNORECASE
)
_DECADE = re.compile(r"(?<!\d)'?(\d{1,3}0)'?s\b")
_WORD_DECADE = re.compile(
    r"\b(?:(eighteen|nineteen|seventeen|sixteen)[\s-]+)?"
    r"(twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties)\b",
    re.IGNORECASE,
)
_CENTURY = re.compile(
    r"\b(?:(\d{1,2})(?:st|nd|rd|th)|(" + "|".join(ORDINAL_WORDS) + r"))[\s-]+century\b(?!\s+b)",
    re.IGNORECASE,
)
_HUNDREDS = re.compile(r"(?<!\d)(\d{1,2})00'?s\b")
_TENS = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties")
_CENTURIES = {"sixteen": 1600, "seventeen": 1700, "eighteen": 1800, "nineteen": 1900}


def whole_span(gold: str) -> tuple[int, int] | None:
    """The two years of a gold answer that is a span of years, else None."""
    bare = re.sub(r"^\W*(?:from|between|the years?)\s+|\W+$", "", gold.strip().lower())
    match = _SPAN.fullmatch(bare)
    return _years(match) if match else None


def spans(text: str) -> list[tuple[int, int]]:
    """Every span of years in a normalised text."""
    return [_years(match) for match in _SPAN.finditer(text)]


def _years(match: re.Match[str]) -> tuple[int, int]:
    first, last = match[1], match[2]
    if len(last) == 2 and len(first) > 2:
        last = first[:-2] + last  # 1861-65
    return int(first), int(last)


def whole_decade(gold: str) -> int | None:
    """The first year of the decade that a gold answer names, else None."""
    bare = re.sub(r"^\W*(?:in\s+)?(?:the\s+)?|\W+$", "", gold.strip().lower())
    return decades(bare)[0] if _DECADE.fullmatch(bare) or _WORD_DECADE.fullmatch(bare) else None


def whole_century(gold: str) -> int | None:
    """The number of the century that a gold answer names, else None."""
    bare = re.sub(r"^\W*(?:in\s+)?(?:the\s+)?|\W+$", "", gold.strip().lower())
    return centuries(bare)[0] if _CENTURY.fullmatch(bare) else None


def centuries(text: str) -> list[int]:
    """Every century in a normalised text: by its number, or as its hundreds (the 1300s)."""
    numbered = [
        int(match[1]) if match[1] else ORDINAL_WORDS[match[2].lower()]
        for match in _CENTURY.finditer(text)
    ]
    return numbered + [int(match[1]) + 1 for match in _HUNDREDS.finditer(text)]


def decades(text: str) -> list[int]:
    """Every decade in a normalised text; below 100 where the century is not given."""
    written = [int(match[1]) for match in _DECADE.finditer(text)]
    spoken = [_spoken(match) for match in _WORD_DECADE.finditer(text)]
    return written + spoken


def _spoken(match: re.Match[str]) -> int:
    tens = match[2].lower()
    value = 10 * (_TENS.index(tens) + 2) if tens in _TENS else 90
    return value + (_CENTURIES[match[1].lower()] if match[1] else 0)
