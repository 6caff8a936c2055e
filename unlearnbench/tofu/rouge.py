"""ROUGE-L recall, by the library the field uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from unlearnbench.environment import extra


@dataclass(frozen=True, slots=True)
class Rouge:
    """ROUGE-1 recall, ROUGE-L F1 and recall of a response, 0 to 1."""

    one_recall: float
    l_f1: float
    l_recall: float


def rouge_l_recall(reference: str, response: str) -> float:
    """Longest common subsequence of stemmed words over the reference's length, 0 to 1.

    Lin (2004); `rouge-score` with its Porter stemmer, as in TOFU's code. A reference without any
    word has recall 0.
    """
    return rouge(reference, response).l_recall


def rouge(reference: str, response: str, *, stemmer: bool = True) -> Rouge:
    """All of them, by the library."""
    scores = _scorer(stemmer).score(reference, response)
    one, longest = scores["rouge1"], scores["rougeL"]
    return Rouge(float(one.recall), float(longest.fmeasure), float(longest.recall))


@lru_cache(maxsize=2)
def _scorer(stemmer: bool) -> Any:
    return extra("rouge_score.rouge_scorer", "tofu").RougeScorer(
        ["rouge1", "rougeL"], use_stemmer=stemmer
    )
