"""Does a language model that is said to have forgotten something really not know it?

>>> import unlearnbench
>>> run = unlearnbench.score("smollm2-135m", "wkf", profile="quick")
>>> run.scores["forget.worst_case"]
"""

from typing import TYPE_CHECKING

from unlearnbench.api.names import lazily

if TYPE_CHECKING:
    from unlearnbench.api.attacks import relearn, stress
    from unlearnbench.api.authoring import make_benchmark
    from unlearnbench.api.calibration import calibrate
    from unlearnbench.api.comparing import compare
    from unlearnbench.api.known import known
    from unlearnbench.api.rejudging import estimate, rejudge
    from unlearnbench.api.reports import report
    from unlearnbench.api.scoring import score
    from unlearnbench.api.submissions import build_leaderboard, submit, submit_base, verify
    from unlearnbench.api.sweep import sweep
    from unlearnbench.api.synthetic import make_synthetic
    from unlearnbench.api.training import train
    from unlearnbench.api.utility import measure_utility
    from unlearnbench.benchmark import load_benchmark
    from unlearnbench.errors import (
        BenchmarkError,
        CheckpointError,
        EngineError,
        JudgeError,
        MissingExtraError,
        OpenScoreError,
        PluginError,
        RunError,
        SubmissionError,
        TrainingError,
        UnlearnbenchError,
        UnreadableError,
    )
    from unlearnbench.progress import Progress
    from unlearnbench.runs.run import Run, load_run
    from unlearnbench.types.authoring import MakeOptions, SyntheticOptions
    from unlearnbench.types.execution import ExecutorOptions
    from unlearnbench.types.options import (
        About,
        EngineOptions,
        RunOptions,
        TrainOptions,
        UtilityOptions,
    )

    __version__: str

__all__ = [
    "About",
    "BenchmarkError",
    "CheckpointError",
    "EngineError",
    "EngineOptions",
    "ExecutorOptions",
    "JudgeError",
    "MakeOptions",
    "MissingExtraError",
    "OpenScoreError",
    "PluginError",
    "Progress",
    "Run",
    "RunError",
    "RunOptions",
    "SubmissionError",
    "SyntheticOptions",
    "TrainOptions",
    "TrainingError",
    "UnlearnbenchError",
    "UnreadableError",
    "UtilityOptions",
    "__version__",
    "build_leaderboard",
    "calibrate",
    "compare",
    "estimate",
    "known",
    "load_benchmark",
    "load_run",
    "make_benchmark",
    "make_synthetic",
    "measure_utility",
    "rejudge",
    "relearn",
    "report",
    "score",
    "stress",
    "submit",
    "submit_base",
    "sweep",
    "train",
    "verify",
]

__getattr__ = lazily(__name__, __all__)
