"""How much of an answer a model still holds word for word."""

from __future__ import annotations

from unlearnbench.engines.tokens import AnswerTokens


def exact_memorization(answer: AnswerTokens) -> float:
    """Share of answer tokens that are the most probable ones, 0 to 1 (Tirumala et al., 2022).

    Raises `ValueError` without tokens.
    """
    if not len(answer.labels):
        raise ValueError("an answer without tokens cannot be memorized")
    return float(answer.hits.mean())


def extraction_strength(answer: AnswerTokens, *, as_released: bool = False) -> float:
    """ES = 1 - k/T with the smallest k such that every token from k on is the most probable one.

    Carlini et al. (2021), as a metric in *OpenUnlearning* (arXiv 2506.12618). An answer of which
    not even the last token is right has ES 0; OpenUnlearning's code, which looks at no k above
    T - 1, gives it 1/T, and so does `as_released`. Raises `ValueError` without tokens.
    """
    length = len(answer.labels)
    if not length:
        raise ValueError("an answer without tokens cannot be extracted")
    start = length
    for hit in answer.hits[::-1]:
        if not hit:
            break
        start -= 1
    if as_released:
        start = min(start, length - 1)
    return 1.0 - start / length
