"""A language model as paraphraser: several facts a call, several candidates of each style."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unlearnbench.benchmark import plain
from unlearnbench.paraphrasing.candidates import STYLES, Candidate, ParaphraseRequest
from unlearnbench.paraphrasing.llm.definition import ParaphraserDefinition
from unlearnbench.paraphrasing.llm.items import (
    AskedModel,
    Entry,
    FactItem,
    ItemReader,
    ItemsTransport,
    item_of,
    joined,
)
from unlearnbench.remote.errors import MalformedReplyError
from unlearnbench.remote.prompts import Schema
from unlearnbench.types import Estimate

TRAINING = "training"
KINDS = (*STYLES, TRAINING)
LONGEST = 2000
"""Most characters of a candidate; a longer one is dropped."""
Texts = tuple[tuple[str, str], ...]
"""(kind, text) of each candidate, in the order of kinds and of the reply."""
_TOKENS = 30
"""Estimated length of a candidate in a reply."""
_LIST = {"type": "array", "items": {"type": "string"}}
SCHEMA = Schema(
    "paraphrases",
    {
        "type": "object",
        "properties": {
            "facts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"id": {"type": "string"}, **dict.fromkeys(KINDS, _LIST)},
                    "required": ["id", *KINDS],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["facts"],
        "additionalProperties": False,
    },
)


class LLMParaphraser(AskedModel[Texts]):
    """Proposes with the model that a definition names."""

    def __init__(self, definition: ParaphraserDefinition, transport: ItemsTransport[Texts]) -> None:
        super().__init__(definition, transport, proposal_reader(definition), SCHEMA)

    def estimate(self, requests: Sequence[ParaphraseRequest]) -> Estimate:
        """The cost of these requests; makes no calls."""
        return self.asker.estimate([self._item(request) for request in requests])

    def known(
        self, requests: Sequence[ParaphraseRequest]
    ) -> Iterator[tuple[ParaphraseRequest, tuple[Candidate, ...]]]:
        """The requests whose candidates are known from an earlier attempt; makes no calls."""
        known = self.asker.known([self._item(request) for request in requests])
        for request in requests:
            texts = known.get(self._item(request).id)
            if texts is not None:
                yield request, self._candidates(request, texts)

    def propose(
        self, requests: Sequence[ParaphraseRequest]
    ) -> Iterator[tuple[ParaphraseRequest, tuple[Candidate, ...] | str]]:
        """Yield each request once, in any order, with its candidates or why there are none."""
        by_id = joined((self._item(request).id, request) for request in requests)
        items = [self._item(request) for request in requests]
        for name, texts in self.asker.ask(items):
            for request in by_id[name]:
                yield request, texts if isinstance(texts, str) else self._candidates(request, texts)

    def _candidates(self, request: ParaphraseRequest, texts: Texts) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(
                fact=request.fact.id,
                purpose="training" if kind == TRAINING else "evaluation",
                style=None if kind == TRAINING else kind,
                text=text,
                origin=self.name,
            )
            for kind, text in texts
        )

    def _item(self, request: ParaphraseRequest) -> FactItem:
        fact = request.fact
        wanted = {**request.evaluation, TRAINING: request.training}
        data = {
            "question": fact.question,
            "answer": fact.answer,
            "also_accepted": list(fact.aliases),
            "wanted": {kind: wanted[kind] for kind in KINDS if wanted.get(kind)},
            "avoid": [{"text": text, "because": why} for text, why in request.avoid.items()],
        }
        return item_of(self.identity, data, _TOKENS * sum(wanted.values()) + _TOKENS)


def _read(item: FactItem, entry: Entry) -> Texts:
    """The candidates of one fact: at most as many of each kind as are wanted, no text twice."""
    wanted = item.data["wanted"]
    assert isinstance(wanted, Mapping)
    seen = {plain(str(item.data["question"]))}
    texts: list[tuple[str, str]] = []
    for kind, most in wanted.items():
        fresh = [(kind, text) for text in _fresh(entry.get(kind), seen)]
        texts += fresh[:most]
    if not texts:
        raise MalformedReplyError("the reply holds no paraphrase of the fact")
    return tuple(texts)


def _fresh(values: object, seen: set[str]) -> Iterator[str]:
    """The texts of a list that can be read and are not among those seen; they are added to them."""
    for value in values if isinstance(values, list) else ():
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if 0 < len(text) <= LONGEST and not _broken(text):
            key = plain(text) or text
            if key not in seen:
                seen.add(key)
                yield text


def _broken(text: str) -> bool:
    """Whether a text holds a lone surrogate, which cannot be stored."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def proposal_reader(definition: ParaphraserDefinition) -> ItemReader[Texts]:
    """Reads the replies of a definition's model."""
    return ItemReader(_read, lines=not definition.file.structured)
