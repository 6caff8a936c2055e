"""Run a plan: generate block by block, judge, commit; resume where a killed run stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from unlearnbench.errors import EngineError
from unlearnbench.interfaces import Generator, Judge, PromptingGenerator, SingleGenerator
from unlearnbench.progress import Unit
from unlearnbench.protocol.judge_worker import Verdicts
from unlearnbench.protocol.judging import to_judge
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.codec import completion_record
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.schema import RunRecord
from unlearnbench.runs.verdicts import stored_verdicts
from unlearnbench.types import (
    Completion,
    Failure,
    Probe,
    ProbeKey,
    Sampling,
)

Advance = Callable[[Unit, int], None]
"""Called with the number of answers or verdicts that have just been added."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: its plan, engine, judge, decoding, folder and record."""

    plan: Plan
    generator: Generator
    judge: Judge
    sampling: Sampling
    folder: RunFolder
    record: RunRecord


def evaluate(job: Job, advance: Advance) -> None:
    """Complete the run as far as failures allow.

    Existing answers and verdicts are kept. A block with a failed or missing answer is generated
    again as a whole, because texts depend on the batch they were generated in; only the missing
    answers are taken from it. An engine that asks singly is asked for these alone. Raises what the
    engine, the judge or the disk raises; everything committed before stays.
    """
    with job.folder.locked():
        job.folder.begin(job.plan.probes, job.record)
        completions = job.folder.read_completions()
        judge = job.judge.identity
        outcomes = stored_verdicts(job.folder, job.plan.probes, completions, judge)
        judged = partial(advance, "verdicts")
        with Verdicts(job.judge, job.folder, judged) as verdicts:
            for block in job.plan.blocks():
                missing = {p.key for p in block if not _is_answered(completions.get(p.key))}
                advance("answers", len(block) - len(missing))
                if missing:
                    results = _generate(job, block, missing, partial(advance, "answers"))
                    job.folder.completions.append(completion_record(r) for r in results.values())
                    completions.update(results)
                items = to_judge(block, completions, outcomes)
                judged(len(block) - len(items))
                verdicts.submit(items)


def prompts_of(generator: Generator, probes: Sequence[Probe]) -> dict[str, str]:
    """The field `prompts` of a run's identity, or nothing if the prompts' tokens are unknown."""
    if not isinstance(generator, PromptingGenerator):
        return {}
    fingerprint = generator.prompts_fingerprint(probes)
    return {} if fingerprint is None else {"prompts": fingerprint}


def _is_answered(result: Completion | Failure | None) -> bool:
    return isinstance(result, Completion)


def _generate(
    job: Job, block: Sequence[Probe], missing: set[ProbeKey], advance: Callable[[int], None]
) -> dict[ProbeKey, Completion | Failure]:
    """Answers for the missing keys of a block, in plan order; a failure where there is none."""
    results: dict[ProbeKey, Completion | Failure] = {}
    generator = job.generator
    if isinstance(generator, SingleGenerator) and generator.asks_singly:
        block = [probe for probe in block if probe.key in missing]
    planned = {probe.key for probe in block}
    for result in generator.generate(block, job.sampling):
        if result.key not in planned or result.key in results:
            raise EngineError(
                f"the engine answered {result.key} twice or unasked; the block is void"
            )
        results[result.key] = result
        advance(result.key in missing)
    return {
        p.key: results.get(p.key, Failure(p.key, "generate", "the engine gave no answer"))
        for p in block
        if p.key in missing
    }
