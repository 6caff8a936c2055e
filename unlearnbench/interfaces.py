"""The Protocols that concrete engines and judges fulfil."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from unlearnbench.types import (
    Completion,
    Estimate,
    Failure,
    GeneratorInfo,
    JudgeItem,
    Judgement,
    Probe,
    Sampling,
    Setting,
    Usage,
)


@runtime_checkable
class Generator(Protocol):
    """Answers probes."""

    @property
    def info(self) -> GeneratorInfo:
        """What answers, with every setting that decides the text."""
        ...

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Take over what the engine chose when the run that is being resumed was begun.

        Only choices that the user left to the engine are taken over.
        """
        ...

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Yield one result for each probe of the block, in any order.

        The texts depend on the block, the sampling and `info.settings` alone, never on what was
        generated before. A probe that cannot be answered gives a `Failure`; only what stops
        the whole engine is raised.
        """
        ...


@runtime_checkable
class PromptingGenerator(Generator, Protocol):
    """A generator that knows its prompts to the last token, so that a run's identity covers them.

    One that cannot know them (its texts are tokenised elsewhere) lacks this method, and its runs
    have no such field.
    """

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """sha256 over each probe's key and token ids, in plan order; None if it is not known.

        Called before a run begins, with all of its probes. Raises `EngineError` if not a single
        one can be asked.
        """
        ...


@runtime_checkable
class Judge(Protocol):
    """Says whether a response shows that the answer is known."""

    @property
    def name(self) -> str:
        """Name by which the judge is chosen."""
        ...

    @property
    def identity(self) -> str:
        """sha256 of everything that decides a verdict; stands in every outcome."""
        ...

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        """Yield one verdict or `Failure` for each item, in any order, under its key."""
        ...


@runtime_checkable
class PaidJudge(Judge, Protocol):
    """A judge whose verdicts cost time or money and are kept for the next run."""

    @property
    def usage(self) -> Usage:
        """What was asked and spent so far."""
        ...

    def keep_in(self, folder: Path | None) -> None:
        """Keep verdicts in this user's cache and, if one is given, in a run's own folder.

        Verdicts that came with somebody else's run are never taken over: replay them by name.
        """
        ...

    def estimate(self, items: Sequence[JudgeItem]) -> Estimate:
        """What judging `items` would take, without asking anybody."""
        ...
