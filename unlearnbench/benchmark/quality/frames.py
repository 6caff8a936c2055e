"""Whether two facts of a topic are asked in one sentence with only the thing exchanged.

A reader who lays a topic side by side sees one wording, not two; and a model that has unlearned the
sentence has unlearned both. What tells two questions apart (the words that one has and the other
has not) is taken out of their paraphrases; what remains is the frame.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from rapidfuzz import fuzz, process

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import (
    FUNCTION_WORDS,
    Breach,
    evaluation_texts,
    telling_words,
)
from unlearnbench.types import Fact

FRAME_LIKENESS = 90.0
"""Two frames whose letters are more alike than this, in percent, count as one."""
_TELLING, _WORDS = 2, 4
"""A frame has at least so many telling words, and so many words; shorter ones say nothing."""
_THING = "x"
_STEM = 4
"""Words whose first letters, at least so many, are a word of the question's are forms of it."""
_THINGS = re.compile(r"\bx(?: s)?(?: x(?: s)?)*\b")


@dataclass(frozen=True, slots=True)
class SharedFrame:
    """Two texts of different facts with one frame."""

    one: Fact
    two: Fact
    texts: tuple[str, str]
    frame: str


def check_frames(
    facts: Iterable[Fact], reviewed: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[Breach]:
    """Each evaluation paraphrase whose frame another fact of its topic has as well, once.

    `reviewed`: (fact, text) of paraphrases that may share theirs.
    """
    seen: set[tuple[str, str]] = set()
    for shared in shared_frames(facts):
        for fact, text, other, same in (
            (shared.one, shared.texts[0], shared.two, shared.texts[1]),
            (shared.two, shared.texts[1], shared.one, shared.texts[0]),
        ):
            if (fact.id, text) not in seen | reviewed:
                seen.add((fact.id, text))
                what = f"{text!r} is like {same!r} of {other.id}"
                yield Breach("shared-frame", fact.id, what)


def shared_frames(facts: Iterable[Fact]) -> Iterator[SharedFrame]:
    """Every pair of evaluation paraphrases of two facts of one topic with one frame."""
    topics: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        topics[fact.topic].append(fact)
    for members in topics.values():
        for one, two in combinations(members, 2):
            yield from _between(one, two)


def _between(one: Fact, two: Fact) -> Iterator[SharedFrame]:
    asked = telling_words(one.question), telling_words(two.question)
    first = _frames(one, asked[0] - asked[1])
    second = _frames(two, asked[1] - asked[0])
    if not first or not second:
        return
    alike = process.cdist(list(first), list(second), scorer=fuzz.ratio, score_cutoff=FRAME_LIKENESS)
    for i, (frame, mine) in enumerate(first.items()):
        for j, theirs in enumerate(second.values()):
            if alike[i][j]:
                yield SharedFrame(one, two, (mine, theirs), frame)


def _frames(fact: Fact, things: frozenset[str]) -> dict[str, str]:
    """The frames of a fact's paraphrases, each with its text; those that say nothing left out."""
    stems = {word[:_STEM] if len(word) > _STEM else word for word in things}
    frames: dict[str, str] = {}
    for text in evaluation_texts(fact):
        words = (_THING if _is_thing(word, stems) else word for word in plain(text).split())
        frame = _THINGS.sub(_THING, " ".join(words))
        said = [word for word in frame.split() if word != _THING]
        if len(said) >= _WORDS and len(set(said) - FUNCTION_WORDS) >= _TELLING:
            frames[frame] = text
    return frames


def _is_thing(word: str, stems: set[str]) -> bool:
    return word in stems or word[:_STEM] in stems
