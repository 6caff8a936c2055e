"""Text in codes, read again: entities, escapes, invisible bytes, pieces of a tokenizer."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

from unlearnbench.scoring.disguise import OVERRIDE, SELECTORS, TAGS, byte_of

_CODED = re.compile(r"[&%\\=<@#+\[]")
"""What ASCII must hold for any code to be in it."""
_ESCAPE = re.compile(
    r"(?:\\u|\\U|%u|[uU]\+|\\x|\\)\{?(?P<hex>(?<=\\U)[0-9A-Fa-f]{8}|(?<=\\x)[0-9A-Fa-f]{2}"
    r"|(?<=\{)[0-9A-Fa-f]{2,6}(?=\})|(?<=u)[0-9A-Fa-f]{4}|(?<=[uU]\+)[0-9A-Fa-f]{4,6})\}?"
    r"|<0x(?P<byte>[0-9A-Fa-f]{2})>|\\(?P<octal>[01][0-7]{2})|=(?P<quoted>[2-7][0-9A-F])"
    r"|\\N\{(?P<name>[A-Za-z0-9 -]{1,80})\}"
)
_ELEMENT = re.compile(
    r"</?[A-Za-z][^<>]{0,80}>|<!--.{0,80}?-->|<\|[^<>|]{1,40}\|>|\[(?:UNK|PAD|MASK|SEP|CLS)\]",
    re.DOTALL,
)
_LINK = re.compile(r"\[([^\[\]]{0,80})\]\([^()\s]{0,200}\)")
_COMMAND = re.compile(r"\\[A-Za-z]{2,12}\s?(?=\{)")
"""A command of TeX; its braces are signs like others."""
_PIECE_MARK = re.compile("[\u0120\u010a\u2581]|</w>")
_CONTINUED = re.compile(r"\s*##(?=\w)|@@(?:\s|(?=\w)|$)")
_HIGH_RUN = re.compile("[\u0080-\u0143\u0152-\u0192\u02c6-\u02dc\u2013-\u203a\u20ac\u2122]{2,}")
_EUROPEAN = frozenset(map(chr, [*range(0x250), *range(0x2000, 0x2123)]))
"""Letters with accents and typographic signs: what two such characters may stand for."""
_ROUNDS = 3
"""How often a code may stand within a code."""


def decoded(text: str) -> list[str]:
    """The text with its codes read, in each way in which it may be cut into words.

    Where a mark stands, a word may end or go on; where pieces of words stand apart, only a mark
    ends one. Empty if the text holds no codes.
    """
    if text.isascii() and not _CODED.search(text):
        return []
    marks = len(_PIECE_MARK.findall(text))
    if 3 * marks > len(text.split()) > marks:
        pieces = _PIECE_MARK.sub("\x00", re.sub(r"\s+", "", text)).replace("\x00", " ")
        return [_decoded(way, "") for way in (pieces, *([text] if "</w>" in text else []))]
    ways = [_decoded(text, gap) for gap in ("", " ")]
    return [way for way in dict.fromkeys(ways) if way != text]


def _decoded(text: str, gap: str) -> str:
    for _ in range(_ROUNDS):
        before = text
        text = _ESCAPE.sub(_escaped, unquote(html.unescape(text), errors="replace"))
        text = _PIECE_MARK.sub(gap, _CONTINUED.sub("", text))
        text = _COMMAND.sub("", _LINK.sub(r"\1", _ELEMENT.sub("", text)))
        text = SELECTORS.sub(lambda m: _set_apart(m, _selected(m.group()), gap), text)
        text = TAGS.sub(lambda m: _set_apart(m, _untagged(m.group()), gap), text)
        text = _HIGH_RUN.sub(lambda m: _from_bytes(m.group()), text)
        if text == before:
            break
    return OVERRIDE.sub(lambda m: m.group(1)[::-1], text)


def _set_apart(hidden: re.Match[str], text: str, gap: str) -> str:
    """What stood in invisible characters; a capital after a small letter begins a word."""
    begins = text[:1].isupper() and hidden.string[hidden.start() - 1 : hidden.start()].islower()
    return f"{' ' if begins else gap}{text}{gap}"


def _escaped(match: re.Match[str]) -> str:
    name = match["name"]
    if name is not None:
        try:
            return unicodedata.lookup(name)
        except KeyError:
            return match.group()
    digits = match["hex"] or match["quoted"] or match["byte"]
    code = int(digits, 16) if digits else int(match["octal"], 8)
    return chr(code) if code < 0x110000 else match.group()


def _untagged(run: str) -> str:
    """Tag characters as the ASCII that they stand for."""
    return "".join(chr(ord(c) - 0xE0000) for c in run)


def _selected(run: str) -> str:
    """Variation selectors as the bytes that they number; as they are where these are no text."""
    codes = bytes(ord(c) - (0xFE00 if ord(c) < 0xFF00 else 0xE00F0) for c in run)
    try:
        return codes.decode("utf-8")
    except UnicodeDecodeError:
        return run


def _from_bytes(run: str) -> str:
    """Characters that stand for the bytes of UTF-8, one each, as what these bytes spell."""
    for encoded in (_as_bytes(run), run.encode("cp1252", "replace")):
        try:
            text = encoded.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if all(c in _EUROPEAN for c in text):
            return text
    return run


def _as_bytes(run: str) -> bytes:
    return bytes(byte_of(c) or 0 for c in run)
