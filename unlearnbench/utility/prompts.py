"""Questions and instructions as a model sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from unlearnbench.benchmark.utility_sets import ChoiceQuestion
from unlearnbench.types import Message, Probe, ProbeKey, PromptFormat
from unlearnbench.types.raw import raw_question
from unlearnbench.utility.choice import LETTERS

_OPENING = "The following are multiple choice questions (with answers).\n\n"


def choice_prompts(
    shots: Sequence[ChoiceQuestion], questions: Sequence[ChoiceQuestion]
) -> list[str]:
    """A few-shot prompt for each question, up to "Answer:", as MMLU asks.

    All share the solved examples, word for word, which is what lets an engine compute them once.
    """
    solved = "".join(f"{_asked(shot)} {shot.answer}\n\n" for shot in shots)
    return [f"{_OPENING}{solved}{_asked(question)}" for question in questions]


def _asked(question: ChoiceQuestion) -> str:
    choices = (f"{mark}. {text}\n" for mark, text in zip(LETTERS, question.choices, strict=True))
    return f"{question.question}\n{''.join(choices)}Answer:"


def raw_probe(name: str, text: str) -> Probe:
    """A text that is put to a model as it stands."""
    return Probe(
        key=ProbeKey(name, "original", "plain"),
        split="retain",
        topic="utility",
        tier=None,
        question=text,
        answer="",
        aliases=(),
        text=text,
    )


def instruction_probes(instructions: Mapping[str, str], form: PromptFormat) -> list[Probe]:
    """Instructions, by their ids, as probes: a conversation's first turn, or a raw prompt."""
    raw = [raw_probe(row, raw_question(text)) for row, text in instructions.items()]
    if form == "raw":
        return raw
    return [
        replace(probe, question=text, messages=(Message("user", text),), text=None)
        for probe, text in zip(raw, instructions.values(), strict=True)
    ]
