"""Make the engine of a run: `NAME`, `endpoint:URL`, or an object; here or in workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from unlearnbench.checkpoints.aliases import ALIASES
from unlearnbench.errors import EngineError, PluginError, SubmissionError
from unlearnbench.executors.blocks import SpreadGenerator
from unlearnbench.interfaces import Generator
from unlearnbench.naming import nearest
from unlearnbench.plugins import available, load
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions

if TYPE_CHECKING:
    from unlearnbench.attacks.stress.asked_by import AskingEngine
    from unlearnbench.attacks.worker import ModelNames
    from unlearnbench.checkpoints.resolve import Checkpoint
    from unlearnbench.executors.crew import Crew
    from unlearnbench.executors.ray.worker import Recipe

TRANSFORMERS, ENDPOINT, VLLM = "transformers", "endpoint", "vllm"
_ITS_OPTIONS = ("endpoint", "model", "concurrency")
EXECUTORS = ("local", "ray")
_WITHOUT_WEIGHTS = (ENDPOINT, "replay")
"""Engines that a worker would only stand in the way of."""


class MakeEngine(Protocol):
    """Makes the engine when it is first needed, and gives the same one each time."""

    def __call__(self) -> Generator:
        """The engine."""
        ...


@contextmanager
def engine_maker(
    engine: str | Generator,
    checkpoint: str,
    options: EngineOptions,
    execution: ExecutorOptions = ExecutorOptions(),
) -> Iterator[MakeEngine]:
    """What makes the engine of a call, whose processes end with the `with` block.

    Raises like `engine_for` where options do not fit, before anything is made.
    """
    check_execution(engine, execution)
    made: list[Generator] = []

    @cache
    def make() -> Generator:
        if isinstance(engine, str) and execution.executor == "ray":
            made.append(_in_workers(engine, checkpoint, options, execution))
        else:
            made.append(engine_for(engine, checkpoint, options))
        return made[0]

    try:
        yield make
    finally:
        for generator in made:
            if isinstance(generator, SpreadGenerator):
                generator.close()


@contextmanager
def attack_crew(
    recipe: Recipe, subject: Checkpoint, execution: ExecutorOptions
) -> Iterator[Crew | None]:
    """The workers of an attack, which end with the `with` block; None without executor `ray`.

    Raises `EngineError` or `CheckpointError` if they cannot be had, or hold another checkpoint.
    """
    if execution.executor != "ray":
        yield None
        return
    from unlearnbench.executors.ray.crew import RayCrew
    from unlearnbench.executors.ray.engine import RayEngine

    crew = RayCrew(RayEngine(recipe, execution, lambda: subject.fingerprint))
    try:
        yield crew
    finally:
        crew.close()


def names_for_workers(
    checkpoint: str, base: str | None, before: Checkpoint | None, options: EngineOptions
) -> ModelNames:
    """The models of an attack as a worker finds them; `before` is the base as it lies here."""
    from unlearnbench.attacks.worker import ModelNames

    fingerprint = None if before is None else before.fingerprint
    base = None if base is None else _absolute(base)
    return ModelNames(_absolute(checkpoint), base, fingerprint, _for_workers(options))


def engine_for(engine: str | Generator, checkpoint: str, options: EngineOptions) -> Generator:
    """The engine that `engine` names, for a checkpoint.

    Raises `EngineError` for options of one engine that are given to another, `PluginError` for an
    unknown name.
    """
    name, _, address = engine.partition(":") if isinstance(engine, str) else ("", "", "")
    if name == ENDPOINT:
        checkpoint, options = _served(checkpoint, address, options)
    check_own_options(name, options)
    if not isinstance(engine, str):
        return engine
    return cast(
        Generator, load("engines", name if name == ENDPOINT else engine)(checkpoint, options)
    )


def check_own_options(name: str, options: EngineOptions) -> None:
    """Raise `EngineError` for options of one engine that are given to another."""
    if name != ENDPOINT:
        for option in _ITS_OPTIONS:
            if getattr(options, option) is not None:
                raise EngineError(
                    f"--{option}: only engine endpoint asks a server; add --engine endpoint"
                )
    if options.engine_set and name != VLLM:
        raise EngineError("--engine-set: these are arguments of vLLM; add --engine vllm")


def engine_again(
    name: str, settings: Mapping[str, object], checkpoint: str, options: EngineOptions
) -> Generator:
    """The engine of a stranger's run once more, with what its `settings` tell of vLLM's arguments.

    Raises `SubmissionError` for arguments that are none, or that this machine cannot follow.
    """
    from unlearnbench.engines.vllm.arguments import repeated

    line = str(settings.get("vllm_arguments") or "") if name == VLLM else ""
    try:
        options = replace(options, engine_set=repeated(line))
        return cast(Generator, load("engines", name)(checkpoint, options))
    except EngineError as error:
        if not line:
            raise
        raise SubmissionError(
            f"--rerun {checkpoint}: with what the row says of vLLM: {error}; with other arguments, "
            "or in another engine, give score --tokenizer BASE and attest that run"
        ) from error


def asking_engine(engine: str, options: EngineOptions) -> AskingEngine | None:
    """The engine that asks a suite's questions; None for engine `transformers`.

    Raises `EngineError` or `PluginError` for one that cannot, before anything is loaded.
    """
    from unlearnbench.attacks.stress.asked_by import asking_vllm

    if engine == VLLM:
        return asking_vllm(options)
    check_own_options(engine, options)
    if engine != TRANSFORMERS:
        known = engine.partition(":")[0] in available("engines")
        what = "stress tests ask a checkpoint" if known else "unknown"
        raise PluginError(f"--engine {engine}: {what}; {TRANSFORMERS} or {VLLM}")
    return None


def _served(checkpoint: str, address: str, options: EngineOptions) -> tuple[str, EngineOptions]:
    """The name of a served model, and the options with the server's address."""
    if address:
        if options.endpoint not in (None, address):
            raise EngineError("--endpoint: --engine endpoint:URL names another address")
        options = replace(options, endpoint=address)
    model = options.model
    if model is not None and checkpoint not in ("", model):
        raise EngineError(
            f"--model {model}: CHECKPOINT is {checkpoint}; a server's model has one name, give one"
        )
    if not (model or checkpoint):
        raise EngineError("engine endpoint: name the model as its server does, --model NAME")
    return model or checkpoint, options


def check_execution(engine: str | Generator, execution: ExecutorOptions) -> None:
    """Raise `EngineError` or `PluginError` for an executor that cannot be, or its options alone."""
    name = execution.executor
    if name not in EXECUTORS:
        raise PluginError(f"--executor {name}: {nearest(name, EXECUTORS)}")
    if name == "local":
        for option in execution.only_for_ray:
            raise EngineError(
                f"--{option.replace('_', '-')}: only Ray has workers; add --executor ray"
            )
        return
    if not isinstance(engine, str):
        raise EngineError("--executor ray: workers make their engine by its name; give a name")
    if engine.partition(":")[0] in _WITHOUT_WEIGHTS:
        raise EngineError(f"--executor ray: engine {engine} holds no weights; leave it out")


def _in_workers(
    engine: str, checkpoint: str, options: EngineOptions, execution: ExecutorOptions
) -> Generator:
    """The engine in workers of Ray. Paths are absolute there: a worker may stand elsewhere."""
    from unlearnbench.executors.ray.engine import RayEngine
    from unlearnbench.executors.ray.worker import EngineRecipe

    if engine not in (names := available("engines")):
        raise PluginError(f"unknown engine {engine!r}; {nearest(engine, names)}")
    recipe = EngineRecipe(engine, _absolute(checkpoint), _for_workers(options))
    return RayEngine(recipe, execution, lambda: _fingerprint_here(recipe.checkpoint))


def _for_workers(options: EngineOptions) -> EngineOptions:
    """The options with the tokenizer's path in full."""
    own = None if options.tokenizer is None else _absolute(options.tokenizer)
    return replace(options, tokenizer=own)


def _absolute(name: str) -> str:
    """A path of this disk in full; any other name of a checkpoint as it is."""
    return str(_path(name).resolve()) if _is_here(name) else name


def _fingerprint_here(checkpoint: str) -> str | None:
    """The fingerprint of a checkpoint that lies on this disk; None for a name of the hub's."""
    from unlearnbench.checkpoints.resolve import resolve

    return resolve(checkpoint).fingerprint if _is_here(checkpoint) else None


def _is_here(name: str) -> bool:
    try:
        return name not in ALIASES and _path(name).exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _path(name: str) -> Path:
    return Path(name).expanduser()
