"""Which engine puts a suite's questions to the model as it is, and which tests that leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.attacks.stress.base import StressTest
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.vllm.arguments import arguments_of, spelt
from unlearnbench.engines.vllm.build import check_version
from unlearnbench.errors import RunError
from unlearnbench.interfaces import Generator
from unlearnbench.runs.folder import RunFolder
from unlearnbench.types import Setting
from unlearnbench.types.options import EngineOptions

COMPARED = "compared"
"""The engine's setting that says whether what it loaded was compared with the files."""
NEEDS_BASE = "compares with the model before: give --base"
NEEDS_WEIGHTS = (
    "needs the weights in this process, and engine vllm only asks: run it with "
    "--engine transformers and another --out"
)


@dataclass(frozen=True, slots=True)
class AskingEngine:
    """An engine that asks a model and keeps its weights to itself.

    `fields` name it in identities; `make` loads the model.
    """

    fields: Mapping[str, Setting]
    make: Callable[[Checkpoint, EngineOptions], Generator]


def asking_vllm(options: EngineOptions) -> AskingEngine:
    """Engine `vllm`. Raises `EngineError` if it is not installed, or cannot do as the options say;
    nothing is loaded yet.
    """
    arguments = arguments_of(options)
    fields: dict[str, Setting] = {"engine": "vllm", "vllm": check_version()}
    if arguments:
        fields["vllm_arguments"] = spelt(arguments)
    return AskingEngine(fields, _make_vllm)


def _make_vllm(checkpoint: Checkpoint, options: EngineOptions) -> Generator:
    from unlearnbench.engines.vllm.engine import VllmEngine

    return VllmEngine(checkpoint, options)


def check_as_before(baseline: RunFolder, engine: Generator) -> None:
    """Raise `RunError` if a suite was begun with a model that was compared with its files, and goes
    on with one that was not, or the other way round.
    """
    if not baseline.exists():
        return
    before, now = (s.get(COMPARED) for s in (baseline.settings(), engine.info.settings))
    if before != now:
        raise RunError(
            f"{baseline.path} holds another run; {COMPARED}: the folder has {before}, asked for "
            f"{now}; choose another --out"
        )


def left_out(tests: Sequence[StressTest], has_base: bool, has_weights: bool) -> dict[str, str]:
    """The tests that cannot be run, and why; one that does not say needs the weights."""
    reasons = {}
    for test in tests:
        if not has_weights and getattr(test, "needs_weights", True):
            reasons[test.name] = NEEDS_WEIGHTS
        elif test.needs_base and not has_base:
            reasons[test.name] = NEEDS_BASE
    return reasons
