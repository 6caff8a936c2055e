"""Whether a paraphrase gives a name or a number that its question does not hold.

Such a clue makes the paraphrase easier than the question: what it measures is no longer whether the
same thing is known. Names are told by capitals (`casing`); what else a thing may be called stands
in the word lists and in the benchmark's `synonyms.jsonl`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import FUNCTION_WORDS, Breach, every_text
from unlearnbench.benchmark.quality.casing import Casing, bare_word, words_of
from unlearnbench.benchmark.quality.words import COUNTERS, NUMBERS, SAME
from unlearnbench.types import Fact

_TOPIC_SHARE, _TOPIC_LEAST = 0.25, 3
"""A word in this share of a topic's questions, and in so many, is no clue to one of its facts."""
_ENDINGS = (
    "s",
    "es",
    "n",
    "an",
    "ian",
    "ans",
    "ians",
    "ish",
    "ard",
    "ards",
    "ist",
    "ists",
    "er",
    "ers",
)
_SHORTEST = 3
"""Letters of a short form of a first name (Greg for Gregory)."""
_NUMBER = re.compile(r"\d+")
_NOT_COUNTED = re.compile(r"1st|2nd|[24]")
"""`2nd` in command, and what a chat writes for `to` and `for`."""
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
_CENTURY = re.compile(r"\d+th|.*teenth|twentieth")


def check_clues(
    facts: Sequence[Fact],
    synonyms: Sequence[frozenset[str]] = (),
    reviewed: frozenset[tuple[str, str]] = frozenset(),
) -> Iterator[Breach]:
    """Paraphrases with added clues that nobody has reviewed; `reviewed` is (fact, text).

    `synonyms`: groups of names of one thing, as `plain` leaves them.
    """
    clues = Clues(facts, synonyms)
    for fact in facts:
        for text in every_text(fact)[1:]:
            if (fact.id, text) not in reviewed:
                listed = ", ".join(dict.fromkeys(clues.added(fact, text)))
                if listed:
                    yield Breach("added-clue", fact.id, f"{listed} in {text!r}")


class Clues:
    """Finds the names and numbers that a text has and its question has not.

    What is a name is learnt from all texts of the facts.
    """

    def __init__(
        self,
        facts: Sequence[Fact],
        synonyms: Sequence[frozenset[str]] = (),
        more: Sequence[str] = (),
    ) -> None:
        texts = (text for fact in facts for text in every_text(fact))
        self._casing = Casing.of((*texts, *more))
        self._topics = _topic_words(facts)
        self._synonyms = synonyms

    def added(self, fact: Fact, text: str) -> list[str]:
        """The names and numbers of a text that are not its question's."""
        known = _Known(fact.question, self._topics[fact.topic], self._synonyms, text)
        clues = [name for name in self._casing.names_in(text) if not known.name(name)]
        return clues + [number for number in _numbers(text) if not known.number(number)]


def _topic_words(facts: Sequence[Fact]) -> Mapping[str, frozenset[str]]:
    """For each topic, the words of its slug and those that many of its questions hold; where it
    has forget facts, of theirs.
    """
    forgotten = {fact.topic for fact in facts if fact.split == "forget"}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    sizes: Counter[str] = Counter()
    for fact in facts:
        if fact.split == "forget" or fact.topic not in forgotten:
            sizes[fact.topic] += 1
            counts[fact.topic].update({word.folded for word in words_of(fact.question)})
    words: dict[str, frozenset[str]] = {}
    for topic, size in sizes.items():
        least = max(_TOPIC_SHARE * size, _TOPIC_LEAST)
        often = {word for word, n in counts[topic].items() if n >= least}
        words[topic] = frozenset(often | set(topic.split("-")))
    return words


class _Known:
    """What a question and its topic hold already, and a text may therefore hold too."""

    def __init__(
        self,
        question: str,
        topic: frozenset[str],
        synonyms: Sequence[frozenset[str]],
        text: str,
    ) -> None:
        asked = {word.folded for word in words_of(question)} | topic
        whole, there = f" {plain(question)} ", f" {plain(text)} "
        groups = [
            group
            for group in synonyms
            if any(f" {name} " in whole or name in topic for name in group)
        ]
        names = [name for group in groups for name in group]
        asked |= {w for name in names if f" {name} " in there for w in name.split()}
        self._words = frozenset(asked.union(*(same for same in SAME if same & asked)))
        words = plain(question).split()
        telling = (word for word in words if word not in FUNCTION_WORDS)
        self._initials = " ".join("".join(w[0] for w in some) for some in (words, telling))
        self._years = _YEAR.findall(" ".join((question, *names)))
        digits = {NUMBERS[word] for word in self._words if word in NUMBERS}
        self._digits = digits.union(*(_NUMBER.findall(word) for word in self._words))

    def name(self, word: str) -> bool:
        """Whether a name is the question's, in the same or another form."""
        folded = bare_word(word)
        bases = {folded.removesuffix(ending) for ending in _ENDINGS if folded.endswith(ending)}
        longer = {folded + ending for ending in _ENDINGS}
        short = len(folded) >= _SHORTEST and any(w.startswith(folded) for w in self._words)
        initials = word.replace(".", "").isupper() and folded in self._initials
        return bool((bases | longer | {folded}) & self._words) or short or initials

    def number(self, word: str) -> bool:
        """Whether a number is the question's, or its year said more loosely."""
        digits = NUMBERS.get(word) or _NUMBER.findall(word)[0]
        if digits in self._digits:
            return True
        loose = word.endswith("s")
        return any(
            (loose and digits[-1] == "0" and year[-len(digits) : -1] == digits[:-1])
            or (_CENTURY.fullmatch(word) and int(year[:2]) + 1 == int(digits))
            or year[2:] == digits
            for year in self._years
        )


def _numbers(text: str) -> Iterator[str]:
    """Numbers in digits or words, but for those that count the text's own questions or pages."""
    words = [word.folded for word in words_of(text)]
    for place, word in enumerate(words):
        before, after = words[max(0, place - 1) : place], words[place + 1 : place + 2]
        if not (word in NUMBERS or word[0].isdigit()) or _NOT_COUNTED.fullmatch(word):
            continue
        points = before == ["for"] and word.endswith("00")
        if not points and not any(other in COUNTERS for other in (*before, *after)):
            yield word
