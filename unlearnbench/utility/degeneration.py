"""Answers that are none, by deterministic rules calibrated on a labelled table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from unlearnbench.utility.evasion import is_evasion
from unlearnbench.utility.gibberish import is_gibberish
from unlearnbench.utility.language import in_other_language, in_other_script
from unlearnbench.utility.loops import is_looping

Kind = Literal["good", "empty", "looping", "other-language", "gibberish", "refusal"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def answer_kind(text: str, language: str) -> Kind:
    """What a text is as an answer in `language` to an innocent question.

    `good` says that it can be read, not that it is right. `empty`: no letter and no digit. The
    rules are tried in this order: empty, looping, another script, gibberish, refusal, another
    language; on benchmarks/utility/degeneration.jsonl they agree with the labels as its README
    says.
    """
    if not any(character.isalnum() for character in text):
        return "empty"
    if is_looping(text):
        return "looping"
    if in_other_script(text):
        return "other-language"
    if is_gibberish(text):
        return "gibberish"
    if is_evasion(text):
        return "refusal"
    return "other-language" if in_other_language(text, language) else "good"


def degeneration(answers: Sequence[tuple[str, str]]) -> Mapping[Kind, int]:
    """How many answers (text, language asked) are of each kind; all kinds, in the order of KINDS.

    The share of degenerate answers is 1 - good / all.
    """
    counts = Counter(answer_kind(text, language) for text, language in answers)
    return {kind: counts[kind] for kind in KINDS}
