"""What a model can be asked for beside paraphrases: further facts, and bare answers.

Each task has its instructions in the definition's folder, the shape of its items and replies here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from unlearnbench.benchmark import plain
from unlearnbench.paraphrasing.llm.definition import Task
from unlearnbench.paraphrasing.llm.entries import (
    STRING,
    STRINGS,
    entries_schema,
    object_of,
    rows_in,
    text_in,
    texts_in,
)
from unlearnbench.paraphrasing.llm.items import AskedModel, Entry, FactItem, item_of
from unlearnbench.remote.errors import MalformedReplyError
from unlearnbench.remote.prompts import Schema
from unlearnbench.types import Fact

R = TypeVar("R")
MOST_SHOWN = 30
"""Facts of a subject that a model is shown, so that it knows what the subject is."""
_TOKENS = 60
"""Estimated length of a fact in a reply."""


@dataclass(frozen=True, slots=True)
class ModelTask(Generic[R]):
    """One task: the shape of its replies, and how an item's entry is read."""

    name: Task
    schema: Schema
    read: Callable[[FactItem, Entry], R]


@dataclass(frozen=True, slots=True)
class FactProposal:
    """A question with its answer and other accepted answers, as a model gave them."""

    question: str
    answer: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BareAnswer:
    """What a model answered to a question alone."""

    text: str


Proposals = tuple[FactProposal, ...]
_FACT = object_of({"question": STRING, "answer": STRING, "also_accepted": STRINGS})
_PROPOSALS: Mapping[str, object] = {"proposals": {"type": "array", "items": _FACT}}


def _read_proposals(item: FactItem, entry: Entry) -> Proposals:
    """At most as many facts as are wanted, no question twice; a reply that mostly repeats itself is
    not used.
    """
    wanted = item.data["wanted"]
    assert isinstance(wanted, int)
    found: dict[str, FactProposal] = {}
    given = 0
    for row in rows_in(entry, "proposals", ("question", "answer")):
        question, answer = text_in(row.get("question")), text_in(row.get("answer"))
        if plain(question) and answer:
            given += 1
            aliases = tuple(a for a in texts_in(row.get("also_accepted")) if a != answer)
            found.setdefault(plain(question), FactProposal(question, answer, aliases))
    if not found:
        raise MalformedReplyError("the reply proposes nothing")
    if len(found) < given / 2:
        raise MalformedReplyError(
            f"the reply proposes {given} facts, {len(found)} of them different"
        )
    return tuple(found.values())[:wanted]


def _read_answer(_item: FactItem, entry: Entry) -> BareAnswer:
    given = entry.get("answer")
    text = text_in(given[0] if isinstance(given, list) and len(given) == 1 else given)
    if not text:
        raise MalformedReplyError("the reply gives no answer")
    return BareAnswer(text)


NEIGHBOURS = ModelTask("neighbours", entries_schema("neighbours", _PROPOSALS), _read_proposals)
NEVER = ModelTask("never", entries_schema("invented", _PROPOSALS), _read_proposals)
ANSWERS = ModelTask("answers", entries_schema("answers", {"answer": STRING}), _read_answer)
FOLLOWS = ModelTask("follows", entries_schema("follows", {"answer": STRING}), _read_answer)


def proposals_item(
    model: AskedModel[Proposals], facts: Sequence[Fact], wanted: int, avoid: Mapping[str, str]
) -> FactItem:
    """Ask for `wanted` facts about the subject of some others, none of which is among those to
    `avoid`, each with the reason.
    """
    name = "facts_to_imitate" if model.definition.task == NEVER.name else "facts_of_the_subject"
    data = {
        name: [shown_fact(fact) for fact in facts[:MOST_SHOWN]],
        "wanted": wanted,
        "avoid": avoided(avoid),
    }
    return item_of(model.identity, data, _TOKENS * wanted + _TOKENS)


def answer_item(model: AskedModel[BareAnswer], question: str) -> FactItem:
    """Ask a question without a word about its answer."""
    return item_of(model.identity, {"asked": question}, _TOKENS)


def follows_item(model: AskedModel[BareAnswer], fact: Fact, question: str) -> FactItem:
    """Ask a question of somebody who is told a fact, and not its answer."""
    return item_of(model.identity, {"told": shown_fact(fact), "question": question}, _TOKENS)


def shown_fact(fact: Fact) -> Mapping[str, object]:
    """A fact as a model is shown it, without its id, topic and source."""
    accepted = {"also_accepted": list(fact.aliases)} if fact.aliases else {}
    return {"question": fact.question, "answer": fact.answer, **accepted}


def avoided(texts: Mapping[str, str]) -> list[Mapping[str, str]]:
    """Texts that a model is not to propose again, each with the reason."""
    return [{"text": text, "because": why} for text, why in texts.items()]
