"""ROUGE-L recall, by the library the field uses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from unlearnbench.environment import extra


def rouge_l_recall(reference: str, response: str) -> float:
    """Longest common subsequence of stemmed words over the reference's length, 0 to 1.

    Lin (2004); `rouge-score` with its Porter stemmer, as in TOFU's code. A reference without any
    word has recall 0.
    """
    return float(_scorer().score(reference, response)["rougeL"].recall)


@lru_cache(maxsize=1)
def _scorer() -> Any:
    return extra("rouge_score.rouge_scorer", "tofu").RougeScorer(["rougeL"], use_stemmer=True)
