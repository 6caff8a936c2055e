"""Make a benchmark of invented facts with chosen properties."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.authoring.synthetic.folder import write_synthetic
from unlearnbench.types.authoring import SyntheticOptions

if TYPE_CHECKING:
    from unlearnbench.authoring.synthetic.record import SyntheticRecord
    from unlearnbench.benchmark import Benchmark


@dataclass(frozen=True, slots=True)
class SyntheticBenchmark:
    """A benchmark of invented facts, and what was asked of it and measured on it."""

    benchmark: Benchmark
    record: SyntheticRecord


def make_synthetic(
    out: str | Path, *, synthetic_options: SyntheticOptions = SyntheticOptions()
) -> SyntheticBenchmark:
    """Make a benchmark of invented facts to implant in a model and to unlearn.

    Each forget fact has one retain fact in each of four tiers, which is like it in its subject, its
    wording or its answer alone, or in nothing. No model knows the facts: `train` with method
    `finetune` implants them.

    Example:
        >>> made = make_synthetic("implanted", synthetic_options=SyntheticOptions(facts=24))
        >>> made.record.realised["subject"].pairs.subject

    Args:
        out: The benchmark's folder, which must be empty or not there.
        synthetic_options: How many facts, how like each other, and how often they are implanted.

    Returns:
        The benchmark, loaded, and its record, which is also in `synthetic.json`.

    Raises:
        BenchmarkError: Options that cannot be met, or a folder that holds something.
        RunError: The folder cannot be written.
    """
    return SyntheticBenchmark(*write_synthetic(Path(out), synthetic_options))
