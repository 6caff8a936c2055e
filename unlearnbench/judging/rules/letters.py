"""Letters of other alphabets and sets that a reader takes for Latin ones."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

from unlearnbench.judging.rules.tables import LOOK_ALIKES
from unlearnbench.scoring.disguise import FILLERS

_WORD = re.compile(r"[^\W\d_]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EUROPEAN = re.compile("[\u00aa-\u036f\u1e00-\u1eff]")
_SHORTEST = 3
"""Letters from which a word is read by its looks, where no other word is in disguise."""
_UNSPACED_FROM = 0x2E80
_UNSPACED_TO = 0xD7FF
"""Scripts of East Asia, which have readings of their own."""
_SETS = re.compile(r"(?:NEGATIVE|REGIONAL|SQUARED|CIRCLED|PARENTHESIZED|DINGBAT|BRAILLE)\b")
"""Beginnings of the names of signs that hold a letter or a digit."""
_MORE_LOOK_ALIKES = LOOK_ALIKES | str.maketrans(
    "кмнтвгзԛԝһӏьэοτεηωσγμβςԍᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᏀᏃᏒᏙᏚᏞᏟᏢᏦᏴᎾᏫꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴօսհոցյզՍՕՏԼ",
    "kmhtbrzqwhlbeotenwoyubcgDRTiYAJEWMHGZRVSLCPKBOoBPDTGKJCZFMNLSRVHWXYAEIOUouhngjqUOSL",
)
_UPSIDE_DOWN = str.maketrans("undpbqmwɐɔǝɟƃɥᴉɾʞʅɯɹʇʌʍʎſ", "nupdqbwmacefghijklmrtvwyJ")


def latin_letters(text: str) -> list[str]:
    """The text in Latin letters, invisible characters and control codes dropped.

    Empty where nothing changes; text that stands on its head is given in its own order too.
    """
    if text.isascii():
        return [_CONTROL.sub("", text)] if _CONTROL.search(text) else []
    plain = unicodedata.normalize("NFKC", "".join(map(_from_set, text)))
    shortest = 1 if any(map(_is_mixed, _WORD.findall(plain))) else _SHORTEST
    plain = _WORD.sub(lambda m: _looked_at(m.group(), shortest), plain)
    plain = "".join(map(_transliterated, plain))
    texts = [plain]
    if any(map(_turned, text)):
        texts.append("".join(map(_upright, reversed(text))))
    return [t for t in texts if t != text]


@lru_cache(maxsize=1 << 14)
def _from_set(character: str) -> str:
    """A letter out of one of Unicode's sets of letters; nothing for what cannot be seen."""
    if character in "\n\t" or character.isascii():
        return character if character in "\n\t" or character.isprintable() else ""
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf", "Cc", "Co", "Cs") or character in FILLERS:
        return ""
    name = unicodedata.name(character, "")
    if _SETS.match(name) or name.startswith(("LATIN", "MODIFIER LETTER")):
        return anyascii(character).strip("()") or character
    return character


def _is_mixed(word: str) -> bool:
    """Whether a word is made of letters of two scripts, as words in disguise are."""
    return not word.isascii() and any(c.isascii() for c in word) and not _EUROPEAN.search(word)


def _looked_at(word: str, shortest: int) -> str:
    """A word as it looks, where it then is Latin or was so in part."""
    if word.isascii() or len(word) < shortest:
        return word
    looks = word.translate(_MORE_LOOK_ALIKES)
    return looks if looks.isascii() or any(c.isascii() for c in word) else word


@lru_cache(maxsize=1 << 14)
def _transliterated(character: str) -> str:
    """A letter or a digit of another script by its Latin sound."""
    if character.isascii() or _UNSPACED_FROM <= ord(character) <= _UNSPACED_TO:
        return character
    kind = unicodedata.category(character)
    return anyascii(character) if kind[0] == "L" or kind == "Nd" else character


def _turned(character: str) -> bool:
    named = "TURNED" in unicodedata.name(character, "")
    return not character.isascii() and (named or ord(character) in _UPSIDE_DOWN)


def _upright(character: str) -> str:
    """A letter of a text that stands on its head."""
    turned = character.translate(_UPSIDE_DOWN)
    return turned if turned != character else _transliterated(character)
