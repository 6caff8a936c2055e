"""Facts as a benchmark, for the parts of the program that read nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unlearnbench.benchmark import Benchmark
from unlearnbench.paraphrasing.candidates import STYLES
from unlearnbench.types import Fact, Form, Indirect


def as_benchmark(
    facts: Sequence[Fact], forms: Sequence[Form] = (), indirect: Sequence[Indirect] = ()
) -> Benchmark:
    """A benchmark of some facts that lies in no folder."""
    return Benchmark(
        id="proposed",
        version="0.0.0",
        title="",
        facts=tuple(facts),
        styles=STYLES,
        profile="standard",
        judge="rules",
        fingerprint="",
        folder=Path(),
        forms=tuple(forms),
        indirect=tuple(indirect),
        made=True,
    )
