"""A checkpoint in memory, as `utility.measure` asks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unlearnbench.engines.transformers.choices import choice_logprobs
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.next_tokens import letter_logprobs, text_distributions
from unlearnbench.types import Probe


class LoadedModel:
    """A model in memory, as a `MeasuredModel`."""

    def __init__(self, engine: ModelEngine) -> None:
        self.generator = engine

    def letters(self, prompts: Sequence[str], letters: str) -> NDArray[np.float64]:
        """ln p of each letter after each prompt, shape (prompts, letters)."""
        return letter_logprobs(self.generator, prompts, letters)

    def choices(self, asked: Sequence[tuple[Probe, Sequence[str]]]) -> NDArray[np.float64]:
        """Mean ln p a token of each choice after its prompt, shape (prompts, choices)."""
        return choice_logprobs(self.generator, asked)

    def distributions(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Token ids of each text, and ln p over the vocabulary before each of its tokens."""
        return text_distributions(self.generator, texts)
