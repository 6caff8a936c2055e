"""A checkpoint in memory, as `utility.measure` asks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unlearnbench.engines.transformers.choices import choice_logprobs
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.harness import run_task
from unlearnbench.engines.transformers.next_tokens import (
    fitting,
    letter_logprobs,
    text_distributions,
)
from unlearnbench.runs.schema.utility import TaskResult
from unlearnbench.types import Probe
from unlearnbench.types.harness import HarnessTask


class LoadedModel:
    """A model in memory, as a `MeasuredModel`."""

    def __init__(self, engine: ModelEngine) -> None:
        self.generator = engine

    def letters(self, prompts: Sequence[str], letters: str, begun: str = "") -> NDArray[np.float64]:
        """ln p of each letter after each prompt, shape (prompts, letters)."""
        return letter_logprobs(self.generator, prompts, letters, begun)

    def fitting(self, prompts: Sequence[str], begun: str = "") -> list[bool]:
        """Whether each prompt fits the context window."""
        return fitting(self.generator, prompts, begun)

    def choices(self, asked: Sequence[tuple[Probe, Sequence[str]]]) -> NDArray[np.float64]:
        """Mean ln p a token of each choice after its prompt, shape (prompts, choices)."""
        return choice_logprobs(self.generator, asked)

    def run_task(self, task: HarnessTask) -> dict[str, TaskResult]:
        """The figures of a task of lm-eval by its name there, or of each of a group."""
        return run_task(self.generator, task)

    def distributions(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Token ids of each text, and ln p over the vocabulary before each of its tokens."""
        return text_distributions(self.generator, texts)
