"""Replies that were paid for: this run's, and this user's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from unlearnbench.errors import JudgeError
from unlearnbench.files.disk import writing
from unlearnbench.hashing import sha256_json, sha256_text
from unlearnbench.judging.llm.cache import FILE, ReplyCache
from unlearnbench.judging.llm.prompt import FactQuestion, Reading
from unlearnbench.judging.llm.stored import Derived, ReplyError
from unlearnbench.paths import cache_root
from unlearnbench.runs.journal import Journal
from unlearnbench.runs.replies import REPLIES, read_replies, reply_record
from unlearnbench.types import StoredReply

Derive = Callable[[StoredReply], Derived]
"""Raises `ReplyError` for a reply that does not count for this judge."""


@dataclass(frozen=True, slots=True)
class KnownReadings:
    """Verdicts that are known, by response; `adopted` are calls that the run does not hold yet."""

    readings: Mapping[str, Reading]
    adopted: Sequence[Derived] = ()


class Replies(Protocol):
    """Where a judge looks before it makes a call."""

    def known(self, fact: FactQuestion, responses: Collection[str]) -> KnownReadings:
        """What is known about responses to a fact."""
        ...

    def keep(self, derived: Derived) -> None:
        """Keep a reply that has just come, or was adopted."""
        ...


class NoReplies:
    """Keeps nothing."""

    def known(self, fact: FactQuestion, responses: Collection[str]) -> KnownReadings:
        """Nothing is known."""
        return KnownReadings({})

    def keep(self, derived: Derived) -> None:
        """Forget it."""


class KeptReplies:
    """Replies in a run's folder, if one is given, and in this user's cache.

    A call in the cache is adopted as a whole or not at all: only if all its responses are asked
    about now, so that a run holds no call about other runs' responses and none about one response
    twice. Raises `JudgeError` for a cache that cannot be used, `RunError` for the run's file.
    """

    def __init__(self, judge: str, derive: Derive, folder: Path | None) -> None:
        self.folder = folder
        self._judge = judge
        self._derive = derive
        self._cache = ReplyCache(cache_root() / FILE)
        self._journal = None if folder is None else Journal(folder / REPLIES)
        self._repaired = False

    @cached_property
    def _own(self) -> dict[tuple[FactQuestion, str], Reading]:
        """The run's verdicts; where two calls are about one response, the first."""
        own: dict[tuple[FactQuestion, str], Reading] = {}
        for reply in [] if self.folder is None else read_replies(self.folder):
            derived = self._sound(reply)
            if derived is not None:
                for response, reading in derived.readings.items():
                    own.setdefault((derived.fact, response), reading)
        return own

    def known(self, fact: FactQuestion, responses: Collection[str]) -> KnownReadings:
        """The run's verdicts, then those of whole calls in the cache."""
        own = {r: self._own[fact, r] for r in responses if (fact, r) in self._own}
        remaining = {r for r in responses if r not in own and r.strip()}
        adopted = []
        keys = [_key(fact, response) for response in sorted(remaining)]
        for reply in self._cache.get(self._judge, keys):
            derived = self._sound(reply)
            if derived and derived.fact == fact and set(derived.readings) <= remaining:
                adopted.append(derived)
                remaining -= set(derived.readings)
                own.update(derived.readings)
        return KnownReadings(own, adopted)

    def keep(self, derived: Derived) -> None:
        """Write a reply to the run, then to the cache."""
        for response, reading in derived.readings.items():
            self._own.setdefault((derived.fact, response), reading)
        if self._journal is not None:
            self._prepare(self._journal)
            self._journal.append([reply_record(derived.reply)])
        self._cache.put(derived.reply, [_key(derived.fact, r) for r in derived.readings])

    def _prepare(self, journal: Journal) -> None:
        """Cut a torn line off before the first write: only now is the folder this process's."""
        if not self._repaired:
            with writing(journal.path):
                journal.path.parent.mkdir(parents=True, exist_ok=True)
            journal.repair()
            self._repaired = True

    def _sound(self, reply: StoredReply) -> Derived | None:
        try:
            return self._derive(reply)
        except ReplyError:
            return None


class OnlyReplies:
    """Stored replies and nothing else; each response is in exactly one call.

    Raises `JudgeError` for a reply that does not count, or a second one about a response.
    """

    def __init__(self, derive: Derive, replies: Sequence[StoredReply]) -> None:
        self._readings: dict[tuple[FactQuestion, str], Reading] = {}
        for reply in replies:
            try:
                derived = derive(reply)
            except ReplyError as error:
                raise JudgeError(f"{_shown(reply)}: {error}") from error
            for response, reading in derived.readings.items():
                if (derived.fact, response) in self._readings:
                    raise JudgeError(f"{_shown(reply)}: two calls about one response")
                self._readings[derived.fact, response] = reading

    def known(self, fact: FactQuestion, responses: Collection[str]) -> KnownReadings:
        """The verdicts of the stored replies."""
        readings = self._readings
        return KnownReadings({r: readings[fact, r] for r in responses if (fact, r) in readings})

    def keep(self, derived: Derived) -> None:
        """Raise `JudgeError`: nothing is asked here."""
        raise JudgeError("a judge that derives verdicts makes no calls")


def _key(fact: FactQuestion, response: str) -> str:
    return sha256_json([fact.question, fact.answer, *fact.aliases, sha256_text(response)])


def _shown(reply: StoredReply) -> str:
    return f"the call about {reply.question[:60]!a}"
