"""Other names of the same thing: formulas, symbols, everyday names of parts of the body."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnbench.judging.rules.tables import ARTICLES, SYNONYMS


def synonyms(words: Sequence[str]) -> tuple[str, ...]:
    """What else a gold answer of these words may be called."""
    return SYNONYMS.get(" ".join(word for word in words if word not in ARTICLES), ())
