"""Run a plan: generate block by block, judge, commit; resume where a killed run stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from unlearnbench.executors.blocks import Task
from unlearnbench.executors.local import answer_tasks
from unlearnbench.interfaces import Generator, Judge, PromptingGenerator
from unlearnbench.progress import Unit
from unlearnbench.protocol.judge_worker import Verdicts
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.codec import completion_record
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.judging import to_judge
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
    """One run: its plan, engine, judge, decoding, folder and record.

    `judging` is held while its judge judges, which other runs may share.
    """

    plan: Plan
    generator: Generator
    judge: Judge
    sampling: Sampling
    folder: RunFolder
    record: RunRecord
    judging: threading.Lock = field(default_factory=threading.Lock)


def evaluate(job: Job, advance: Advance) -> None:
    """Complete the run as far as failures allow.

    Existing answers and verdicts are kept. A block with a failed or missing answer is generated
    again as a whole, because texts depend on the batch they were generated in; only the missing
    answers are taken from it. An engine that asks singly is asked for these alone. This process is
    the only one that writes, wherever answers are made: a block is committed when it is complete.
    Raises what the engine, the judge or the disk raises; everything committed before stays.
    """
    with job.folder.locked():
        job.folder.begin(job.plan.probes, job.record)
        completions = job.folder.read_completions()
        identity = job.record.identity
        outcomes, _ = stored_verdicts(job.folder, job.plan.probes, completions, identity)
        judged = partial(advance, "verdicts")
        with Verdicts(job.judge, job.folder, judged, job.judging) as verdicts:
            answers = partial(advance, "answers")
            tasks = [_task(block, completions) for block in job.plan.blocks()]
            answers(len(job.plan.probes) - sum(len(task.missing) for task in tasks))
            for task, results in answer_tasks(job.generator, tasks, job.sampling, answers):
                if results:
                    job.folder.completions.append(completion_record(r) for r in results.values())
                    completions.update(results)
                items = to_judge(task.block, completions, outcomes)
                judged(len(task.block) - len(items))
                verdicts.submit(items)


def prompts_of(generator: Generator, probes: Sequence[Probe]) -> dict[str, str]:
    """The field `prompts` of a run's identity, or nothing if the prompts' tokens are unknown."""
    if not isinstance(generator, PromptingGenerator):
        return {}
    fingerprint = generator.prompts_fingerprint(probes)
    return {} if fingerprint is None else {"prompts": fingerprint}


def _task(block: tuple[Probe, ...], completions: Mapping[ProbeKey, Completion | Failure]) -> Task:
    keys = (probe.key for probe in block)
    missing = (key for key in keys if not isinstance(completions.get(key), Completion))
    return Task(block, frozenset(missing))
