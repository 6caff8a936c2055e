"""The wordings of a fact's question, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unlearnbench.types import ORIGINAL, Fact


def phrasings(
    fact: Fact, styles: Sequence[str], per_style: int | None
) -> Iterator[tuple[str, str, str]]:
    """(name, family, text) of the original question and its paraphrases, in order of `styles`.

    The original belongs to the first family, so that it gets the same in-context examples as the
    paraphrases closest to it.
    """
    yield ORIGINAL, styles[0], fact.question
    for style in styles:
        texts = [p.text for p in fact.paraphrases if p.style == style]
        for number, text in enumerate(texts[:per_style], start=1):
            yield f"{style}-{number}", style, text
