"""The runs of a stress test as they are planned: which probes are put, and what follows from them.

A suite carries them out with a model; whoever checks a submission plans them again and concludes
from the answers that were sent. Both use these plans, so that neither can differ. Needs no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from unlearnbench.attacks.catalog import Scale
from unlearnbench.attacks.stress.findings import Control, Finding
from unlearnbench.benchmark import Benchmark
from unlearnbench.interfaces import Judge
from unlearnbench.protocol.shuffled import shuffled
from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import leaked_on_any, of_facts
from unlearnbench.types import Completion, Fact, Probe, PromptFormat, Sampling


@dataclass(frozen=True, slots=True)
class StressInputs:
    """What decides the probes of a suite.

    `replies`: what the model as it is answers, by fact and question (`first_replies`).
    """

    benchmark: Benchmark
    scale: Scale
    prompt_format: PromptFormat
    seed: int = 0
    replies: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def facts(self, split: Literal["forget", "never"]) -> tuple[Fact, ...]:
        """The facts of a split, or the first of them if there is a limit."""
        return self.benchmark.split(split)[: self.scale.limit]

    def form_of(self, fact: Fact) -> str | None:
        """The fact's sentence with a gap, if it has one."""
        return next((f.cloze for f in self.benchmark.forms if f.fact == fact.id), None)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run of a stress test, with the door that it tries.

    `folder` is its place below the suite's. `texts` is the sha256 of the templates that the probes
    are made with. `judge` decides in place of the suite's. `is_shuffled`: its answers are judged
    against other facts' gold answers too, as a control.
    """

    door: str
    folder: str
    probes: tuple[Probe, ...]
    concluded: Callable[[PlannedRun, Run, Run | None], Finding]
    sampling: Sampling = field(default_factory=Sampling)
    texts: str = ""
    judge: Judge | None = None
    is_shuffled: bool = False

    @property
    def controls(self) -> tuple[Probe, ...] | None:
        """The probes under other facts' gold answers; None if it is not `is_shuffled`."""
        return shuffled_forget(self.probes) if self.is_shuffled else None

    def finding(self, run: Run, control: Run | None) -> Finding:
        """What follows from the run, and from its control if there is one."""
        return self.concluded(self, run, control)


Planner = Callable[[StressInputs], list[PlannedRun]]


def first_replies(baseline: Run) -> dict[tuple[str, str], str]:
    """What the baseline answered to each question in the plain context, by fact and question."""
    replies: dict[tuple[str, str], str] = {}
    for probe in baseline.probes:
        reply = baseline.completions.get(probe.key)
        if not probe.examples and isinstance(reply, Completion):
            replies.setdefault((probe.key.fact, probe.question), reply.text)
    return replies


def shuffled_forget(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """The forget probes under other facts' gold answers."""
    return tuple(shuffled([probe for probe in probes if probe.split == "forget"]))


def asks_never(probes: Sequence[Probe]) -> bool:
    """Whether never-known facts are among the probes, which then are its control."""
    return any(probe.split == "never" for probe in probes)


def leaks(planned: PlannedRun, run: Run, control: Run | None) -> Finding:
    """The share of forget facts that leak on any probe of a run, and its control.

    The control are the never-known facts asked the same way; where the run asks none, the run's
    own answers judged against other facts' answers.
    """
    return Finding(
        planned.door,
        leaked_on_any(o for o in run.outcomes if o.split == "forget"),
        control=control_of(planned, run, control),
        probes=len(run.probes),
    )


def control_of(planned: PlannedRun, run: Run, control: Run | None) -> Control | None:
    """See `leaks`."""
    never = leaked_on_any(o for o in run.outcomes if o.split == "never")
    if never:
        return Control("never-known facts", of_facts(planned.door, never))
    if control is None or not control.probes:
        return None
    return Control("other facts' answers", of_facts(planned.door, leaked_on_any(control.outcomes)))
