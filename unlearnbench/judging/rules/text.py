"""A text with every view of it that rules ask for."""

from __future__ import annotations

import re
from functools import cached_property

from anyascii import anyascii

from unlearnbench.judging.rules.dates import Date, find_dates
from unlearnbench.judging.rules.normalise import look_alikes_undone, normalise, symbols
from unlearnbench.judging.rules.phrases import answer_forms
from unlearnbench.judging.rules.quantities import Quantity, find_quantities, unit_text
from unlearnbench.judging.rules.roman import roman_value
from unlearnbench.judging.rules.tables import UNITS
from unlearnbench.judging.rules.tokens import Token, expanded, tokenise


class Text:
    """Each view is computed once, when first asked for."""

    def __init__(self, text: str, *, part: bool = False) -> None:
        self.source = text
        self.part = part
        """Whether this, as an answer, is one word out of a longer name."""
        self.plain = normalise(text)

    @cached_property
    def symbols(self) -> str:
        """The text with the signs that `plain` takes for layout."""
        return symbols(self.source)

    @cached_property
    def tokens(self) -> list[Token]:
        """Canonical words with their places."""
        return tokenise(self.plain)

    @cached_property
    def spelt(self) -> list[tuple[str, int]]:
        """Canonical words with abbreviations spelt out, each with the index of its token."""
        return expanded(self.tokens)

    @cached_property
    def words(self) -> list[str]:
        """The words of `spelt`."""
        return [word for word, _ in self.spelt]

    @cached_property
    def forms(self) -> list[list[str]]:
        """The forms in which these words, as an answer, may appear."""
        return answer_forms(self.words)

    @cached_property
    def in_units(self) -> str:
        """`plain` in lower case with units of several words as one key; see `unit_text`."""
        return unit_text(self.plain)

    @cached_property
    def quantities(self) -> list[Quantity]:
        """Numbers with their units, Roman numerals too; places are those of `in_units`."""
        numerals = [
            Quantity(float(value), None, False, False, 0, None, token.start, token.end)
            for token in self.tokens
            if len(token.raw) > 1 and (value := roman_value(token.raw)) is not None
        ]
        return find_quantities(self.in_units) + numerals

    @cached_property
    def dates(self) -> list[Date]:
        """Every reading of every date."""
        return find_dates(self.plain)

    @cached_property
    def units(self) -> frozenset[str]:
        """Units that the text names."""
        parts = self.in_units.replace("-", " ").split()
        words = (part.strip("?.,;:()\"'") for part in parts)
        return frozenset(word for word in words if word in UNITS and len(word) > 1)


_OTHER_SCRIPT = re.compile(r"[\u0370-\u1cff\u3040-\ud7ff]")


def interpretations(response: str) -> list[Text]:
    """The response as it is, and in Latin letters if it holds letters of another script."""
    texts = [Text(response)]
    if _OTHER_SCRIPT.search(response):
        texts.append(Text(anyascii(look_alikes_undone(response))))
    return texts
