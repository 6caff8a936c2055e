"""How other people's text is shown: nothing in it may hide, reorder, or steer what shows it."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that Unicode does not count as controls and that show nothing."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(value: object) -> object:
    """A value as text in which characters that hide or reorder others are written out.

    A reader must see what a model wrote, and a right-to-left override must not turn an answer
    round. Markup (which only templates make) is passed on.
    """
    return value if hasattr(value, "__html__") else visible_text(str(value))


def visible_text(text: str) -> str:
    """A text with such characters as `[U+202E]`; line ends and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\t":
        return character
    hidden = unicodedata.category(character) in _HIDDEN or character in _UNSEEN
    return f"[U+{ord(character):04X}]" if hidden else character
