"""Stress test `formats`: the same facts asked in other forms than plain questions."""

from __future__ import annotations

from functools import partial

from unlearnbench.attacks.stress.asking import ask_each, ask_unchanged
from unlearnbench.attacks.stress.base import Subject
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.forms import plan_formats


class Formats:
    """Every format as a variant of its own."""

    name = "formats"
    summary = "cloze, choices, reverse, prefilled, few-shot, step by step, framings, second turn"
    needs_base = False

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`."""
        ask = partial(ask_unchanged, subject=subject)
        return list(ask_each(ask, plan_formats(subject.inputs), subject))
