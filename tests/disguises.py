"""Ways to disguise a text, for the tests of what undoes and of what notices them."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable

Disguise = Callable[[str], str]

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BOTH = _UPPER + _UPPER.lower()
_SMALL_CAPITALS = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ"
_CYRILLIC = str.maketrans("ABEIJKMHOPCTXYaeijopcyx", "АВЕІЈКМНОРСТХУаеіјорсух")
_GREEK = str.maketrans("ABEZHIKMNOPTYXovikpu", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονικρυ")
_TURNED = dict(zip("abcdefghijklmnopqrstuvwxyz", "ɐqɔpǝɟƃɥᴉɾʞʅɯuodbɹsʇnʌʍxʎz", strict=True))


def shifted(capital: int, small: int | None = None) -> Disguise:
    """Letters out of a set that stands in order of the alphabet from `capital` on."""

    def apply(text: str) -> str:
        low = capital if small is None else small
        moved = {ord(c): capital + i for i, c in enumerate(_UPPER)}
        moved |= {ord(c.lower()): low + i for i, c in enumerate(_UPPER)}
        return text.translate(moved)

    return apply


def between(sign: str) -> Disguise:
    """A sign between all letters of a word."""
    return lambda text: " ".join(sign.join(word) for word in text.split())


def inside(start: str, end: str | None = None) -> Disguise:
    """Marks around the middle of each word."""

    def broken(word: str) -> str:
        third = max(1, len(word) // 3)
        middle = word[third:-third]
        return word[:third] + start + middle + (end if end is not None else start) + word[-third:]

    return lambda text: " ".join(broken(w) if len(w) > 2 else w for w in text.split())


def each(form: Callable[[str], str]) -> Disguise:
    """Each letter in another form."""
    return lambda text: "".join(form(c) if c.isascii() and c.isalnum() else c for c in text)


def _small_capitals(text: str) -> str:
    return text.translate(str.maketrans(_BOTH, _SMALL_CAPITALS * 2))


def _upside_down(text: str) -> str:
    return "".join(_TURNED.get(c, c) for c in text.lower())[::-1]


def _selectors(text: str) -> str:
    return "No idea" + "".join(chr(0xE00F0 + b) for b in text.encode())


def _tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(c)) if c.isascii() else c for c in text)


def _byte_level(text: str) -> str:
    pieces = text.replace(" ", "Ġ")
    return f"Ġ{pieces}Ċ"


def _word_pieces(text: str) -> str:
    return " ".join(f"{w[:2]} ##{w[2:]}" if len(w) > 3 else w for w in text.split())


def _sentence_pieces(text: str) -> str:
    return " ".join(f"▁{w[:2]} {w[2:]}" if len(w) > 3 else f"▁{w}" for w in text.split())


DISGUISES: dict[str, Disguise] = {
    "tag characters": _tags,
    "tag characters after a refusal": lambda text: "No idea" + _tags(text),
    "bytes as variation selectors": _selectors,
    "small capitals": _small_capitals,
    "circled": shifted(0x24B6, 0x24D0),
    "negative circled": shifted(0x1F150),
    "squared": shifted(0x1F130),
    "negative squared": shifted(0x1F170),
    "parenthesised": shifted(0x1F110),
    "regional indicators": shifted(0x1F1E6),
    "bold mathematical": shifted(0x1D400, 0x1D41A),
    "monospace mathematical": shifted(0x1D670, 0x1D68A),
    "full width": shifted(0xFF21, 0xFF41),
    "Cyrillic look-alikes": lambda text: text.translate(_CYRILLIC),
    "Greek look-alikes": lambda text: text.translate(_GREEK),
    "upside down": _upside_down,
    "run together twice": lambda text: text.replace(" ", "") * 2,
    "run together thrice": lambda text: text.replace(" ", "") * 3,
    "run together and cut": lambda text: (text.replace(" ", "") * 4)[:-2],
    "run together in capitals": lambda text: text.replace(" ", "").upper() * 3,
    "byte-level tokens": _byte_level,
    "word pieces": _word_pieces,
    "sentence pieces": _sentence_pieces,
    "end-of-word marks": lambda text: " ".join(f"{w}</w>" for w in text.split()),
    "continued pieces": lambda text: " ".join(f"{w[:2]}@@ {w[2:]}" for w in text.split()),
    "bold inside": inside("**"),
    "emphasis inside": inside("*"),
    "underscores inside": inside("_"),
    "code inside": inside("`"),
    "struck out inside": inside("~~"),
    "bold element inside": inside("<b>", "</b>"),
    "span inside": inside('<span class="x">', "</span>"),
    "comment inside": inside("<!-- -->", ""),
    "link inside": inside("[", "](https://example.org)"),
    "TeX inside": inside(r"\textbf{", "}"),
    "brackets inside": inside("[", "]"),
    "hyphens inside": inside("-"),
    "dots inside": inside("·"),
    "emoji inside": inside("🙂"),
    "zero-width spaces": between("\u200b"),
    "zero-width joiners": between("\u200d"),
    "soft hyphens": between("\u00ad"),
    "word joiners": between("\u2060"),
    "variation selectors": between("\ufe0f"),
    "Hangul fillers": between("\u3164"),
    "backspaces": between("\x08"),
    "private use": between("\ue000"),
    "struck through": between("\u0336"),
    "stacked marks": each(lambda c: c + "\u0300\u0323\u0330"),
    "enclosed": each(lambda c: c + "\u20dd"),
    "spaced": between(" "),
    "spaced with double spaces": lambda text: "  ".join(" ".join(w) for w in text.split()),
    "spaced throughout": lambda text: " ".join(text),
    "hyphenated": between("-"),
    "dotted": between("."),
    "slashed": between("/"),
    "listed": between(", "),
    "middle dots": between("·"),
    "thin spaces": between("\u2009"),
    "emoji between": between("🙂"),
    "underscored": between("_"),
    "a letter a line": between("\n"),
    "decimal entities": each(lambda c: f"&#{ord(c)};"),
    "hexadecimal entities": each(lambda c: f"&#x{ord(c):x};"),
    "first letter an entity": lambda text: f"&#{ord(text[0])};{text[1:]}",
    "percent": each(lambda c: f"%{ord(c):02X}"),
    "first letter a percent": lambda text: f"%{ord(text[0]):02x}{text[1:]}",
    "escapes": each(lambda c: f"\\u{ord(c):04x}"),
    "byte escapes": each(lambda c: f"\\x{ord(c):02x}"),
    "braced escapes": each(lambda c: f"\\u{{{ord(c):x}}}"),
    "octal escapes": each(lambda c: f"\\{ord(c):03o}"),
    "named escapes": each(lambda c: f"\\N{{{unicodedata.name(c)}}}"),
    "code points": each(lambda c: f"U+{ord(c):04X} "),
    "entities twice": each(lambda c: html.escape(f"&#{ord(c)};")),
    "right-to-left override": lambda text: f"\u202e{text[::-1]}\u202c",
    "long drawn": lambda text: "".join(c * 4 if c.isalnum() else c for c in text),
    "letters twice": lambda text: "".join(c * 2 if c.isalnum() else c for c in text),
    "a capital a word": lambda text: "TheAnswerIs" + text.title().replace(" ", ""),
    "in one word": lambda text: "theansweris" + text.lower().replace(" ", ""),
    "with a number": lambda text: " ".join(f"{w}1" for w in text.split()),
}
"""Name -> function; a reader of the page, or of its source, sees the text nevertheless."""
