"""Types of the fields of a claim: everything a stranger may write is bounded and can be shown."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from unlearnbench.display import hidden_character

_LINK = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&()*+,;=:@%/?#-]*)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RESERVED = re.compile(r"(anchor|con|prn|aux|nul|com\d|lpt\d|index)(-.*)?")
MOST_SLUG = 64
"""Most characters of the name of a submission's folder."""
FIRST_YEAR, LAST_YEAR = 2023, 2100
"""The protocol's first paper is of 2025; a claim outside these years is not a date."""
CLOCK_SLACK = timedelta(hours=24)
"""By how much clocks may be off."""
_MOST_MARKS = 2
"""Combining marks on one letter; Vietnamese has two."""
_MOST_SPACING_MARKS = 4
"""Marks after one letter, those that take room included; Burmese has four."""


def slug(name: str) -> str | None:
    """What is wrong with a folder's name as the id of a row; None if nothing is."""
    if not _SLUG.fullmatch(name) or len(name) > MOST_SLUG:
        return f"lower-case letters, digits and single hyphens, at most {MOST_SLUG}"
    if _RESERVED.fullmatch(name):
        return "this name is reserved"
    return None


def slugged(*words: str) -> str:
    """The words as the name of a folder; empty if they hold neither a letter nor a digit."""
    plain = "".join(c if c.isascii() and c.isalnum() else " " for c in " ".join(words).lower())
    return "-".join(plain.split())[:MOST_SLUG].strip("-")


def _plain(text: str) -> str:
    hidden = hidden_character(text) or _unseen(text)
    if hidden is not None:
        raise ValueError(f"holds the invisible character {hidden}")
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    spacing = _marks(text, "Mn", "Me", "Mc")
    if _marks(text, "Mn", "Me") > _MOST_MARKS or spacing > _MOST_SPACING_MARKS:
        raise ValueError(f"more than {_MOST_MARKS} marks on one letter")
    return text


def _named(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise ValueError("no letter or digit")
    if "  " in text:
        raise ValueError("two spaces in a row, which a page shows as one")
    if unicodedata.normalize("NFC", text) != text:
        raise ValueError("not in Unicode's composed form (NFC)")
    return text


def _unseen(text: str) -> str | None:
    """The first character that shows nothing and is not the plain space, as U+XXXX."""
    for character in text:
        kind, code = unicodedata.category(character), ord(character)
        selector = (
            0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F
        )
        blank = code in (0xFFFC, 0x1D159)
        if kind == "Cn" or (kind == "Zs" and character != " ") or selector or blank:
            return f"U+{code:04X}"
    return None


def _marks(text: str, *kinds: str) -> int:
    """The longest run of combining marks of these categories."""
    longest = run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character) in kinds else 0
        longest = max(longest, run)
    return longest


def _https(text: str) -> str:
    if text and not _LINK.fullmatch(text):
        raise ValueError("not an https:// address")
    return text


def _moment(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("not a time with its zone, such as 2026-01-31T12:00:00+00:00")
    if not FIRST_YEAR <= datetime.fromisoformat(text).year <= LAST_YEAR:
        raise ValueError(f"a year before {FIRST_YEAR} or after {LAST_YEAR}")
    return text


ShownLine = Annotated[str, Field(max_length=120), AfterValidator(_plain)]
ShownName = Annotated[
    str, Field(min_length=1, max_length=80), AfterValidator(_plain), AfterValidator(_named)
]
Note = Annotated[str, Field(max_length=300), AfterValidator(_plain)]
Link = Annotated[str, Field(max_length=300), AfterValidator(_https)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ClaimedTime = Annotated[str, Field(max_length=40), AfterValidator(_moment)]
ClaimedShare = Annotated[float, Field(ge=0, le=1)]
BoundedCount = Annotated[int, Field(ge=0, le=10_000_000)]
Version = Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+-]{0,40}$")]
ClaimedMoment = datetime
"""A claimed time, parsed."""
Plain = Note | int | float | bool | None
"""A setting: text that can be shown, or a number."""
