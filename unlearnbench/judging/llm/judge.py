"""A language model as judge: one fact a call, equal answers once, nothing lost."""

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
    """Equal answers to one fact's question under one call's roof."""

    fact: FactQuestion
    items: Mapping[str, list[JudgeItem]]
    """By response."""


class LLMJudge:
    """Judges with a model that a definition names.

    Whatever the model says, the rules' certain finding of the answer counts as known; such a
    verdict is marked as an override.
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
        """sha256 of all that decides the model's own verdict; the cache is keyed by it."""
        return sha256_json([self.definition.identity, PROMPT_VERSION])

    @cached_property
    def identity(self) -> str:
        """sha256 of the model's identity and that of the rules behind it."""
        return sha256_json([self.model_identity, RulesJudge().identity])

    @property
    def usage(self) -> Usage:
        """Calls, tokens and dollars so far."""
        return self.transport.usage

    def keep_in(self, folder: Path | None) -> None:
        """Keep verdicts in this user's cache and, if one is given, in a run's own folder."""
        own = [folder / FILE] if folder is not None else []
        self.caches = [VerdictCache(path) for path in (*own, cache_root() / FILE)]

    def estimate(self, items: Sequence[JudgeItem]) -> Estimate:
        """What judging `items` would take, without asking anybody."""
        groups = _groups(items)
        known = self._known(groups)
        calls = [call for call, _ in self._calls(groups, known)]
        tokens = [estimated_tokens(call) for call in calls]
        inside, outside = sum(t[0] for t in tokens), sum(t[1] for t in tokens)
        price = self.definition.file.price
        return Estimate(
            calls=len(calls),
            verdicts=len(items),
            cached=len(known),
            input_tokens=inside,
            output_tokens=outside,
            dollars=dollars(price, inside, outside) if price else None,
        )

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        """A verdict or a failure for every item; those of a call come together."""
        groups = _groups(items)
        known = self._known(groups)
        self._keep(known)
        for group in groups:
            for response, same in group.items.items():
                reading = known.get(self._key(group.fact, response))
                if reading is not None:
                    yield from self._verdicts(same, reading)
                elif not response.strip():
                    yield from self._verdicts(same, Reading("incorrect", "empty response"))
        calls = self._calls(groups, known)
        owners = {id(call): group for call, group in calls}
        clean = scrubber()
        for call, found in self.transport.run([call for call, _ in calls]):
            group = owners[id(call)]
            if isinstance(found, Failed):
                for response in call.responses.values():
                    for item in group.items[response]:
                        yield Failure(item.key, "judge", clean(found.error))
                continue
            responses = call.responses
            # A provider may repeat in a good reply what it was sent.
            found = {name: Reading(r.verdict, clean(r.evidence)) for name, r in found.items()}
            self._keep({self._key(group.fact, responses[name]): r for name, r in found.items()})
            for name, reading in found.items():
                yield from self._verdicts(group.items[responses[name]], reading)

    def _calls(
        self, groups: Sequence[_Group], known: Mapping[str, Reading]
    ) -> list[tuple[Call, _Group]]:
        """The calls that are still needed: never two facts in one."""
        file = self.definition.file
        calls = []
        for group in groups:
            left = [r for r in group.items if r.strip() and self._key(group.fact, r) not in known]
            for start in range(0, len(left), file.responses_per_call):
                some = left[start : start + file.responses_per_call]
                call = make_call(self.definition.prompt, file.structured, group.fact, some)
                calls.append((call, group))
        return calls

    def _known(self, groups: Sequence[_Group]) -> dict[str, Reading]:
        keys = {self._key(group.fact, response) for group in groups for response in group.items}
        found: dict[str, Reading] = {}
        for cache in self.caches:
            found |= cache.get(keys - set(found))
        return found

    def _keep(self, readings: Mapping[str, Reading]) -> None:
        for cache in self.caches:
            cache.put(self.model_identity, readings)

    def _key(self, fact: FactQuestion, response: str) -> str:
        about = [fact.question, fact.answer, *fact.aliases]
        return sha256_json([self.model_identity, about, sha256_text(response)])

    def _verdicts(self, items: Sequence[JudgeItem], reading: Reading) -> Iterator[Judgement]:
        """The model's verdict for each item, unless the rules find the answer."""
        for item in items:
            verdict: Verdict = reading.verdict
            override: dict[str, str] = {}
            certain = decide(item.question, item.answer, item.aliases, item.response)
            if verdict == "incorrect" and certain.correct:
                verdict = "correct"
                override = {"override": f"rules: {certain.rule}: {certain.evidence}"}
            text = json.dumps({**asdict(reading), **override}, ensure_ascii=False)
            yield Judgement(item.key, verdict, self.identity, text)


def _groups(items: Sequence[JudgeItem]) -> list[_Group]:
    """Items of one fact together, equal responses under one entry."""
    found: dict[FactQuestion, dict[str, list[JudgeItem]]] = {}
    for item in items:
        fact = FactQuestion(item.fact_question or item.question, item.answer, item.aliases)
        found.setdefault(fact, {}).setdefault(item.response, []).append(item)
    return [_Group(fact, responses) for fact, responses in found.items()]
