"""Would the rules find a gold answer if a model gave it word by word?

A gold answer that the rules miss in itself would always look forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from unlearnbench.judging.rules import tables
from unlearnbench.judging.rules.decide import decide

FRAMES = ("The answer is {}.", "{}", "{}.", "**{}**")
"""Ways to give a gold answer and nothing else."""
_PLAIN = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,})*")
_EDGED = re.compile(r"[A-Za-z0-9](?:.*[A-Za-z0-9])?", re.DOTALL)
_SPECIAL = frozenset(
    word
    for table in (
        tables.NUMBER_WORDS, tables.ORDINAL_WORDS, tables.SCALES, tables.FRACTION_WORDS,
        tables.COUNT_WORDS, tables.MONTHS, tables.ABBREVIATIONS, tables.CASE_SENSITIVE_WORDS,
        tables.VERB_HOMOGRAPHS, tables.YES, tables.NO, ("true", "false", "century"),
    )
    for name in table
    for word in name.split()
)  # fmt: skip
"""Words that more rules than the one for plain words look at."""
_SPOKEN_DECADE = re.compile(r"(?:twen|thir|for|fif|six|seven|eigh|nine)t(?:ies|een)$")


def not_found(question: str, answer: str, aliases: Sequence[str]) -> str | None:
    """The first of a fact's gold answer and aliases that the rules miss in itself, or None."""
    question_words = frozenset(re.findall(r"[a-z]+", question.lower()))
    # A last name alone is the person's unless a number tells two of one name apart.
    numbered = any(word.isupper() or not word.isalpha() for word in answer.split())
    for gold in (answer, *aliases):
        if _certain(gold, question_words) and not (numbered and gold != answer):
            continue
        # Between letters or digits the other frames are read as the first one is, or more mildly.
        frames = FRAMES[:1] if _EDGED.fullmatch(gold) and gold.isascii() else FRAMES
        if not all(decide(question, answer, aliases, f.format(gold)).correct for f in frames):
            return gold
    return None


def _certain(gold: str, question_words: frozenset[str]) -> bool:
    """Whether a gold answer is plain words, none of them special and not all in the question.

    The rules then compare word by word, so that they find it wherever it is written whole.
    """
    if len(gold) < 3 or not _PLAIN.fullmatch(gold):
        return False
    words = [word.lower() for word in gold.split()]
    telling = [
        word for word in words if word not in tables.FUNCTION_WORDS and word not in question_words
    ]
    return bool(telling) and not any(map(_special, gold.split()))


@lru_cache(maxsize=1 << 14)
def _special(raw: str) -> bool:
    word = raw.lower()
    return raw.isupper() or word in _SPECIAL or _SPOKEN_DECADE.search(word) is not None
