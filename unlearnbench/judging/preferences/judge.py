"""A language model that compares two answers to an instruction, each pair in both orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from unlearnbench.hashing import sha256_json
from unlearnbench.judging.llm.definition import JudgeDefinition
from unlearnbench.judging.preferences.kept import PreferenceCache
from unlearnbench.judging.preferences.prompt import (
    LAYOUT,
    AnswerPair,
    ComparisonCall,
    Preferred,
    comparison_call,
    read_preference,
)
from unlearnbench.remote.errors import CanaryError, Failed, MalformedReplyError
from unlearnbench.remote.http import scrubber
from unlearnbench.remote.paying import Transport, dollars, estimated_tokens
from unlearnbench.remote.prompts import Reply, usable
from unlearnbench.runs.schema.utility import PreferenceVerdict
from unlearnbench.types import Estimate, Usage


@dataclass(frozen=True, slots=True)
class ReadPreference:
    """A usable reply, without secrets, and the verdict in it."""

    preferred: Preferred
    reply: str


def compared(call: ComparisonCall, reply: Reply) -> ReadPreference:
    """Read a reply. Raises its problem, or what `read_preference` raises."""
    clean = usable(reply)
    return ReadPreference(read_preference(call, clean.text), clean.text)


class PreferenceJudge:
    """Compares with the model that a definition names.

    An empty answer loses to any other without a call; two equal ones are one call in both orders.
    """

    def __init__(
        self, definition: JudgeDefinition, transport: Transport[ComparisonCall, ReadPreference]
    ) -> None:
        self.definition = definition
        self.transport = transport
        self._told: dict[AnswerPair, str] = {}

    @property
    def name(self) -> str:
        """The definition's folder, with the model where the definition leaves it open."""
        return self.definition.name

    @cached_property
    def identity(self) -> str:
        """sha256 of everything that decides its verdicts."""
        return sha256_json(["preferences", LAYOUT, self.definition.identity])

    @property
    def usage(self) -> Usage:
        """Calls, tokens and dollars so far."""
        return self.transport.usage

    @cached_property
    def _cache(self) -> PreferenceCache:
        return PreferenceCache(self.identity)

    def remember(self, replies: Mapping[AnswerPair, str]) -> None:
        """Take over this judge's replies of a record; each is read again before it counts."""
        self._told.update(replies)

    def estimate(self, comparisons: Iterable[AnswerPair]) -> Estimate:
        """The cost of these comparisons, at most; makes no calls."""
        asked = list(comparisons)
        calls = self._calls(asked)
        unknown = [call for call in calls if self._known(call, calls[call]) is None]
        tokens = [estimated_tokens(call) for call in unknown]
        input_tokens, output_tokens = sum(t[0] for t in tokens), sum(t[1] for t in tokens)
        price = self.definition.file.price
        return Estimate(
            calls=len(unknown),
            verdicts=len(asked),
            cached=len(calls) - len(unknown),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            dollars=dollars(price, input_tokens, output_tokens) if price else None,
        )

    def compare(
        self, comparisons: Sequence[AnswerPair]
    ) -> Iterator[tuple[AnswerPair, PreferenceVerdict]]:
        """Yield each different comparison once, with the verdict or why there is none."""
        calls = self._calls(comparisons)
        for comparison in dict.fromkeys(comparisons):
            plain = _without_asking(comparison)
            if plain is not None:
                yield comparison, PreferenceVerdict(verdict=plain, fault=None, reply="")
        unknown = []
        for call, comparison in calls.items():
            known = self._known(call, comparison)
            if known is None:
                unknown.append(call)
            else:
                yield comparison, _verdict(known)
        clean = scrubber()
        for call, result in self.transport.run(unknown):
            if isinstance(result, Failed):
                fault = clean(result.error)
                yield calls[call], PreferenceVerdict(verdict=None, fault=fault, reply="")
            else:
                self._cache.keep(call, result.reply)
                yield calls[call], _verdict(result)

    def _calls(self, comparisons: Iterable[AnswerPair]) -> dict[ComparisonCall, AnswerPair]:
        """The call of each comparison that is not decided without one."""
        asked = (c for c in comparisons if _without_asking(c) is None)
        return {comparison_call(self.definition, c): c for c in asked}

    def _known(self, call: ComparisonCall, comparison: AnswerPair) -> ReadPreference | None:
        """What follows from a reply that was paid for before."""
        told = [self._told[comparison]] if comparison in self._told else []
        for reply in (*told, *self._cache.replies(call)):
            try:
                return ReadPreference(read_preference(call, reply), reply)
            except (MalformedReplyError, CanaryError):
                continue
        return None


def _verdict(read: ReadPreference) -> PreferenceVerdict:
    return PreferenceVerdict(verdict=read.preferred, fault=None, reply=read.reply)


def _without_asking(comparison: AnswerPair) -> Preferred | None:
    """The verdict on an empty answer; None where a judge is needed."""
    first, second = bool(comparison.first.strip()), bool(comparison.second.strip())
    if first and second:
        return None
    return "tie" if first == second else "first" if first else "second"
