"""How varied a text is: n-gram entropy, and distinct n-grams at equal length."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_WEIGHTS = {2: 2 / 3, 3: 4 / 3}


def cut_words(text: str) -> list[str]:
    """Words and marks of punctuation, one by one, as written.

    RWKU cuts with `nltk.word_tokenize`, which needs a model from the network; on plain sentences
    the two differ in contractions alone ("don't" is one word here, two there).
    """
    return _WORD.findall(text)


def ngram_entropy(words: Sequence[str]) -> float:
    """Weighted entropy of 2- and 3-grams × 100, the repetitiveness score of RWKU and JensUn.

    100 · ½ · (⅔ · H₂ + 4⁄3 · H₃), where H_n = -Σ p log₂ p over the shares p of the text's n-grams
    (Zhang et al. 2018, arXiv 1809.05972; Meng et al. 2022, arXiv 2202.05262; RWKU, arXiv
    2406.10890, section 4.2; the paper's "repetitiveness"). Higher is more varied. It grows with
    length: N words that all differ give about 100 · log₂ N, which is 698 for 128 and 528 for 40,
    and "No idea" 64 times gives 100. A text with no n-gram has entropy 0.
    """
    weighted = (weight * _entropy(words, n) for n, weight in _WEIGHTS.items())
    return 100 * sum(weighted) / len(_WEIGHTS)


def distinct_share(words: Sequence[str], n: int, length: int) -> float | None:
    """Share of n-grams that are different among the first `length` words; None if it is shorter.

    distinct-n (Li et al. 2016, arXiv 1510.03055) falls as texts grow, so all are cut to the same
    number of words first and those that are shorter say nothing. 1: nothing comes twice.
    Raises `ValueError` if `length` words have no n-gram.
    """
    if length < n:
        raise ValueError(f"{length} words have no {n}-gram")
    if len(words) < length:
        return None
    grams = _ngrams(words[:length], n)
    return len(set(grams)) / len(grams)


def _entropy(words: Sequence[str], n: int) -> float:
    """Entropy of a text's n-grams in bits."""
    counts = Counter(_ngrams(words, n))
    total = sum(counts.values())
    return math.fsum(-c / total * math.log2(c / total) for c in counts.values())


def _ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[place:] for place in range(n)), strict=False))
