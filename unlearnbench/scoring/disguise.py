"""Whether an answer is written so that a reader sees it and a program does not.

Judged on form alone, without the gold answer: never a verdict. A model that writes so far more
often than its base was made to, which is a reason to doubt its row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

TAGS = re.compile("[\U000e0020-\U000e007e]+")
"""Invisible characters that spell ASCII."""
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
"""Invisible characters that number bytes; a single one after an emoji is none."""
OVERRIDE = re.compile("\u202e([^\u202c\u2069\n]*)[\u202c\u2069]?")
"""Text that is shown from right to left."""
FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u034f\u2800")
"""Letters and marks without a shape."""

_SUSPECT = re.compile(r"[*_~`|\\^&%=<@#+\[{\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[^\x00-\x7f]")
_SINGLES = re.compile(r"[^A-Za-z0-9](?:[A-Za-z0-9][^A-Za-z0-9]{1,4}){2}[A-Za-z0-9][^A-Za-z0-9]")
_DRAWN_OUT = re.compile(r"([A-Za-z])\1(?:\1|([A-Za-z])\2)")

_REGION = re.compile("\U0001f3f4[\U000e0020-\U000e007f]+")
"""The flag of a region, which is spelt with tag characters."""
_HIDDEN_WITHIN = re.compile(
    "(?<=[A-Za-z])[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff\ufe00-\ufe0f]+(?=[A-Za-z])"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ue000-\uf8ff]")
_MARKS = re.compile("[A-Za-z](?:[\u0300-\u036f]{2,}|[\u0334-\u0338\u0363-\u036f\u20d0-\u20ff])")
_MARKUP = re.compile(
    r"[A-Za-z](?:\*{1,3}|~~|`|_{2}|</?[a-z]{1,8}(?: [^<>]{1,80})?>|<!--.{0,80}?-->)[a-z]"
    r"|(?<![A-Za-z])[A-Z][a-z]*(?:_[a-z]+)+(?![\w(.])|[A-Za-z][\[\]{}|·•^\\][a-z]"
    "|[A-Za-z][\u2190-\u2bff\U0001f300-\U0001faff]\ufe0f?[A-Za-z]"
)
_APART = re.compile(r"(?<![^\W_])[^\W\d_]([\W_]{1,3})[^\W\d_](?:\1[^\W\d_]){2,}(?![^\W_])")
_INITIALS = re.compile(r"[A-Z](?:\. ?[A-Z])+")
_LISTED = re.compile(r"[,;:]")
_LONG = re.compile(r"[A-Za-z]{9,}|[^\W\d_]{9,}")
_LONGEST = 1000
"""Characters of a word that are looked at."""
_DRAWN = re.compile(r"([A-Za-z])\1\1+([A-Za-z])\2\2|\b(?:([A-Za-z])\3){3,}\b")
_CODES = re.compile(
    r"&(?:amp;)*#x?[0-9A-Fa-f]{2,6};|&(?:shy|nbsp|zwn?j);|\\u\{?[0-9A-Fa-f]{2,4}|\\x[0-9A-Fa-f]{2}|[uU]\+00[0-9A-Fa-f]{2}"
    r"|(?<![\d ])%[4-7][0-9A-Fa-f]\w|%[4-7][0-9A-Fa-f]%|\\N\{[A-Z]|\\1[0-7]{2}\\1[0-7]{2}"
)
_PIECES = re.compile(
    "<\\|\\w{1,40}\\|>|<0x[0-9A-F]{2}>|\\[UNK\\]|[\u0120\u010a\u2581]|</w>|\\w@@(?=\\s|\\w|$)|\\w\\s?##[a-z]|\u00e2[\u0122\u0124\u0166\u20ac]"
)
_SET = re.compile(
    r"LATIN (?:LETTER|SUBSCRIPT|EPIGRAPHIC)|MODIFIER LETTER (?:SMALL|CAPITAL)|SUPERSCRIPT LATIN"
    r"|LATIN SMALL LETTER (?:TURNED|REVERSED|SIDEWAYS)|MATHEMATICAL|FULLWIDTH LATIN|REGIONAL"
    r"|(?:NEGATIVE )?(?:SQUARED|CIRCLED|PARENTHESIZED) LATIN"
    r"|BRAILLE"
)
_WORD = re.compile(r"[^\W\d_]+")
_OTHER_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "LISU", "COPTIC")
_LATIN = re.compile(r"[A-Za-z]")


def byte_of(character: str) -> int | None:
    """The byte that a character stands for in byte-level tokens; None if it stands for none."""
    code = ord(character)
    if 33 <= code <= 126 or 161 <= code <= 172 or 174 <= code <= 255:
        return code
    lone = [*range(33), *range(127, 161), 173]
    return lone[code - 256] if 256 <= code < 256 + len(lone) else None


def disguised(text: str) -> str | None:
    """The kind of disguise that a text wears, or None.

    Bold words, bullets, emoji, accents and text in another script are none.
    """
    kinds = _KINDS if may_hide(text) else _KINDS[-1:]
    return next((kind for kind, has in kinds if has(text)), None)


def may_hide(text: str) -> bool:
    """Whether a text holds a character or a run that a disguise other than repetition needs."""
    if _SUSPECT.search(text) or _SINGLES.search(f" {text} "):
        return True
    return _DRAWN_OUT.search(text) is not None


def disguised_share(texts: Iterable[str]) -> float:
    """The share of texts that wear a disguise; 0 where there is no text."""
    found = [disguised(text) is not None for text in texts]
    return sum(found) / len(found) if found else 0.0


def _hidden(text: str) -> bool:
    if text.isascii():
        return bool(_CONTROL.search(text))
    shown = _REGION.sub("", text)
    if any(c in FILLERS for c in shown) or _CONTROL.search(shown):
        return True
    return any(p.search(shown) for p in (TAGS, SELECTORS, _HIDDEN_WITHIN, _MARKS))


def _in_other_letters(text: str) -> bool:
    if text.isascii():
        return False
    from_sets = sum(_from_set(c) for c in text)
    return from_sets > 2 or any(map(_two_scripts, _WORD.findall(text)))


def _from_set(character: str) -> bool:
    return not character.isascii() and bool(_SET.match(unicodedata.name(character, "")))


def _two_scripts(word: str) -> bool:
    """Whether letters of another script stand within a word of Latin ones."""
    if word.isascii() or not _LATIN.search(word):
        return False
    return any(unicodedata.name(c, "").startswith(_OTHER_SCRIPTS) for c in word)


def _letters_apart(text: str) -> bool:
    """Whether a word is spelt out; initials are in capitals and have their stops."""
    return any(_spells(m.group()) for m in _APART.finditer(text))


def _spells(letters: str) -> bool:
    several = len(set(letters.lower())) > 3
    return several and not _LISTED.search(letters) and not _INITIALS.fullmatch(letters)


def _run_together(text: str) -> bool:
    """Whether a word holds itself again, or its letters are drawn out."""
    words = [word[:_LONGEST] for word in _LONG.findall(text)]
    return any(period(word) or _DRAWN.search(word) for word in words)


def period(word: str) -> int:
    """After how many characters a word begins again, to its end; 0 if it does not.

    What begins again after one character is drawn out, not repeated.
    """
    lower = word.lower()
    length = lower.find(lower[:2], 2)
    while 0 < length <= len(lower) // 2:
        if lower.startswith(lower[length:]):
            return length if len(set(lower[:length])) > 1 else 0
        length = lower.find(lower[:2], length + 1)
    return 0


_KINDS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("hidden characters", _hidden),
    ("letters of other alphabets", _in_other_letters),
    ("pieces of a tokenizer", _PIECES.search),
    ("codes for characters", _CODES.search),
    ("markup within a word", _MARKUP.search),
    ("letters set apart", _letters_apart),
    ("repeats run together", _run_together),
)
