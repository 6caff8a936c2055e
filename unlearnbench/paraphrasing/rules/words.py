"""Words of a text in any script, and the word lists of the rules, from `words.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from anyascii import anyascii

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.words import NUMBERS

_LISTS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))

POLITE: frozenset[str] = frozenset(_LISTS["polite"].split())
"""Words that a polite opening is made of."""
AMOUNTS: frozenset[str] = frozenset(_LISTS["amounts"].split())
"""Behind "how" these ask for an amount."""
GENERIC: frozenset[str] = frozenset(_LISTS["generic"].split())
"""Nouns in names that say what is named."""
PROMPTS: frozenset[str] = frozenset(_LISTS["prompts"].split())
"""Words by which a text without a question mark asks for an answer."""
ENGLISH_ONLY: frozenset[str] = frozenset(_LISTS["english_only"].split())
"""Words that show English, being words of no other language that is written alike."""
TITLES: frozenset[str] = frozenset(_LISTS["titles"].split())
"""Words that are titles before a name."""
SHORT_NAMES: tuple[frozenset[str], ...] = tuple(frozenset(g.split()) for g in _LISTS["short_names"])
"""First names with their short forms."""
KINDS: dict[str, str] = {w: kind for kind, ws in _LISTS["kinds"].items() for w in ws.split()}
"""What kind of thing a noun asks for."""
NO_PERSONS: frozenset[str] = frozenset(_LISTS["no_persons"].split())
"""Nouns that end like a profession and are none."""

_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Scripts that write no spaces between words."""
_SMALL = {"one": "1", "two": "2", "first": "1", "second": "2"}


def is_unspaced(text: str) -> bool:
    """Whether a text holds a script that has no spaces between words."""
    return _UNSPACED.search(text) is not None


@lru_cache(maxsize=1 << 15)
def plain_words(text: str) -> tuple[str, ...]:
    """The words of a text without case, accents and punctuation; of Chinese, Japanese or Thai the
    single letters.
    """
    return tuple(_UNSPACED.sub(lambda match: f" {match.group()} ", plain(text)).split())


@lru_cache(maxsize=1 << 15)
def unaccented(text: str) -> str:
    """A text as `plain` leaves it, with ø, ł and the like as plain letters too."""
    return plain(anyascii(text)) if not is_unspaced(text) and _is_latin(text) else plain(text)


def _is_latin(text: str) -> bool:
    return all(ord(c) < 0x250 or not c.isalpha() for c in text)


def in_digits(text: str) -> str:
    """Folded text with its number words as digits."""
    return " ".join(_SMALL.get(word, NUMBERS.get(word, word)) for word in unaccented(text).split())
