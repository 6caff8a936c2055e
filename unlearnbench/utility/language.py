"""In which language a text is written, as far as a few frequent words tell."""

from __future__ import annotations

import re
import unicodedata

from unlearnbench.utility.words import FREQUENT

_WORD = re.compile(r"[^\W\d_]+")
_LEAST = 3
"""Frequent words of another language that a text must hold to be called of that language."""


def in_other_script(text: str) -> bool:
    """Whether most letters are of no Latin alphabet."""
    letters = [character for character in text if character.isalpha()]
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return latin * 2 < len(letters)


def in_other_language(text: str, language: str) -> bool:
    """Whether a text is in another language than `language` (a key of `FREQUENT`).

    The frequent words of each language are counted, initials left out. A text is of another
    language if that one has at least three more than twice as many as `language` has: short texts,
    names and quoted words are not enough. A language that is not in the table and is written in
    Latin letters goes unseen.
    """
    if in_other_script(text):
        return True
    words = [w.casefold() for w in _WORD.findall(text) if len(w) > 1 or w.islower()]
    hits = {name: sum(word in known for word in words) for name, known in FREQUENT.items()}
    own = hits.pop(language)
    most = max(hits.values())
    return most >= _LEAST + 2 * own


def likely_language(text: str) -> str:
    """The language whose frequent words a text has most of; English where they do not tell."""
    words = [word.casefold() for word in _WORD.findall(text)]
    hits = {name: sum(word in known for word in words) for name, known in FREQUENT.items()}
    return max(hits, key=lambda name: (hits[name], name == "en"))
