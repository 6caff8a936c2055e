"""The protocols that engines and judges implement."""

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
    StoredReply,
    Usage,
)


@runtime_checkable
class Generator(Protocol):
    """Answers probes."""

    @property
    def info(self) -> GeneratorInfo:
        """The model, with every setting that decides its text."""
        ...

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Adopt the settings that the engine chose when the resumed run began.

        Only settings that the user left to the engine are adopted.
        """
        ...

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Yield one result for each probe of the block, in any order.

        The texts depend on the block, the sampling and `info.settings` alone, never on earlier
        calls. A probe that cannot be answered gives a `Failure`; an exception is raised only for
        errors that stop the engine altogether.
        """
        ...


@runtime_checkable
class PromptingGenerator(Generator, Protocol):
    """A generator that knows the tokens of its prompts, so that a run's identity covers them.

    A generator whose prompts are tokenised elsewhere lacks this method, and its runs have no such
    field.
    """

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """sha256 over each probe's key and token ids, in plan order; None if it is not known.

        Called before a run begins, with all of its probes. Raises `EngineError` if none of them
        can be put to the model.
        """
        ...


@runtime_checkable
class SingleGenerator(Generator, Protocol):
    """A generator whose answers do not depend on what else stands in a block.

    Only those probes of a block that have no answer yet are put to it.
    """

    @property
    def asks_singly(self) -> bool:
        """Whether that is so."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Decides whether a response gives the gold answer."""

    @property
    def name(self) -> str:
        """Name by which the judge is selected."""
        ...

    @property
    def identity(self) -> str:
        """sha256 of everything that decides a verdict; stored with every verdict."""
        ...

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        """Yield one verdict or `Failure` for each item, with the item's key, in any order."""
        ...


@runtime_checkable
class PaidJudge(Judge, Protocol):
    """A judge whose verdicts cost time or money and are cached for later runs."""

    @property
    def usage(self) -> Usage:
        """Calls, tokens and dollars so far."""
        ...

    def keep_in(self, folder: Path | None) -> None:
        """Keep verdicts in this user's cache and, if one is given, in a run's own folder.

        Verdicts in somebody else's run are never adopted; use judge `replay` for them.
        """
        ...

    def estimate(self, items: Sequence[JudgeItem]) -> Estimate:
        """The cost of judging `items`; makes no calls."""
        ...


@runtime_checkable
class DerivableJudge(Judge, Protocol):
    """A judge whose verdicts follow from the replies to its calls, if these are kept."""

    def asks(self, judge: str) -> bool:
        """Whether `StoredReply.judge` names a model that this judge asks."""
        ...

    def derived_from(self, replies: Sequence[StoredReply]) -> Judge:
        """This judge with the verdicts that follow from stored replies; it asks nobody.

        An item about which there is no reply becomes a `Failure`. Raises `JudgeError` for a reply
        from which nothing follows, or a second one about a response.
        """
        ...
