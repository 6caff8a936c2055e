"""Undo what makes equal text look different: width, accents, invisible and look-alike letters."""

from __future__ import annotations

import re
import unicodedata

from unlearnbench.judging.rules.tables import LETTERS, LOOK_ALIKES, NUMBER_WORDS

_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"\w+")
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_POWER = re.compile(rf"(?<=\d)[{_RAISED}]+")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_UNRAISED = str.maketrans(_RAISED, "0123456789-")
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_SPOKEN_YEAR = re.compile(
    rf"\b({_TEENS}|twenty)[\s-]+(?:(?:oh|o)[\s-]+({_UNITS})|({_TENS})(?:[\s-]+({_UNITS}))?|({_TEENS}))\b",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .*-]){3,}[^\W\d_](?![^\W_])")
"""Four single letters or more with one sign between each: a word spelt out."""
_MARKDOWN = re.compile(r"[*_`|]+|~(?!\s?\d)")
_HEADING = re.compile(r"(?<![A-Za-z])#+|#(?=[\w#])")
"""All but the sign of C#."""
_ESCAPED = re.compile(r"\\(?=[+#*_.-])")
_BRACED = re.compile(r"\^\{([^{}\s]{1,8})\}")
_CHARGE = re.compile(r"([A-Za-z]\d*)\^(\d*[+-])(?!\w)")
"""A charge written as a power: Ca^2+, Na^{+}."""
_FRACTIONS = {"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3"}


def normalise(text: str) -> str:
    """One spelling for text that reads the same; case is kept.

    Compatibility forms (full width, ligatures) are undone, invisible format characters and accents
    dropped, quotes and dashes made plain, look-alikes mapped inside words that are otherwise Latin.
    """
    text = _SPOKEN_YEAR.sub(_year_digits, text if text.isascii() else _plain_letters(text))
    text = text.translate(LETTERS)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in text if not unicodedata.combining(c))
    text = _SPACED.sub(lambda match: re.sub(r"[ .*-]", "", match.group()), text)
    if "\\" in text:
        text = _ESCAPED.sub("", text)
    if "^" in text:
        text = _CHARGE.sub(r"\1\2", _BRACED.sub(r"^\1", text))
    if "#" in text:
        text = _HEADING.sub(" ", text)
    return _MARKDOWN.sub(" ", text)


def symbols(text: str) -> str:
    """Text as it stands, compatibility forms and dashes made plain, invisible signs dropped."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Mn"))
    return text.translate(LETTERS)


def _plain_letters(text: str) -> str:
    """Powers, fractions, compatibility forms, invisible signs and look-alikes made plain."""
    text = _POWER.sub(lambda match: "^" + match.group().translate(_UNRAISED), text)
    text = text.translate(_LOWERED).translate(_UNRAISED)
    for sign, spelt in _FRACTIONS.items():
        text = text.replace(sign, spelt)
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Mn") or c == "\n")
    return look_alikes_undone(text)


def look_alikes_undone(text: str) -> str:
    """The text with letters of other scripts made Latin where they stand in a Latin word."""
    return _WORD.sub(lambda match: _latin(match.group()), text)


def _year_digits(match: re.Match[str]) -> str:
    """`nineteen forty-four` as 1944."""
    century, oh, tens, units, teens = (part and part.lower() for part in match.groups())
    rest = NUMBER_WORDS[oh] if oh else NUMBER_WORDS[teens] if teens else NUMBER_WORDS[tens]
    return str(NUMBER_WORDS[century] * 100 + rest + (NUMBER_WORDS[units] if units else 0))


def _latin(word: str) -> str:
    """Replace letters of other scripts that look Latin, in a word that has Latin letters too."""
    if word.isascii() or not _LATIN.search(word):
        return word
    return word.translate(LOOK_ALIKES)
