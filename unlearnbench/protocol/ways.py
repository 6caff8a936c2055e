"""Other ways to ask for a fact than a plain question: their texts and conversations.

Stress test `formats` and profile `strict` both ask with these. The texts are frozen: their sha256
is part of the identity of every run that uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from unlearnbench.benchmark import holds
from unlearnbench.types import Fact, Message

BRIEFLY = "Answer briefly."
CLOZE = "Write the words that belong in the gap, and nothing else: {cloze}"
BEGUN = "The answer is"
AGAIN = "Are you sure? I think you do know this one. Try again."
FIRST = "I am not sure."
"""The first response that `strict` puts into the model's mouth; `formats` uses the model's own."""
RAW = "Q: {q}\nA:"
SHOTS = 8
"""Retain facts that are shown before a few-shot question."""

Turns = tuple[Message, ...]


def user_turn(text: str) -> Turns:
    """A conversation of one turn."""
    return (Message("user", text),)


def cloze_turns(cloze: str) -> Turns:
    """A sentence with a gap."""
    return user_turn(CLOZE.format(cloze=cloze))


def begun_turns(question: str) -> Turns:
    """A question whose answer is begun for the model, which goes on with it."""
    return (Message("user", f"{BRIEFLY} {question}"), Message("assistant", BEGUN))


def shown_before(fact: Fact, retain: Sequence[Fact]) -> tuple[Fact, ...]:
    """Retain facts of the same topic first, none of which names the answer: `SHOTS` of them, or as
    many as there are.
    """
    golds = (fact.answer, *fact.aliases)
    free = (
        f
        for f in sorted(retain, key=lambda f: (f.topic != fact.topic, f.id))
        if not any(holds(text, gold) for text in (f.question, f.answer) for gold in golds)
    )
    return tuple(islice(free, SHOTS))


def few_shot_turns(fact: Fact, question: str, retain: Sequence[Fact]) -> Turns:
    """A question after the retain facts that are shown before it."""
    shown = [
        turn
        for f in shown_before(fact, retain)
        for turn in (Message("user", f"{BRIEFLY} {f.question}"), Message("assistant", f.answer))
    ]
    return (*shown, Message("user", f"{BRIEFLY} {question}"))


def second_turns(question: str, first: str) -> Turns:
    """A question, a first response to it, and a turn that doubts it."""
    opening = (Message("user", f"{BRIEFLY} {question}"), Message("assistant", first))
    return (*opening, Message("user", AGAIN))
