"""The public names and their modules, each imported when a name is first used.

This keeps `import unlearnbench` fast: it loads nothing that runs models, judges or pages.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable

NAMES = {
    "score": "unlearnbench.api.scoring",
    "known": "unlearnbench.api.known",
    "rejudge": "unlearnbench.api.rejudging",
    "estimate": "unlearnbench.api.rejudging",
    "train": "unlearnbench.api.training",
    "sweep": "unlearnbench.api.sweep",
    "stress": "unlearnbench.api.attacks",
    "relearn": "unlearnbench.api.attacks",
    "compare": "unlearnbench.api.comparing",
    "measure_utility": "unlearnbench.api.utility",
    "make_benchmark": "unlearnbench.api.authoring",
    "MakeOptions": "unlearnbench.types.authoring",
    "make_synthetic": "unlearnbench.api.synthetic",
    "SyntheticOptions": "unlearnbench.types.authoring",
    "calibrate": "unlearnbench.api.calibration",
    "report": "unlearnbench.api.reports",
    "submit": "unlearnbench.api.submissions",
    "submit_base": "unlearnbench.api.submissions",
    "verify": "unlearnbench.api.submissions",
    "build_leaderboard": "unlearnbench.api.submissions",
    "Run": "unlearnbench.runs.run",
    "load_run": "unlearnbench.runs.run",
    "load_benchmark": "unlearnbench.benchmark",
    "EngineOptions": "unlearnbench.types.options",
    "ExecutorOptions": "unlearnbench.types.execution",
    "RunOptions": "unlearnbench.types.options",
    "UtilityOptions": "unlearnbench.types.options",
    "TrainOptions": "unlearnbench.types.options",
    "About": "unlearnbench.types.options",
    "Progress": "unlearnbench.progress",
    "UnlearnbenchError": "unlearnbench.errors",
    "BenchmarkError": "unlearnbench.errors",
    "UnreadableError": "unlearnbench.errors",
    "CheckpointError": "unlearnbench.errors",
    "EngineError": "unlearnbench.errors",
    "TrainingError": "unlearnbench.errors",
    "JudgeError": "unlearnbench.errors",
    "RunError": "unlearnbench.errors",
    "SubmissionError": "unlearnbench.errors",
    "PluginError": "unlearnbench.errors",
    "MissingExtraError": "unlearnbench.errors",
    "OpenScoreError": "unlearnbench.errors",
}


def lazily(package: str, names: Iterable[str]) -> Callable[[str], object]:
    """A module's `__getattr__` (PEP 562) that imports a public name on first use."""
    public = frozenset(names)

    def find(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version(package)
        if name not in public:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(NAMES[name]), name)

    return find
