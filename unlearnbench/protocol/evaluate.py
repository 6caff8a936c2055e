"""Run a plan: generate block by block, judge, commit; resume where a killed run stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from unlearnbench.errors import EngineError
from unlearnbench.interfaces import Generator, Judge, PromptingGenerator
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
    """One run: what is asked, who answers, who judges, where it is kept."""

    plan: Plan
    generator: Generator
    judge: Judge
    sampling: Sampling
    folder: RunFolder
    record: RunRecord


def evaluate(job: Job, advance: Advance) -> None:
    """Bring the run to its end, or as near as failures allow.

    What was already answered and judged is kept. A block with a failed or missing answer is
    generated again as a whole, because the batch it ran in is part of what decides its texts; only
    the missing answers are taken from it. Raises what the engine, the judge or the disk raises;
    everything committed until then stays.
    """
    with job.folder.locked():
        job.folder.begin(job.plan.probes, job.record)
        completions = job.folder.read_completions()
        judge = job.judge.identity
        outcomes = stored_verdicts(job.folder, job.plan.probes, completions, judge)
        judged = partial(advance, "verdicts")
        with Verdicts(job.judge, job.folder, judged) as verdicts:
            for block in job.plan.blocks():
                wanted = {p.key for p in block if not _answered(completions.get(p.key))}
                advance("answers", len(block) - len(wanted))
                if wanted:
                    results = _generate(job, block, wanted, partial(advance, "answers"))
                    job.folder.completions.append(completion_record(r) for r in results.values())
                    completions.update(results)
                items = to_judge(block, completions, outcomes)
                judged(len(block) - len(items))
                verdicts.submit(items)


def prompts_of(generator: Generator, probes: Sequence[Probe]) -> dict[str, str]:
    """The field `prompts` of a run's identity: the token ids asked. Empty if nobody knows them."""
    if not isinstance(generator, PromptingGenerator):
        return {}
    fingerprint = generator.prompts_fingerprint(probes)
    return {} if fingerprint is None else {"prompts": fingerprint}


def _answered(result: Completion | Failure | None) -> bool:
    return isinstance(result, Completion)


def _generate(
    job: Job, block: Sequence[Probe], wanted: set[ProbeKey], advance: Callable[[int], None]
) -> dict[ProbeKey, Completion | Failure]:
    """Answers for the wanted keys of a block, in plan order; a missing one becomes a failure."""
    results: dict[ProbeKey, Completion | Failure] = {}
    planned = {probe.key for probe in block}
    for result in job.generator.generate(block, job.sampling):
        if result.key not in planned or result.key in results:
            raise EngineError(
                f"the engine answered {result.key} twice or unasked; the block is void"
            )
        results[result.key] = result
        advance(result.key in wanted)
    return {
        p.key: results.get(p.key, Failure(p.key, "generate", "the engine gave no answer"))
        for p in block
        if p.key in wanted
    }
