"""Word lists of the checks, from `words.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

_LISTS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))["lists"]

HARMLESS: frozenset[str] = frozenset(_LISTS["harmless"].split())
"""Capitalised words that say nothing of a fact."""
ALSO_WORDS: frozenset[str] = frozenset(_LISTS["also_words"].split())
"""Names that are ordinary words where all is written small, or where a sentence begins."""
MONTHS: frozenset[str] = frozenset(_LISTS["months"].split())
COUNTERS: frozenset[str] = frozenset(_LISTS["counters"].split())
"""Beside these a number only counts questions, pages or points."""
NUMBERS: dict[str, str] = dict(pair.split("=") for pair in _LISTS["numbers"].split())
"""Number words to digits; `one`, `two` and `second` are left out, being said without a count."""
SAME: tuple[frozenset[str], ...] = tuple(frozenset(group.split()) for group in _LISTS["same"])
"""Places and peoples in their forms."""
GIVEN: frozenset[str] = frozenset(_LISTS["given_names"].split())
FAMILY: frozenset[str] = frozenset(_LISTS["family_names"].split())
NOUNS: frozenset[str] = frozenset(_LISTS["nouns"].split())
