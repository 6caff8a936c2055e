"""Stress test `sampling`: what leaks when answers are sampled instead of decoded greedily."""

from __future__ import annotations

from functools import partial

from unlearnbench.attacks.stress.asking import ask_each, ask_unchanged
from unlearnbench.attacks.stress.base import Subject
from unlearnbench.attacks.stress.draws import plan_sampling
from unlearnbench.attacks.stress.findings import Finding


class DrawnSamples:
    """n answers a fact at temperature 1, to the original wording."""

    name = "sampling"
    summary = "leak@k of n answers drawn at temperature 1"
    needs_base = False
    needs_weights = False

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`."""
        ask = partial(ask_unchanged, subject=subject)
        return list(ask_each(ask, plan_sampling(subject.inputs), subject))
