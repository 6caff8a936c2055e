"""Whether a candidate is there already: as its question, a paraphrase, or of another fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rapidfuzz import fuzz, process

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import MOST_EQUAL_STARTS, PAIR_LIKENESS
from unlearnbench.paraphrasing.candidates import CandidateDoubt, Purpose
from unlearnbench.paraphrasing.rules.words import plain_words

_START = 4
"""Words that two texts begin with."""


class Present:
    """The texts that a fact has, in the order in which they came."""

    def __init__(self, question: str, kept: Iterable[str]) -> None:
        self._question = plain(question)
        self._texts: dict[str, Purpose | None] = {}
        self._starts: Counter[tuple[str, ...]] = Counter()
        for text in (question, *kept):
            self.add(text, None)

    def add(self, text: str, purpose: Purpose | None, *, counts: bool = True) -> None:
        """Note a text; where it does not count, it may not be repeated, but its opening may."""
        self._texts.setdefault(plain(text), purpose)
        if counts:
            self._starts[plain_words(text)[:_START]] += 1

    def repeated(self, text: str, purpose: Purpose) -> CandidateDoubt | None:
        """Whether a text is the question or another text, or nearly."""
        own = plain(text)
        other = own if own in self._texts else self._nearest(own)
        if other is None:
            return None
        trains = self._texts[other]
        if other == self._question:
            return CandidateDoubt("duplicate-wording", "repeats the question", final=True)
        if trains is not None and trains != purpose:
            return CandidateDoubt(
                "trained-wording", f"is for {trains} already: {other!r}", final=True
            )
        return CandidateDoubt("duplicate-wording", f"repeats {other!r}", final=True)

    def _nearest(self, own: str) -> str | None:
        """The text that is nearly this one, if any."""
        like = process.extractOne(own, list(self._texts), scorer=fuzz.ratio)
        return like[0] if like is not None and like[1] > PAIR_LIKENESS else None

    def same_opening(self, text: str) -> CandidateDoubt | None:
        """Whether too many texts begin like this one."""
        start = plain_words(text)[:_START]
        if self._starts[start] < MOST_EQUAL_STARTS:
            return None
        return CandidateDoubt(
            "equal-starts", f"{self._starts[start]} more begin {' '.join(start)!r}"
        )


class Questions:
    """The questions and paraphrases of all facts, by which a text may ask another fact."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._owners: dict[str, str] = {}
        for fact, text in texts:
            self._owners.setdefault(plain(text), fact)

    def asked_by(self, fact: str, text: str) -> CandidateDoubt | None:
        """Whether a text is another fact's, word by word."""
        owner = self._owners.get(plain(text), fact)
        if owner == fact:
            return None
        return CandidateDoubt("shared-wording", f"also asks {owner}", final=True)
