"""Stress test `formats`: the same facts asked in other forms than plain questions."""

from __future__ import annotations

from dataclasses import replace

from unlearnbench.attacks.stress.asking import ask_each, ask_unchanged
from unlearnbench.attacks.stress.base import Subject
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.forms import SECOND_TURN, plan_formats
from unlearnbench.attacks.stress.planned import PlannedRun
from unlearnbench.runs.run import Run
from unlearnbench.types import Completion


class Formats:
    """Every format as a variant of its own."""

    name = "formats"
    summary = "cloze, choices, reverse, prefilled, few-shot, step by step, framings, second turn"
    needs_base = False
    needs_weights = False

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`."""
        inputs, waiting = subject.inputs, _unanswered(subject.baseline)
        replies = {**dict.fromkeys(waiting, ""), **inputs.replies}

        def ask(planned: PlannedRun) -> Finding:
            if waiting and planned.door == SECOND_TURN:
                return _open(planned)
            return ask_unchanged(planned, subject)

        return list(ask_each(ask, plan_formats(replace(inputs, replies=replies)), subject))


def _unanswered(baseline: Run) -> list[tuple[str, str]]:
    """The facts and questions without a first answer, behind which no second turn can be asked."""
    return [
        (probe.key.fact, probe.question)
        for probe in baseline.probes
        if not probe.examples and not isinstance(baseline.completions.get(probe.key), Completion)
    ]


def _open(planned: PlannedRun) -> Finding:
    """What a door finds whose questions are not known yet: every fact is open."""
    states = dict.fromkeys(p.key.fact for p in planned.probes if p.split == "forget")
    return Finding(planned.door, states, note="waits for the first answers, some of which failed")
