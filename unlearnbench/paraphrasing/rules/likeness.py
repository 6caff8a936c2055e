"""Whether a candidate asks what its question asks, by how its words stand to the question's.

The sentence embedding finds texts that are far off (`SIMILARITY`, as in `show benchmark --check`);
it does not see that one word was exchanged. So the words of both are laid side by side in their
contexts: which of the question have no near counterpart in the candidate, and which of the
candidate none in the question, together with how much of the wording was taken over. A logistic
function of these traits says how likely the meaning changed; `likeness.toml` holds its weights,
which `perf/candidates.py --fit` finds. English only.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq

from unlearnbench.benchmark.quality.breaches import FUNCTION_WORDS, SIMILARITY
from unlearnbench.benchmark.quality.meaning import Embedded
from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.rules.words import plain_words

_STEM = 5
_QUESTION_WORDS = frozenset(
    ["which", "what", "who", "whom", "whose", "where", "when", "why", "how"]
)
_NEAR, _HEAD = 6, 3
"""So many words behind a question word are looked at, and so many telling ones of them kept."""
_USUAL = 0.65
"""What stands for a similarity that cannot be told."""
_NEGATIONS = re.compile(
    r"\b(?:not|never|no|nor|none|nothing|without|refus\w*|declin\w*|hardly|against|oppos\w*)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
Numbers = npt.NDArray[np.float32]
Traits = Mapping[str, float]


def check_likeness(
    texts: tuple[str, str], question: Embedded, text: Embedded, answer: Embedded
) -> CandidateDoubt | None:
    """Whether a text (the second of `texts`) seems to ask something else than its question."""
    similarity = float(question.vector @ text.vector)
    if similarity < SIMILARITY:
        return CandidateDoubt("other-meaning", f"only {similarity:.2f} like its question")
    weights = _weights()
    if change(traits(texts, question, text, answer)) <= weights.threshold:
        return None
    least = int(_telling_matrix(text, question).max(1).argmin())
    word = [text.words[i] for i in _telling(text)][least]
    return CandidateDoubt(
        "other-meaning", f"may ask something else: {word!r} is not in the question"
    )


def change(found: Traits) -> float:
    """How likely it is that the meaning changed, 0 to 1."""
    weights = _weights()
    total = weights.intercept + sum(weights.factors[name] * found[name] for name in weights.factors)
    return 1 / (1 + math.exp(-total))


def traits(
    texts: tuple[str, str], question: Embedded, text: Embedded, answer: Embedded
) -> dict[str, float]:
    """How a text stands to its question; each about 0 to 1."""
    lost = np.sort(_telling_matrix(question, text).max(1))
    new = np.sort(_telling_matrix(text, question).max(1))
    asked, words = plain_words(texts[0]), plain_words(texts[1])
    in_order = LCSseq.similarity(asked, words)
    shared = _share(set(asked), set(words))
    found = {
        "similarity": float(question.vector @ text.vector),
        "least_kept": float(lost[0]),
        "second_kept": float(lost[min(1, len(lost) - 1)]),
        "mean_kept": float(lost.mean()),
        "least_known": float(new[0]),
        "second_known": float(new[min(1, len(new) - 1)]),
        "mean_known": float(new.mean()),
        "stems": _share(_stems(asked), _stems(words)),
        "shared": shared,
        "in_order": in_order / max(1, len(asked)),
        "from_question": in_order / max(1, len(words)),
        "order_shared": in_order / max(1, len(asked) + len(words) - in_order),
        "length": min(2.0, len(words) / max(1, len(asked))),
        "off_answer": float((question.vector - text.vector) @ answer.vector),
        "negations": float(min(2, abs(_negations(texts[0]) - _negations(texts[1])))),
    }
    found["close_new"] = shared * (1 - found["least_known"])
    found["close_lost"] = shared * (1 - found["least_kept"])
    heads = _head_traits(question, text)
    return found | heads | {f"close_{name}": shared * value for name, value in heads.items()}


def _head_traits(question: Embedded, text: Embedded) -> dict[str, float]:
    """How the words behind the question words stand to one another: what is asked for."""
    asked, words = _head(question), _head(text)
    both = question.each[asked] @ text.each[words].T
    kept = question.each[asked] @ text.each.T
    known = question.each @ text.each[words].T
    return {
        "heads": float(both.max(0).mean()) if asked and words else _USUAL,
        "head_kept": float(kept.max(1).min()) if asked and text.words else _USUAL,
        "head_known": float(known.max(0).min()) if words and question.words else _USUAL,
        "headless": float(not words),
    }


def _head(text: Embedded) -> list[int]:
    """Places of the telling words right behind the first question word."""
    small = [word.lower() for word in text.words]
    first = next((place for place, word in enumerate(small) if word in _QUESTION_WORDS), None)
    if first is None:
        return []
    behind = range(first + 1, min(first + 1 + _NEAR, len(small)))
    telling = [n for n in behind if small[n].isalnum() and small[n] not in FUNCTION_WORDS]
    return telling[:_HEAD]


def _telling(text: Embedded) -> list[int]:
    """Places of the telling words; of all where there are none."""
    places = [
        place
        for place, word in enumerate(text.words)
        if word.isalnum() and word.lower() not in FUNCTION_WORDS
    ]
    return places or list(range(len(text.words)))


def _telling_matrix(one: Embedded, other: Embedded) -> Numbers:
    """Similarity of each telling word of a text to each word of another."""
    if not one.words or not other.words:
        return np.zeros((1, 1), np.float32)
    result: Numbers = one.each[_telling(one)] @ other.each.T
    return result


def _share(one: set[str], two: set[str]) -> float:
    return len(one & two) / len(one | two) if one or two else 1.0


def _stems(words: tuple[str, ...]) -> set[str]:
    return {word[:_STEM] for word in words if word not in FUNCTION_WORDS}


def _negations(text: str) -> int:
    return len(_NEGATIONS.findall(text))


class _Weights:
    """Factors of the traits, and the likelihood above which a person decides."""

    def __init__(self, table: Mapping[str, float]) -> None:
        self.threshold = table["threshold"]
        self.intercept = table["intercept"]
        self.factors = {n: v for n, v in table.items() if n not in ("threshold", "intercept")}


@lru_cache(maxsize=1)
def _weights() -> _Weights:
    table = tomllib.loads(Path(__file__).with_name("likeness.toml").read_text("utf-8"))
    return _Weights({name: float(value) for name, value in table.items()})
