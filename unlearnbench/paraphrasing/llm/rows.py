"""Rows for attacks that a model is asked for: questions of the same pattern, prose, other forms,
indirect questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.benchmark import plain
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
from unlearnbench.paraphrasing.llm.tasks import (
    MOST_SHOWN,
    FactProposal,
    ModelTask,
    avoided,
    shown_fact,
)
from unlearnbench.remote.errors import MalformedReplyError
from unlearnbench.types import Fact

_PAIR_TOKENS, _PROSE_TOKENS, _FORM_TOKENS, _INDIRECT_TOKENS = 60, 220, 250, 110
"""Estimated length of a row in a reply."""


@dataclass(frozen=True, slots=True)
class FormProposal:
    """A fact in other forms, as a model gave them; nothing of it is checked."""

    cloze: str
    distractors: tuple[str, ...]
    reverse_question: str
    reverse_answer: str
    reverse_aliases: tuple[str, ...]
    reverse_responses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndirectProposal:
    """A question for what follows from a fact, as a model gave it; `because` says how."""

    question: str
    answer: str
    aliases: tuple[str, ...]
    because: str


def _one(entry: Entry, name: str) -> str:
    """A text, which a reply in lines holds in a list."""
    value = entry.get(name)
    return text_in(value[0] if isinstance(value, list) and len(value) == 1 else value)


def _read_pair(_item: FactItem, entry: Entry) -> FactProposal:
    question, answer = _one(entry, "question"), _one(entry, "answer")
    if not (plain(question) and answer):
        raise MalformedReplyError("the reply has no question with its answer")
    return FactProposal(question, answer)


def _read_texts(item: FactItem, entry: Entry) -> tuple[str, ...]:
    wanted = item.data["wanted"]
    assert isinstance(wanted, int)
    texts = tuple(dict.fromkeys(texts_in(entry.get("texts") or entry.get("text"))))
    if not texts:
        raise MalformedReplyError("the reply holds no text")
    return texts[:wanted]


def _read_form(_item: FactItem, entry: Entry) -> FormProposal:
    proposal = FormProposal(
        cloze=_one(entry, "cloze"),
        distractors=tuple(texts_in(entry.get("distractors"))),
        reverse_question=_one(entry, "reverse_question"),
        reverse_answer=_one(entry, "reverse_answer"),
        reverse_aliases=tuple(texts_in(entry.get("reverse_also_accepted"))),
        reverse_responses=tuple(texts_in(entry.get("reverse_responses"))),
    )
    if not (proposal.cloze and proposal.reverse_question and proposal.reverse_answer):
        raise MalformedReplyError("the reply lacks a cloze, or a reverse question with its answer")
    return proposal


def _read_indirect(item: FactItem, entry: Entry) -> tuple[IndirectProposal, ...]:
    """At most as many questions as are wanted, none twice."""
    wanted = item.data["wanted"]
    assert isinstance(wanted, int)
    found: dict[str, IndirectProposal] = {}
    pair = ("question", "answer")
    told = rows_in(entry, "proposals", (*pair, "because")) or rows_in(entry, "proposals", pair)
    for row in told:
        question, answer = text_in(row.get("question")), text_in(row.get("answer"))
        if plain(question) and plain(answer):
            aliases = [a for a in texts_in(row.get("also_accepted")) if plain(a) != plain(answer)]
            by_text = {plain(alias): alias for alias in aliases if plain(alias)}
            because = text_in(row.get("because"))
            proposal = IndirectProposal(question, answer, tuple(by_text.values()), because)
            found.setdefault(plain(question), proposal)
    if not found:
        raise MalformedReplyError("the reply proposes nothing")
    return tuple(found.values())[:wanted]


_FORM = {
    "cloze": STRING,
    "distractors": STRINGS,
    "reverse_question": STRING,
    "reverse_answer": STRING,
    "reverse_also_accepted": STRINGS,
    "reverse_responses": STRINGS,
}
SYNTAX = ModelTask(
    "syntax", entries_schema("syntax", {"question": STRING, "answer": STRING}), _read_pair
)
PROSE = ModelTask("prose", entries_schema("prose", {"texts": STRINGS}), _read_texts)
FORMS = ModelTask("forms", entries_schema("forms", _FORM), _read_form)
_QUESTION = object_of(
    {"question": STRING, "answer": STRING, "also_accepted": STRINGS, "because": STRING}
)
_QUESTIONS: Mapping[str, object] = {"proposals": {"type": "array", "items": _QUESTION}}
INDIRECT_QUESTIONS = ModelTask("indirect", entries_schema("indirect", _QUESTIONS), _read_indirect)


def syntax_item(model: AskedModel[FactProposal], fact: Fact, avoid: Mapping[str, str]) -> FactItem:
    """Ask for a question of a fact's pattern about another thing, with its answer."""
    data = {
        "pattern": fact.question,
        "never_mention": [fact.answer, *fact.aliases],
        "avoid": avoided(avoid),
    }
    return item_of(model.identity, data, _PAIR_TOKENS)


def prose_item(
    model: AskedModel[tuple[str, ...]],
    facts: Sequence[Fact],
    wanted: int,
    avoid: Mapping[str, str],
) -> FactItem:
    """Ask for plain paragraphs about the field that some facts are of."""
    shown = facts[:MOST_SHOWN]
    data = {
        "field_of": [fact.question for fact in shown],
        "never_mention": [text for fact in shown for text in (fact.answer, *fact.aliases)],
        "wanted": wanted,
        "avoid": avoided(avoid),
    }
    return item_of(model.identity, data, _PROSE_TOKENS * wanted)


def form_item(model: AskedModel[FormProposal], fact: Fact, avoid: Mapping[str, str]) -> FactItem:
    """Ask for a fact in other forms."""
    data = {"in_other_forms": shown_fact(fact), "avoid": avoided(avoid)}
    return item_of(model.identity, data, _FORM_TOKENS)


def indirect_item(
    model: AskedModel[tuple[IndirectProposal, ...]],
    fact: Fact,
    wanted: int,
    avoid: Mapping[str, str],
) -> FactItem:
    """Ask for `wanted` questions that only somebody who knows a fact can answer."""
    data = {"follows_from": shown_fact(fact), "wanted": wanted, "avoid": avoided(avoid)}
    return item_of(model.identity, data, _INDIRECT_TOKENS * wanted)
