"""What the model before unlearning answers to proposed facts, asked as in every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from unlearnbench.authoring.proposed.as_benchmark import as_benchmark
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.scoring.answers import cut_answer
from unlearnbench.types import Completion, Fact, Failure, Judgement, ProbeKey, Sampling


@dataclass(frozen=True, slots=True)
class BaseAnswer:
    """What a base model answered: its response, and whether it gives the gold answer.

    `gives` is None where there is no answer or no verdict; `response` then says why.
    """

    response: str
    gives: bool | None


@dataclass(frozen=True, slots=True)
class AskedBase:
    """A model that can be asked. `fingerprint` is that of its checkpoint; `make` loads it."""

    name: str
    fingerprint: str
    make: Callable[[], Generator]
    judge: Judge

    def answers(self, facts: Sequence[Fact]) -> Mapping[str, BaseAnswer]:
        """What it answers to the question of each fact, asked plainly, by the fact's id.

        The texts depend on the facts alone, so that the same call gives the same answers.
        """
        if not facts:
            return {}
        profile = get_profile("standard")
        profile = replace(profile, splits=("retain", "never"), forget_contexts=("plain",))
        generator = self.make()
        plan = make_plan(as_benchmark(facts), profile, generator.info.prompt_format)
        completions: dict[ProbeKey, Completion | Failure] = {}
        for block in plan.blocks():
            answered = generator.generate(block, Sampling(profile.max_new_tokens))
            completions |= {result.key: result for result in answered}
        items = to_judge(plan.probes, completions, {})
        verdicts = {result.key: result for result in judge_readings(self.judge, items)}
        keys = {probe.key.fact: probe.key for probe in plan.probes}
        return {
            fact.id: _answer(completions.get(keys[fact.id]), verdicts.get(keys[fact.id]))
            for fact in facts
        }


def _answer(
    completion: Completion | Failure | None, verdict: Judgement | Failure | None
) -> BaseAnswer:
    if not isinstance(completion, Completion):
        return BaseAnswer(completion.error if completion else "it gave no answer", None)
    if completion.finish_reason == "thinking":
        return BaseAnswer("it was cut off while it thought", None)
    if not isinstance(verdict, Judgement):
        return BaseAnswer(verdict.error if verdict else "its answer has no verdict", None)
    return BaseAnswer(cut_answer(completion.text), verdict.verdict == "correct")
