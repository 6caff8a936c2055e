"""Ask one model everything: choices, instructions, prose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unlearnbench.benchmark.utility_sets import ChoiceQuestion, Instruction, UtilitySets
from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.interfaces import Generator
from unlearnbench.runs.schema.utility import Measurement, StoredAnswer
from unlearnbench.types import Completion, Probe, ProbeKey, Sampling
from unlearnbench.utility.choice import LETTERS
from unlearnbench.utility.prompts import choice_prompts, instruction_probes

NEW_TOKENS = 128
"""Room for an answer to an instruction; RWKU's repetitiveness is of answers as long."""
Distributions = Iterator[tuple[list[int], NDArray[np.float32]]]


class MeasuredModel(Protocol):
    """A loaded model, as far as it is asked here; see `engines.transformers.next_tokens`."""

    @property
    def generator(self) -> Generator:
        """Answers instructions."""
        ...

    def letters(self, prompts: Sequence[str], letters: str) -> NDArray[np.float64]:
        """ln p of each letter after each prompt, shape (prompts, letters)."""
        ...

    def answers(self, asked: Sequence[tuple[Probe, str]]) -> list[AnswerTokens]:
        """How likely given answers are."""
        ...

    def distributions(self, texts: Sequence[str]) -> Distributions:
        """Token ids of each text, and ln p over the vocabulary before each of its tokens."""
        ...


class Watcher(Protocol):
    """Sees the distributions of a paragraph before they are let go."""

    def __call__(self, name: str, ids: list[int], logp: NDArray[np.float32]) -> None:
        """`logp` has shape (tokens, vocabulary), in nats."""
        ...


@dataclass(frozen=True, slots=True)
class _Prose:
    logprobs: dict[str, tuple[float, ...]]
    vocabulary: int


def measure_model(model: MeasuredModel, sets: UtilitySets, watch: Watcher | None) -> Measurement:
    """Everything about one model. `watch` is called with every paragraph's distributions."""
    info = model.generator.info
    letters = model.letters(choice_prompts(sets.shots, sets.questions), LETTERS)
    prose = _prose(model, sets, watch)
    return Measurement(
        checkpoint=info.checkpoint,
        fingerprint=info.fingerprint,
        dtype=str(info.settings["dtype"]),
        letters={q.id: tuple(row) for q, row in zip(sets.questions, letters.tolist(), strict=True)},
        choices=_written_out(model, sets.questions),
        answers=_answers(model.generator, sets.instructions),
        prose=prose.logprobs,
        vocabulary=prose.vocabulary,
        tables={},
        tasks={},
        notes=tuple(model.generator.info.notes),
    )


def _written_out(
    model: MeasuredModel, questions: Sequence[ChoiceQuestion]
) -> dict[str, tuple[float, float, float, float]]:
    """Mean ln p a token of each choice as the answer to the bare question."""
    asked = [(_bare(q), choice) for q in questions for choice in q.choices]
    losses = iter([-tokens.loss for tokens in model.answers(asked)])
    return {q.id: (next(losses), next(losses), next(losses), next(losses)) for q in questions}


def _bare(question: ChoiceQuestion) -> Probe:
    return Probe(
        key=ProbeKey(question.id, "original", "plain"),
        split="retain",
        topic="utility",
        tier=None,
        question=question.question,
        answer="",
        aliases=(),
        text=f"Question: {question.question}\nAnswer:",
    )


def _answers(generator: Generator, instructions: Sequence[Instruction]) -> dict[str, StoredAnswer]:
    """Greedy answers by id; one that failed stays open."""
    probes = instruction_probes(instructions, generator.info.prompt_format)
    results = {r.key: r for r in generator.generate(probes, Sampling(NEW_TOKENS))}
    answers = {}
    for probe in probes:
        result = results.get(probe.key)
        if isinstance(result, Completion):
            answers[probe.key.fact] = StoredAnswer(text=result.text, fault=None)
        else:
            fault = "no answer came" if result is None else result.error
            answers[probe.key.fact] = StoredAnswer(text=None, fault=fault)
    return answers


def _prose(model: MeasuredModel, sets: UtilitySets, watch: Watcher | None) -> _Prose:
    logprobs, vocabulary = {}, 0
    texts = [paragraph.text for paragraph in sets.prose]
    for paragraph, (ids, logp) in zip(sets.prose, model.distributions(texts), strict=True):
        logprobs[paragraph.id] = tuple(logp[np.arange(len(ids)), ids].astype(float).tolist())
        vocabulary = logp.shape[1]
        if watch is not None:
            watch(paragraph.id, ids, logp)
    return _Prose(logprobs, vocabulary)
