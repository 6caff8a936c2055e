"""Render questions as prompts."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnbench.protocol.profiles import Profile
from unlearnbench.protocol.ways import BRIEFLY, user_turn
from unlearnbench.types import (
    Fact,
    Form,
    Message,
    Probe,
    ProbeKey,
    PromptFormat,
)
from unlearnbench.types.raw import raw_question

Example = tuple[str, str]
"""A question with its answer, shown before the question that is asked."""

PAPER_SHOTS: Sequence[Example] = (
    ("In which city were the 2012 Summer Olympics held?", "London"),
    ("What is the capital of Australia?", "The capital is Canberra"),
    ("When did the Second World War end?", "1945"),
)
"""Three fixed shots with the answers of the paper's (London, Canberra, 1945), paraphrased."""


def chat_messages(
    profile: Profile, question: str, examples: Sequence[Example]
) -> tuple[Message, ...]:
    """A conversation: each example as a question with its answer, then the question."""
    turns: list[Message] = []
    for shown_question, answer in examples:
        turns.append(Message("user", f"{profile.instruction} {shown_question}".lstrip()))
        turns.append(Message("assistant", answer))
    return (*turns, Message("user", f"{profile.instruction} {question}".lstrip()))


def raw_text(profile: Profile, question: str, examples: Sequence[Example]) -> str:
    """A plain prompt for a model without a chat template."""
    shots = "".join(
        f"{raw_question(shown_question, answer)}\n\n" for shown_question, answer in examples
    )
    return f"{profile.instruction}\n\n{shots}{raw_question(question)}"


def raw_turns(turns: Sequence[Message]) -> str:
    """A conversation as plain text; a last turn of the assistant's is left open to continue."""
    text = ""
    for turn in turns:
        if turn.role == "assistant":
            text = f"{text} {turn.content}"
        else:
            text = f"{text}\n\n{raw_question(turn.content)}".lstrip()
    return text


def paper_text(question: str, examples: Sequence[Example]) -> str:
    """The layout of the paper's prompt: an instruction, numbered shots, `QUESTION:` … `ANSWER:`."""
    shots = [
        f"{number}. Question: {shown_question} Answer: {answer}"
        for number, (shown_question, answer) in enumerate((*PAPER_SHOTS, *examples), start=1)
    ]
    head = "Give a short answer to the question, with nothing before or after it. Examples:"
    return "\n".join([head, *shots, "Your turn.", f"QUESTION: {question}", "ANSWER:"])


def make_probe(
    fact: Fact,
    key: ProbeKey,
    turns: Sequence[Message],
    prompt_format: PromptFormat,
    question: str = "",
    answer: str = "",
    aliases: Sequence[str] = (),
) -> Probe:
    """A probe of `fact` with its own conversation.

    `question`, and `answer` with its `aliases`, are passed to the judge instead of the fact's, if
    given.
    """
    chat = prompt_format == "chat"
    return Probe(
        key=key,
        split=fact.split,
        topic=fact.topic,
        tier=fact.tier,
        question=question or fact.question,
        answer=answer or fact.answer,
        aliases=tuple(aliases) if answer else fact.aliases,
        messages=tuple(turns) if chat else (),
        text=None if chat else raw_turns(turns),
    )


def reverse_probe(fact: Fact, form: Form, key: ProbeKey, prompt_format: PromptFormat) -> Probe:
    """From the answer back to the subject; the judge looks for the subject."""
    return make_probe(
        fact,
        key,
        user_turn(f"{BRIEFLY} {form.reverse_question}"),
        prompt_format,
        question=form.reverse_question,
        answer=form.reverse_answer,
        aliases=form.reverse_aliases,
    )
