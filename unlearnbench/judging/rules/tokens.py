"""Words of a normalised text, each in one canonical spelling."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from unlearnbench.judging.rules.roman import roman_value
from unlearnbench.judging.rules.tables import (
    ABBREVIATIONS,
    FUNCTION_WORDS,
    NUMBER_WORDS,
    ORDINAL_WORDS,
    SPELLINGS,
)

_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){2,}[^\W\d_]?(?![^\W\d_])|\d+(?:,\d{3})+|\d+(?:st|nd|rd|th)\b"
    r"|[^\W_]+(?:'[^\W\d_]+)*"
)
_CAPITAL_ONLY = frozenset(["us", "la", "un", "eu", "dc", "st", "mt", "ft", "dr", "it"])
_ARTICLES_TOO = frozenset(("la", "un"))
_LONGEST = {
    key.split()[0]: max(len(k.split()) for k in ABBREVIATIONS if k.split()[0] == key.split()[0])
    for key in ABBREVIATIONS
}
"""How many words the longest abbreviation has that begins with a word; `st` is among them."""


class Token(NamedTuple):
    """`text` is canonical; `raw` and `[start, end)` are as in the normalised text."""

    text: str
    raw: str
    start: int
    end: int


def tokenise(text: str) -> list[Token]:
    """Split a normalised text; numbers, ordinals and Roman numerals become digits."""
    words = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
    tokens: list[Token] = []
    for index, (raw, start, end) in enumerate(words):
        before = words[index - 1][0] if index else ""
        tokens.append(Token(_canonical(raw, before), raw, start, end))
    return tokens


@lru_cache(maxsize=1 << 16)
def _canonical(raw: str, before: str) -> str:
    """One spelling for a word."""
    word = raw.replace(".", "").lower()
    word = re.sub(r"'s?$|'(?=s$)", "", word) if word.endswith(("'s", "'")) else word
    word = word.replace("'", "")
    if raw[0].isdigit():
        return re.sub(r"(?<=\d)(st|nd|rd|th)$", "", word.replace(",", ""))
    if word in NUMBER_WORDS:
        return str(NUMBER_WORDS[word])
    if word in ORDINAL_WORDS:
        return str(ORDINAL_WORDS[word])
    numeral = roman_value(raw)
    named = before[:1].isupper() and before.lower() not in FUNCTION_WORDS
    if numeral is not None and (len(raw) > 1 or (raw in "IVX" and named)):
        return str(numeral)
    return SPELLINGS.get(word, word)


def words(tokens: list[Token]) -> list[str]:
    """Canonical words with abbreviations spelt in one way (USA, United States of America, …)."""
    return [word for word, _ in expanded(tokens)]


def expanded(tokens: list[Token]) -> list[tuple[str, int]]:
    """(word, index of its token) with abbreviations replaced, longest first."""
    result: list[tuple[str, int]] = []
    index = 0
    while index < len(tokens):
        longest = _LONGEST.get(tokens[index].text, 0)
        for length in range(min(longest, len(tokens) - index), 0, -1):
            phrase = " ".join(token.text for token in tokens[index : index + length])
            spelt = "street" if _street(tokens, index) else ABBREVIATIONS.get(phrase)
            if spelt is not None and (length > 1 or _abbreviated(tokens[index])):
                result += [(word, index) for word in spelt.split()]
                index += length
                break
        else:
            result.append((tokens[index].text, index))
            index += 1
    return result


def _street(tokens: list[Token], index: int) -> bool:
    """Whether `St` follows a name instead of standing before one."""
    after = tokens[index + 1 : index + 2]
    named = index > 0 and tokens[index - 1].raw[0].isupper()
    return tokens[index].text == "st" and named and not (after and after[0].raw[0].isupper())


def _abbreviated(token: Token) -> bool:
    """Whether a short form is written as one: `US`, not `us`, and `LA`, not `La`."""
    if token.text in _ARTICLES_TOO:
        return token.raw.isupper()
    return token.text not in _CAPITAL_ONLY or token.raw[0].isupper()


def find(needle: list[str], hay: list[str]) -> list[int]:
    """Positions at which `needle` stands in `hay` as a run of whole words."""
    n = len(needle)
    return [i for i in range(len(hay) - n + 1) if hay[i : i + n] == needle] if n else []
