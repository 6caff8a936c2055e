"""What runs in a worker: models and an engine of its own. This module does not import Ray."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from unlearnbench.environment import versions
from unlearnbench.hashing import sha256_file, sha256_json
from unlearnbench.interfaces import Generator, PromptingGenerator, SingleGenerator
from unlearnbench.plugins import load
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    Probe,
    Sampling,
    Setting,
)
from unlearnbench.types.options import EngineOptions

REPORTED_S = 1.0
"""Seconds after which the answers of a block under way are sent."""


T = TypeVar("T")


class Models(Protocol):
    """What a worker holds to make engines of."""

    def engine(self) -> Generator:
        """The engine that each worker begins with."""
        ...


class Recipe(Protocol):
    """How each worker comes by its models; it travels there, and goes by names alone."""

    @property
    def device(self) -> str:
        """What they run on."""
        ...

    def open(self) -> Models:
        """The models, in a worker."""
        ...


@dataclass(frozen=True, slots=True)
class EngineRecipe:
    """An engine by name, for one checkpoint."""

    name: str
    checkpoint: str
    options: EngineOptions

    @property
    def device(self) -> str:
        """See `Recipe`."""
        return self.options.device

    def open(self) -> EngineRecipe:
        """See `Recipe`."""
        return self

    def engine(self) -> Generator:
        """See `Models`."""
        return cast(Generator, load("engines", self.name)(self.checkpoint, self.options))


@dataclass(frozen=True, slots=True)
class Surrounding:
    """Where a worker runs, and on what: Python, libraries and kind of machine must be alike.

    `code` is the digest of this package's own files, which change between releases too.
    """

    host: str
    process: int
    python: str
    machine: str
    versions: Mapping[str, str | None]
    code: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker's engine as it has been made. `device` names the hardware, for the run's notes."""

    info: GeneratorInfo
    asks_singly: bool
    device: str


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """Some answers of a block; the last part, which says so, has the engine's notes."""

    results: tuple[Completion | Failure, ...]
    notes: tuple[str, ...] = ()
    last: bool = False


def surrounding() -> Surrounding:
    """Where this process runs."""
    return Surrounding(
        host=platform.node(),
        process=os.getpid(),
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        versions=versions(),
        code=_code(),
    )


def _code() -> str:
    package = Path(str(files("unlearnbench")))
    paths = sorted(package.rglob("*.py"))
    return sha256_json({str(p.relative_to(package)): sha256_file(p) for p in paths})


class Worker:
    """An engine in a process of its own; its methods are called from the driver, one at a time."""

    _models: Models
    _engine: Generator | None = None

    def surrounding(self) -> Surrounding:
        """Where it runs; answers as soon as the process is there."""
        return surrounding()

    def load(self, recipe: Recipe, settings: Mapping[str, Setting] | None) -> Ready:
        """Make the engine, with the settings of the run if they are fixed already."""
        self._models = recipe.open()
        self._engine = self._models.engine()
        return self.adopt(settings or {})

    def turn(self, make: Callable[[Any], Generator]) -> Ready:
        """Put another engine in the place of the one there is, made of this worker's models."""
        self.rest()  # its memory is free before another model is loaded
        self._engine = make(self._models)
        return self.adopt({})

    def rest(self) -> None:
        """Give the engine up."""
        release = getattr(self._engine, "release", None)
        if release is not None:
            release()
        self._engine = None

    def measure(self, work: Callable[[Any], T]) -> T:
        """What `work` makes of this worker's models."""
        return work(self._models)

    def adopt(self, settings: Mapping[str, Setting]) -> Ready:
        """Adopt the settings of the run."""
        engine = self._current
        if settings:
            engine.adopt(settings)
        singly = isinstance(engine, SingleGenerator) and engine.asks_singly
        return Ready(engine.info, singly, _device())

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """See `PromptingGenerator`; None for an engine that knows no tokens."""
        engine = self._current
        return (
            engine.prompts_fingerprint(probes) if isinstance(engine, PromptingGenerator) else None
        )

    def answer(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[AnswerPart]:
        """The answers of a block, sent from time to time so that progress shows."""
        waiting: list[Completion | Failure] = []
        sent = time.monotonic()
        for result in self._current.generate(block, sampling):
            waiting.append(result)
            if time.monotonic() - sent >= REPORTED_S:
                yield AnswerPart(tuple(waiting))
                waiting, sent = [], time.monotonic()
        yield AnswerPart(tuple(waiting), self._current.info.notes, last=True)

    @property
    def _current(self) -> Generator:
        assert self._engine is not None
        return self._engine


def _device() -> str:
    """The hardware that this process computes on; torch is asked only if the engine uses it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        names = {torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())}
        return ", ".join(sorted(names))
    return platform.processor() or platform.machine()
