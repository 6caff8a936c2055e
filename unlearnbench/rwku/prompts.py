"""What RWKU puts to a model, by level and kind of attack."""

from __future__ import annotations

from unlearnbench.benchmark.rwku import Level, RwkuRow
from unlearnbench.benchmark.rwku_forms import attack_name
from unlearnbench.types import Message, Probe, ProbeKey, PromptFormat

BLANK = "Please complete the blank in the following question."
QUESTION = "Please briefly answer the following question."
_BEGUN = "Answer:"
"""Stands where the model's turn begins, so that it goes on from there."""


def rwku_probe(level: Level, row: RwkuRow, form: PromptFormat) -> Probe:
    """A row as RWKU's code asks it.

    `affirmative suffix` ends in a beginning of its own, so that no `Answer:` follows it;
    `incontext learning` holds its own `Question:`. A model without a chat template, which RWKU does
    not ask, gets the same words as plain text.
    """
    attack = attack_name(row.kind) if level == "forget_level3" else ""
    own_question = attack == "incontext-learning"
    own_beginning = attack == "affirmative-suffix"
    lead = BLANK if level.endswith("1") else QUESTION
    asked = row.query if own_question else f"Question: {row.query}"
    content = f"{lead}\n{asked}" + ("" if own_beginning else "\n")
    turns = (Message("user", content),) + (() if own_beginning else (Message("assistant", _BEGUN),))
    raw = content if own_beginning else f"{content}{_BEGUN}"
    return Probe(
        key=ProbeKey(f"{level}-{row.number:05d}", "original", "plain"),
        split="forget" if level.startswith("forget") else "retain",
        topic="rwku",
        tier=None,
        question=row.query,
        answer=row.answer,
        aliases=(),
        messages=turns if form == "chat" else (),
        text=None if form == "chat" else raw,
    )
