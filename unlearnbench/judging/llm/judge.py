"""A language model as judge: one fact per call, equal responses judged once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from unlearnbench.hashing import sha256_json, sha256_text
from unlearnbench.judging.llm.cache import FILE, VerdictCache
from unlearnbench.judging.llm.calls import Failed, dollars, estimated_tokens
from unlearnbench.judging.llm.definition import JudgeDefinition
from unlearnbench.judging.llm.http import scrubber
from unlearnbench.judging.llm.prompt import PROMPT_VERSION, Call, FactQuestion, Reading, make_call
from unlearnbench.judging.rules.judge import RulesJudge, decide
from unlearnbench.paths import cache_root
from unlearnbench.types import Estimate, Failure, JudgeItem, Judgement, Usage, Verdict


class Transport(Protocol):
    """Carries calls to a model and readings back; see `calls.Calls` and `local.LocalModel`."""

    usage: Usage

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, dict[str, Reading] | Failed]]:
        """Yield each call once, in any order."""
        ...


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

    def __init__(self, definition: JudgeDefinition, transport: Transport) -> None:
        self.definition = definition
        self.transport = transport
        self.caches: list[VerdictCache] = []

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
        """Keep verdicts in this user's cache and, if one is given, in a run's own folder."""
        run_caches = [folder / FILE] if folder is not None else []
        self.caches = [VerdictCache(path) for path in (*run_caches, cache_root() / FILE)]

    def estimate(self, items: Sequence[JudgeItem]) -> Estimate:
        """The cost of judging `items`; makes no calls."""
        groups = _groups(items)
        cached = self._cached(groups)
        calls = [call for call, _ in self._calls(groups, cached)]
        tokens = [estimated_tokens(call) for call in calls]
        input_tokens, output_tokens = sum(t[0] for t in tokens), sum(t[1] for t in tokens)
        price = self.definition.file.price
        return Estimate(
            calls=len(calls),
            verdicts=len(items),
            cached=len(cached),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            dollars=dollars(price, input_tokens, output_tokens) if price else None,
        )

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        """A verdict or a failure for every item; those of a call come together."""
        groups = _groups(items)
        cached = self._cached(groups)
        self._keep(cached)
        for group in groups:
            for response, equal in group.items.items():
                reading = cached.get(self._key(group.fact, response))
                if reading is not None:
                    yield from self._verdicts(equal, reading)
                elif not response.strip():
                    yield from self._verdicts(equal, Reading("incorrect", "empty response"))
        calls = self._calls(groups, cached)
        owners = {id(call): group for call, group in calls}
        clean = scrubber()
        for call, result in self.transport.run([call for call, _ in calls]):
            group = owners[id(call)]
            if isinstance(result, Failed):
                for response in call.responses.values():
                    for item in group.items[response]:
                        yield Failure(item.key, "judge", clean(result.error))
                continue
            responses = call.responses
            # A provider may echo a key in a well-formed reply.
            readings = {n: Reading(r.verdict, clean(r.evidence)) for n, r in result.items()}
            self._keep({self._key(group.fact, responses[name]): r for name, r in readings.items()})
            for name, reading in readings.items():
                yield from self._verdicts(group.items[responses[name]], reading)

    def _calls(
        self, groups: Sequence[_Group], cached: Mapping[str, Reading]
    ) -> list[tuple[Call, _Group]]:
        """The calls that are still needed, each about a single fact."""
        file = self.definition.file
        calls = []
        for group in groups:
            remaining = [
                r for r in group.items if r.strip() and self._key(group.fact, r) not in cached
            ]
            for start in range(0, len(remaining), file.responses_per_call):
                batch = remaining[start : start + file.responses_per_call]
                call = make_call(self.definition.prompt, file.structured, group.fact, batch)
                calls.append((call, group))
        return calls

    def _cached(self, groups: Sequence[_Group]) -> dict[str, Reading]:
        keys = {self._key(group.fact, response) for group in groups for response in group.items}
        readings: dict[str, Reading] = {}
        for cache in self.caches:
            readings |= cache.get(keys - set(readings))
        return readings

    def _keep(self, readings: Mapping[str, Reading]) -> None:
        for cache in self.caches:
            cache.put(self.model_identity, readings)

    def _key(self, fact: FactQuestion, response: str) -> str:
        identity = [fact.question, fact.answer, *fact.aliases]
        return sha256_json([self.model_identity, identity, sha256_text(response)])

    def _verdicts(self, items: Sequence[JudgeItem], reading: Reading) -> Iterator[Judgement]:
        """The model's verdict for each item, unless the rules find the gold answer."""
        for item in items:
            verdict: Verdict = reading.verdict
            override: dict[str, str] = {}
            decision = decide(item.question, item.answer, item.aliases, item.response)
            if verdict == "incorrect" and decision.correct:
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
