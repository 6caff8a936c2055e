"""What a check reports, and how paraphrases are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unlearnbench.benchmark import plain
from unlearnbench.types import Fact

MOST_EQUAL_STARTS = 3
"""Up to this many paraphrases of a fact may share their first four words."""
MEAN_OVERLAP = 0.5
"""Bound of the mean pairwise word overlap of a fact's evaluation paraphrases."""
PAIR_LIKENESS = 93.0
"""Two texts whose letters are more alike than this, in percent, count as one."""
SIMILARITY = 0.5
"""Cosine similarity to its own question below which a paraphrase must have been reviewed."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One breach: `rule` is its stable name, `fact` where it is, `what` the words at fault."""

    rule: str
    fact: str
    what: str


@dataclass(frozen=True, slots=True)
class JudgeRules:
    """What the checks ask of judge `rules`, which this part of the program does not know.

    `accepts(question, answer, aliases, response)`; `is_person(answer, question)`.
    """

    accepts: Callable[[str, str, tuple[str, ...], str], bool]
    is_person: Callable[[str, str], bool]


def telling_words(text: str) -> frozenset[str]:
    """The telling words of a text."""
    return frozenset(plain(text).split()) - FUNCTION_WORDS


def overlap(one: frozenset[str], two: frozenset[str]) -> float:
    """Share of two texts' telling words that they have in common (Jaccard), 0 to 1."""
    return len(one & two) / len(one | two) if one or two else 1.0


def evaluation_texts(fact: Fact) -> list[str]:
    """The paraphrases that a fact is evaluated with."""
    return [p.text for p in fact.paraphrases]


def every_text(fact: Fact) -> list[str]:
    """A fact's question and all its paraphrases, for evaluation and for training."""
    return [fact.question, *evaluation_texts(fact), *fact.train_paraphrases]


FUNCTION_WORDS = frozenset(
    [
        "a", "an", "the", "of", "in", "on", "at", "to", "and", "or", "is", "was", "were", "did",
        "do", "does", "what", "which", "who", "whom", "whose", "when", "where", "how", "by", "for",
        "from", "with", "as", "it", "its", "that", "this", "be", "been", "has", "have", "had", "s",
        "i", "my", "me", "you", "your",
    ]
)  # fmt: skip
