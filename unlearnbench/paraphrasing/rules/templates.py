"""Whether a candidate is the question itself under a hat: `Can you tell me …`, `Do you know …`."""

from __future__ import annotations

from rapidfuzz.distance import LCSseq

from unlearnbench.benchmark.quality.breaches import FUNCTION_WORDS
from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.rules.words import POLITE, plain_words

_KEPT = 0.8
"""Share of the question's words that stand in the text in their order."""
_SHARED, _OF_FEW, _FEW = 0.65, 0.8, 8
"""Such words as a share of the words of both; of a question of few words, most are names."""
_STEM = 4
_LEAST = 3
"""Words of a question of which so much can be said."""


def check_template(question: str, text: str) -> CandidateDoubt | None:
    """Whether little was added to the question's own words: politeness (`template`), or a word or
    two (`near-copy`), by which it is no paraphrase or asks something else.
    """
    asked, words = plain_words(question), plain_words(text)
    if len(asked) < _LEAST:
        return None
    in_order = LCSseq.similarity(asked, words)
    shared = in_order / (len(asked) + len(words) - in_order)
    stems = {word[:_STEM] for word in asked}
    new = [word for word in words if word[:_STEM] not in stems]
    polite = all(word in POLITE or word in FUNCTION_WORDS for word in new)
    if in_order / len(asked) < _KEPT:
        return None
    if not new:
        return CandidateDoubt("near-copy", "the question's own words")
    if polite:
        return CandidateDoubt("template", f"the question's own words behind {' '.join(new)!r}")
    alike = shared >= (_SHARED if len(asked) >= _FEW else _OF_FEW)
    return (
        CandidateDoubt("near-copy", f"the question's own words with {' '.join(new)!r}")
        if alike
        else None
    )
