"""Questions and instructions as a model sees them."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnbench.benchmark.utility_sets import ChoiceQuestion, Instruction
from unlearnbench.types import Message, Probe, ProbeKey, PromptFormat
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


def instruction_probes(instructions: Sequence[Instruction], form: PromptFormat) -> list[Probe]:
    """Instructions as probes: a conversation's first turn, or a raw prompt."""
    return [
        Probe(
            key=ProbeKey(row.id, "original", "plain"),
            split="retain",
            topic="utility",
            tier=None,
            question=row.instruction,
            answer="",
            aliases=(),
            messages=(Message("user", row.instruction),) if form == "chat" else (),
            text=None if form == "chat" else f"Question: {row.instruction}\nAnswer:",
        )
        for row in instructions
    ]
