"""Ask a language model about many items, several a call, and pay for each answer once.

An item is a JSON object about one fact. It is sent under an id made from its contents and from the
identity of who is asked, and found by that id: in a reply, which may be in any order, and among the
replies that were kept. Its text is data of the user's and may be hostile: it is sent as JSON, in
which no quote, newline or hidden character can end it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from unlearnbench.hashing import sha256_json
from unlearnbench.paraphrasing.llm.definition import ParaphraserDefinition
from unlearnbench.paraphrasing.llm.kept import KeptReply, PaidReplies
from unlearnbench.remote.errors import CanaryError, Failed, MalformedReplyError
from unlearnbench.remote.objects import NotReadableError, objects
from unlearnbench.remote.paying import Transport, dollars, estimated_tokens
from unlearnbench.remote.prompts import Reply, Schema, quoted, usable
from unlearnbench.types import Estimate, Usage

TRIES = 4
"""How often what was not replied is asked for again, on top of the attempts at each call."""
Entry = Mapping[str, object]
"""What a reply says of one item."""
R = TypeVar("R")
_LINES = "\nThat was the fact. Write the lines about it now."
_LINE = re.compile(r"^[\W\d_]{0,10}?(\w{1,40})[\s*_]{0,4}[:=]\s*(.{1,4000}?)\s*$")


@dataclass(frozen=True, slots=True)
class FactItem:
    """What is asked about one fact. `output_tokens`: estimated length of the answer."""

    id: str
    data: Mapping[str, object]
    output_tokens: int


def item_of(identity: str, data: Mapping[str, object], output_tokens: int) -> FactItem:
    """The item that a model with this identity is asked."""
    return FactItem(sha256_json([identity, data])[:12], data, output_tokens)


@dataclass(frozen=True, slots=True)
class ItemsCall:
    """One call about some items."""

    system: str
    schema: Schema | None
    items: tuple[FactItem, ...]

    @property
    def user(self) -> str:
        """The items as JSON; a single item as lines of JSON where lines are wanted back."""
        facts = [{"id": item.id, **item.data} for item in self.items]
        if self.schema:
            return quoted({"facts": facts})
        return "".join(f"{name}: {quoted(value)}\n" for name, value in facts[0].items()) + _LINES

    @property
    def output_tokens(self) -> int:
        """The answers of all items."""
        return sum(item.output_tokens for item in self.items)


@dataclass(frozen=True, slots=True)
class ItemsReply(Generic[R]):
    """A usable reply with its answers by id, and why other items of the call have none."""

    reply: Reply
    answers: Mapping[str, R]
    problems: Mapping[str, str]
    strangers: int
    """Entries about something that was not asked; they are dropped."""


ItemsTransport = Transport[ItemsCall, ItemsReply[R]]
"""Carries calls to a model and replies back."""


@dataclass(frozen=True, slots=True)
class ItemReader(Generic[R]):
    """Reads replies. `read` makes an answer of an item and its entry; it raises
    `MalformedReplyError` or `CanaryError` for one that cannot be used. `lines`: a reply without
    JSON may hold lines of `NAME: TEXT` about the one fact that was asked about.
    """

    read: Callable[[FactItem, Entry], R]
    lines: bool = False

    def __call__(self, call: ItemsCall, reply: Reply) -> ItemsReply[R]:
        """The answers in a reply. A reply with none raises what is wrong with its first item."""
        clean = usable(reply)
        entries = self.entries(call.items[0], clean.text)
        answers: dict[str, R] = {}
        problems: dict[str, Exception] = {}
        for item in call.items:
            try:
                answers[item.id] = self.answer(item, entries)
            except (MalformedReplyError, CanaryError) as error:
                problems[item.id] = error
        if not answers:
            raise next(iter(problems.values()))
        strangers = len(entries.keys() - {item.id for item in call.items})
        return ItemsReply(clean, answers, {i: str(e) for i, e in problems.items()}, strangers)

    def entries(self, item: FactItem, text: str) -> Mapping[str, list[Entry]]:
        """The entries of a reply by id; lines are about `item`, which was asked about alone."""
        try:
            return entries_of(text)
        except MalformedReplyError:
            if not self.lines:
                raise
            return {item.id: [_from_lines(text)]}

    def answer(self, item: FactItem, entries: Mapping[str, list[Entry]]) -> R:
        """What a reply says of one item. Raises as `read`, and where it says nothing or twice."""
        own = entries.get(item.id, [])
        if len(own) != 1:
            many = f"has {len(own)} entries under its id" if own else "leaves it out"
            raise MalformedReplyError(f"the reply {many}")
        return self.read(item, own[0])


class Asker(Generic[R]):
    """Asks one model about items and keeps what was paid for."""

    def __init__(
        self,
        definition: ParaphraserDefinition,
        transport: ItemsTransport[R],
        reader: ItemReader[R],
        schema: Schema,
    ) -> None:
        self.transport = transport
        self.strangers = 0
        self.replies: PaidReplies | None = None
        self._alone: set[str] = set()
        self._definition = definition
        self._reader = reader
        self._schema = schema if definition.file.structured else None

    def _known(self, items: Sequence[FactItem]) -> dict[str, tuple[R, KeptReply]]:
        """The answers that follow from replies that were kept, and those replies."""
        known: dict[str, tuple[R, KeptReply]] = {}
        for item in items if self.replies is not None else ():
            for kept in self.replies.about(item.id) if self.replies is not None else ():
                try:
                    known[item.id] = self._answer(item, kept), kept
                except (MalformedReplyError, CanaryError):
                    continue
                break
        return known

    def _answer(self, item: FactItem, kept: KeptReply) -> R:
        return self._reader.answer(item, self._reader.entries(item, kept.reply))

    def ask(self, items: Sequence[FactItem]) -> Iterator[tuple[str, R | str]]:
        """Yield the id of each item once, with its answer or why there is none.

        An item whose call was refused or cut off is asked about alone the next time, so that one
        item spoils no other's.
        """
        unique = {item.id: item for item in items}
        known = self._known(list(unique.values()))
        for name, (answer, kept) in known.items():
            if self.replies is not None:
                self.replies.adopt(kept)
            yield name, answer
        calls = self._calls([item for item in unique.values() if item.id not in known])
        for call, result in self.transport.run(calls):
            if isinstance(result, Failed):
                if result.own:
                    self._alone |= {item.id for item in call.items}
                yield from ((item.id, result.error) for item in call.items)
                continue
            self.strangers += result.strangers
            if self.replies is not None:
                self.replies.keep(_kept(result))
            yield from result.answers.items()
            yield from result.problems.items()

    def ask_alone(self, ids: Iterable[str]) -> None:
        """Put each of these items into a call of its own from now on."""
        self._alone.update(ids)

    def estimate(self, items: Sequence[FactItem]) -> Estimate:
        """The cost of asking; makes no calls."""
        unique = {item.id: item for item in items}
        known = self._known(list(unique.values()))
        calls = self._calls([item for item in unique.values() if item.id not in known])
        tokens = [estimated_tokens(call) for call in calls]
        read, written = sum(t[0] for t in tokens), sum(t[1] for t in tokens)
        price = self._definition.file.price
        cost = dollars(price, read, written) if price else None
        return Estimate(len(calls), len(unique), len(known), read, written, cost)

    def known(self, items: Sequence[FactItem]) -> dict[str, R]:
        """The answers that follow from replies that were kept, by id."""
        return {name: answer for name, (answer, _) in self._known(items).items()}

    def _calls(self, items: Sequence[FactItem]) -> list[ItemsCall]:
        most = self._definition.file.facts_per_call
        together = [item for item in items if item.id not in self._alone]
        groups = [together[start : start + most] for start in range(0, len(together), most)]
        groups += [[item] for item in items if item.id in self._alone]
        prompt = self._definition.prompt
        return [ItemsCall(prompt, self._schema, tuple(group)) for group in groups]


class AskedModel(Generic[R]):
    """A definition's model, asked for one task."""

    def __init__(
        self,
        definition: ParaphraserDefinition,
        transport: ItemsTransport[R],
        reader: ItemReader[R],
        schema: Schema,
    ) -> None:
        self.definition = definition
        self.asker = Asker(definition, transport, reader, schema)

    @property
    def name(self) -> str:
        """The definition's folder, with the model where the definition leaves it open."""
        return self.definition.name

    @property
    def identity(self) -> str:
        """sha256 of instructions, decisive fields and the layout of calls."""
        return self.definition.identity

    @property
    def usage(self) -> Usage:
        """Calls, tokens and dollars so far."""
        return self.asker.transport.usage

    @property
    def strangers(self) -> int:
        """Entries of replies about facts that were not asked about; they were dropped."""
        return self.asker.strangers

    def ask_all(
        self, items: Sequence[FactItem], alone: Collection[str] = ()
    ) -> Mapping[str, R | str]:
        """Each item's answer by id, or why there is none after `TRIES` tries; makes calls.

        The items with ids in `alone` share no call with another.
        """
        self.asker.ask_alone(alone)
        results: dict[str, R | str] = {}
        waiting = {item.id: item for item in items}
        for _ in range(TRIES):
            for name, result in self.asker.ask(list(waiting.values())):
                results[name] = result
            waiting = {i: item for i, item in waiting.items() if isinstance(results[i], str)}
            if not waiting:
                break
        return results

    def keep_in(self, path: Path) -> None:
        """Keep replies in this file and in the user's cache, and look there before a call."""
        self.asker.replies = PaidReplies(self.identity, path)


def entries_of(text: str) -> Mapping[str, list[Entry]]:
    """The entries of a reply by id: those of the only object in it that has any.

    Raises `MalformedReplyError` without such an object, or with two.
    """
    try:
        lists = [o["facts"] for o in objects(text) if isinstance(o.get("facts"), list)]
    except NotReadableError as error:
        raise MalformedReplyError(str(error)) from error
    filled = [rows for rows in lists if rows]
    if len(filled) != 1:
        raise MalformedReplyError(f"the reply holds {len(filled)} JSON objects with facts, not one")
    entries: dict[str, list[Entry]] = {}
    for row in filled[0]:
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            entries.setdefault(row["id"], []).append(row)
    return entries


def _from_lines(text: str) -> Entry:
    """Lines of `NAME: TEXT`, as a list of texts for each name."""
    entry: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            entry.setdefault(match[1].casefold(), []).append(match[2])
    return entry


def _kept(result: ItemsReply[R]) -> KeptReply:
    reply = result.reply
    return KeptReply(
        about=tuple(sorted(result.answers)),
        reply=reply.text,
        model=reply.model,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


T = TypeVar("T")


def joined(pairs: Iterable[tuple[str, T]]) -> Mapping[str, list[T]]:
    """What belongs to each id: facts that are alike are asked about once."""
    by_id: dict[str, list[T]] = {}
    for name, value in pairs:
        by_id.setdefault(name, []).append(value)
    return by_id
