"""What judging would cost, before there is anything to judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unlearnbench.interfaces import PaidJudge
from unlearnbench.types import JudgeItem, Probe

if TYPE_CHECKING:
    from unlearnbench.benchmark import Benchmark
    from unlearnbench.planning.forecast import JudgingWork

_CHARACTERS = 4
"""Of a token; LLM judges count theirs in the same way."""


def judging_work(
    judge: str | None, benchmark: Benchmark, runs: Sequence[Sequence[Probe]], most: int
) -> list[JudgingWork]:
    """The cost of judging some runs of a benchmark, at most; empty for a judge without calls.

    Every answer is taken to differ from all others and to be `most` tokens long, so that nothing is
    judged once for many. Raises `JudgeError` for an unknown judge.
    """
    from unlearnbench.judging.catalogue import named_judge
    from unlearnbench.planning.forecast import JudgingWork

    instance = named_judge(judge or benchmark.judge)
    if not isinstance(instance, PaidJudge):
        return []
    originals = {fact.id: fact.question for fact in benchmark.facts}
    found = []
    # Runs of one plan cost the same: the points of a relearning attack.
    for probes in {id(run): run for run in runs}.values():
        items = [
            _item(number, probe, originals.get(probe.key.fact, ""), most)
            for number, probe in enumerate(probes)
        ]
        count = sum(run is probes for run in runs)
        found.append(JudgingWork(instance.name, count, instance.estimate(items)))
    return found


def _item(number: int, probe: Probe, original: str, most: int) -> JudgeItem:
    return JudgeItem(
        key=probe.key,
        question=probe.question,
        answer=probe.answer,
        aliases=probe.aliases,
        response=f"{number} ".ljust(most * _CHARACTERS, "x"),
        fact_question=original,
    )
