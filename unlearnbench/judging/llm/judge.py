"""A language model as judge: one fact per call, equal responses judged once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from unlearnbench.hashing import sha256_json
from unlearnbench.judging.llm.answered import Answered
from unlearnbench.judging.llm.definition import JudgeDefinition
from unlearnbench.judging.llm.kept import KeptReplies, NoReplies, OnlyReplies, Replies
from unlearnbench.judging.llm.prompt import PROMPT_VERSION, Call, FactQuestion, Reading, call_on
from unlearnbench.judging.llm.stored import Derived, derive, stored_reply
from unlearnbench.judging.rules.judge import RulesJudge, decide
from unlearnbench.remote.errors import Failed
from unlearnbench.remote.http import scrubber
from unlearnbench.remote.paying import Transport, dollars, estimated_tokens
from unlearnbench.types import Estimate, Failure, JudgeItem, Judgement, StoredReply, Usage, Verdict


class NoCalls:
    """Makes no calls: what is not known stays open."""

    def __init__(self) -> None:
        self.usage = Usage()

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        """A failure for each call."""
        for call in calls:
            yield call, Failed("no stored reply gives a verdict on this response")


@dataclass(frozen=True, slots=True)
class _Group:
    """The items of one fact, equal responses together."""

    fact: FactQuestion
    items: Mapping[str, list[JudgeItem]]
    """By response."""


class LLMJudge:
    """Judges with the model that a definition names.

    Where the rules find the gold answer in a response, the verdict is `correct` whatever the model
    says; such a verdict is marked as an override.
    """

    def __init__(self, definition: JudgeDefinition, transport: Transport[Call, Answered]) -> None:
        self.definition = definition
        self.transport = transport
        self.replies: Replies = NoReplies()

    @property
    def name(self) -> str:
        """The definition's folder, with the model where the definition leaves it open."""
        return self.definition.name

    @cached_property
    def model_identity(self) -> str:
        """sha256 of everything that decides the model's own verdict; keys the cache."""
        return sha256_json([self.definition.identity, PROMPT_VERSION])

    @cached_property
    def identity(self) -> str:
        """sha256 of the model's identity and the rules' identity."""
        return sha256_json([self.model_identity, RulesJudge().identity])

    @property
    def usage(self) -> Usage:
        """Calls, tokens and dollars so far."""
        return self.transport.usage

    def keep_in(self, folder: Path | None) -> None:
        """Keep replies in this user's cache and, if one is given, in a run's own folder."""
        if isinstance(self.replies, KeptReplies) and self.replies.folder == folder is not None:
            return
        self.replies = KeptReplies(self.model_identity, self.derive, folder)

    def derive(self, reply: StoredReply) -> Derived:
        """What follows from a stored reply for this judge. Raises `ReplyError`."""
        return derive(self.definition, self.model_identity, reply)

    def derived_from(self, replies: Sequence[StoredReply]) -> LLMJudge:
        """This judge with the verdicts that follow from stored replies, and no others.

        Raises `JudgeError` for a reply that does not count, or a second one about a response.
        """
        judge = LLMJudge(self.definition, NoCalls())
        judge.replies = OnlyReplies(self.derive, replies)
        return judge

    def asks(self, judge: str) -> bool:
        """Whether a stored reply to `judge` is one to this judge."""
        return judge == self.model_identity

    def estimate(self, items: Sequence[JudgeItem]) -> Estimate:
        """The cost of judging `items`; makes no calls."""
        groups = _groups(items)
        known = [self.replies.known(group.fact, group.items).readings for group in groups]
        calls = [call for call, _ in self._calls(groups, known)]
        tokens = [estimated_tokens(call) for call in calls]
        input_tokens, output_tokens = sum(t[0] for t in tokens), sum(t[1] for t in tokens)
        price = self.definition.file.price
        return Estimate(
            calls=len(calls),
            verdicts=len(items),
            cached=sum(map(len, known)),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            dollars=dollars(price, input_tokens, output_tokens) if price else None,
        )

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        """A verdict or a failure for every item; those of a call come together."""
        groups = _groups(items)
        known = [self._known(group) for group in groups]
        for group, readings in zip(groups, known, strict=True):
            for response, equal in group.items.items():
                if not response.strip():
                    yield from self._verdicts(equal, Reading("incorrect", "empty response"))
                elif response in readings:
                    yield from self._verdicts(equal, readings[response])
        calls = self._calls(groups, known)
        owners = {id(call): group for call, group in calls}
        clean = scrubber()
        for call, result in self.transport.run([call for call, _ in calls]):
            group = owners[id(call)]
            if isinstance(result, Failed):
                for response in call.responses.values():
                    for item in group.items[response]:
                        yield Failure(item.key, "judge", clean(result.error))
                continue
            by_response = {call.responses[name]: r for name, r in result.readings.items()}
            kept = stored_reply(self.model_identity, group.fact, call, result.reply)
            self.replies.keep(Derived(kept, group.fact, by_response))
            for response, reading in by_response.items():
                yield from self._verdicts(group.items[response], reading)

    def _known(self, group: _Group) -> Mapping[str, Reading]:
        """What is known about a fact's responses; the run then holds the calls it follows from."""
        known = self.replies.known(group.fact, group.items)
        for derived in known.adopted:
            self.replies.keep(derived)
        return known.readings

    def _calls(
        self, groups: Sequence[_Group], known: Sequence[Mapping[str, Reading]]
    ) -> list[tuple[Call, _Group]]:
        """The calls that are still needed, each about a single fact."""
        most = self.definition.file.responses_per_call
        calls = []
        for group, readings in zip(groups, known, strict=True):
            remaining = [r for r in group.items if r.strip() and r not in readings]
            for start in range(0, len(remaining), most):
                batch = remaining[start : start + most]
                calls.append((call_on(self.definition, group.fact, batch), group))
        return calls

    def _verdicts(self, items: Sequence[JudgeItem], reading: Reading) -> Iterator[Judgement]:
        """The model's verdict for each item, unless the rules find the gold answer."""
        for item in items:
            verdict: Verdict = reading.verdict
            override: dict[str, str] = {}
            if verdict == "incorrect":
                decision = decide(item.question, item.answer, item.aliases, item.response)
                if decision.correct:
                    verdict = "correct"
                    override = {"override": f"rules: {decision.rule}: {decision.evidence}"}
            text = json.dumps({**asdict(reading), **override}, ensure_ascii=False)
            yield Judgement(item.key, verdict, self.identity, text)


def _groups(items: Sequence[JudgeItem]) -> list[_Group]:
    """Items of one fact together, equal responses under one entry."""
    by_fact: dict[FactQuestion, dict[str, list[JudgeItem]]] = {}
    for item in items:
        fact = FactQuestion(item.fact_question or item.question, item.answer, item.aliases)
        by_fact.setdefault(fact, {}).setdefault(item.response, []).append(item)
    return [_Group(fact, responses) for fact, responses in by_fact.items()]
