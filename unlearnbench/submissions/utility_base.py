"""Compare a row's utility with its accepted base's: numbers of the base are not the row's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from unlearnbench.submissions.doubts import Doubt
from unlearnbench.submissions.layout import SENT_UTILITY
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.utility import SentUtility
from unlearnbench.submissions.utility_claim import UtilityClaim
from unlearnbench.submissions.utility_ways import UNKNOWN, ways_apart

EQUAL = 1e-5
"""Nats within which two log-probabilities are one: other weights move every one of them, if only a
little, and a forger's rounding moves none."""
MOST_EQUAL = 0.1
"""Share of the rows of a kind that may hold the base's numbers by chance."""
MOVED = 0.5
"""Nats a token by which a model has moved on prose, where it cannot write as its base does."""
MOST_SAME_ANSWERS = 0.5
"""Share of answers equal to the base's that such a model may give."""
Rows = Mapping[str, Sequence[float]]


def check_against_base(row: SentUtility, base: SentUtility, same_tokens: bool) -> Iterator[Refusal]:
    """Reasons to refuse a row's utility beside its base's.

    Letters and choices are compared whatever their order, so that base's numbers are known when
    they were dealt out anew. `same_tokens`: both have one tokenizer, which cuts prose alike.
    """
    mine, theirs = row.measured, base.measured
    parts: tuple[tuple[str, Rows, Rows], ...] = (
        ("letters", mine.letters, theirs.letters),
        ("choices", mine.choices, theirs.choices),
        ("prose", mine.prose, theirs.prose),
    )
    for name, sent, of_base in parts:
        ordered = name == "prose"
        equal = sum(_equal(sent[key], of_base[key], ordered) for key in sent)
        if equal > MOST_EQUAL * len(sent):
            what = f"{equal} of {len(sent)} rows hold the numbers of its base"
            yield Refusal("utility", f"{SENT_UTILITY}, {name}", what)
    if not same_tokens:
        return
    if mine.vocabulary != theirs.vocabulary:
        what = f"{mine.vocabulary} tokens, its base has {theirs.vocabulary}, with one tokenizer"
        yield Refusal("utility", f"{SENT_UTILITY}, vocabulary", what)
    for key, tokens in mine.prose.items():
        if len(tokens) != len(theirs.prose[key]):
            what = f"{len(tokens)} tokens, its tokenizer makes {len(theirs.prose[key])}"
            yield Refusal("utility", f"{SENT_UTILITY}, prose.{key}", what)
            return


def utility_doubts(row: SentUtility, base: SentUtility) -> Iterator[Doubt]:
    """Utility that was asked otherwise than the base's, and answers that are word for word the
    base's, of a model that has moved away from it.
    """
    yield from _doubts_of_ways(row.claim, base.claim)
    mine, theirs = row.measured, base.measured
    same = fmean(answer.text == theirs.answers[key].text for key, answer in mine.answers.items())
    moved = moved_by(mine.prose, theirs.prose)
    if same > MOST_SAME_ANSWERS and moved is not None and moved > MOVED:
        what = (
            f"{same:.0%} of its answers to instructions are its base's, word for word, while its "
        )
        what += f"log-probabilities on prose have moved by {moved:.1f} nats a token"
        yield Doubt("utility-answers", what, bars=True)


def _doubts_of_ways(row: UtilityClaim, base: UtilityClaim) -> Iterator[Doubt]:
    """Doubts on a row's utility where it was asked otherwise than its base's, or does not say."""
    if row.settings is None:
        yield Doubt("utility-ways", f"its utility {UNKNOWN}", bars=True)
    elif base.settings is None:
        what = f"its base's utility {UNKNOWN}: whether the two were asked alike is unknown"
        yield Doubt("utility-ways", what, bars=False)
    elif different := ways_apart(row, base):
        what = f"its utility was measured in another way than its base's: {'; '.join(different)}"
        yield Doubt("utility-ways", what, bars=True)


def moved_by(mine: Rows, theirs: Rows) -> float | None:
    """Mean distance of two models' log-probabilities in nats a token; None for other tokens."""
    if any(len(mine[key]) != len(theirs[key]) for key in mine):
        return None
    pairs = [pair for key in mine for pair in zip(mine[key], theirs[key], strict=True)]
    return fmean(abs(one - other) for one, other in pairs)


def _equal(one: Sequence[float], other: Sequence[float], ordered: bool) -> bool:
    if len(one) != len(other):
        return False
    pairs = (
        zip(one, other, strict=True) if ordered else zip(sorted(one), sorted(other), strict=True)
    )
    return all(abs(a - b) <= EQUAL for a, b in pairs)
