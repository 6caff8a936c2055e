"""Ask one model everything: choices, instructions, prose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unlearnbench.benchmark.choices.questions import ChoiceSet
from unlearnbench.benchmark.harness import HARNESS
from unlearnbench.benchmark.instruction_sets import InstructionSet
from unlearnbench.benchmark.utility_sets import ChoiceQuestion, UtilitySets
from unlearnbench.errors import RunError
from unlearnbench.interfaces import Generator
from unlearnbench.runs.schema.utility import (
    ChoiceTable,
    InstructionTable,
    Measurement,
    Stage,
    StoredAnswer,
    TaskResult,
)
from unlearnbench.types import Completion, Probe, Sampling
from unlearnbench.types.harness import HarnessTask
from unlearnbench.types.raw import raw_question
from unlearnbench.utility.choice import LETTERS
from unlearnbench.utility.prompts import choice_prompts, instruction_probes, raw_probe
from unlearnbench.utility.stages import Stages
from unlearnbench.utility.tables import LetteringModel, measure_table, table_digest

NEW_TOKENS = 128
"""Room for an answer to an instruction; RWKU's repetitiveness is of answers as long."""
Distributions = Iterator[tuple[list[int], NDArray[np.float32]]]


class MeasuredModel(LetteringModel, Protocol):
    """A loaded model, as far as it is asked here; see `engines.transformers.measured`."""

    @property
    def generator(self) -> Generator:
        """Answers instructions."""
        ...

    def choices(self, asked: Sequence[tuple[Probe, Sequence[str]]]) -> NDArray[np.float64]:
        """Mean ln p a token of each choice after its prompt, shape (prompts, choices)."""
        ...

    def run_task(self, task: HarnessTask) -> dict[str, TaskResult]:
        """The figures of a task of lm-eval by its name there, or of each of a group."""
        ...

    def distributions(self, texts: Sequence[str]) -> Distributions:
        """Token ids of each text, and ln p over the vocabulary before each of its tokens."""
        ...


class Watcher(Protocol):
    """Sees the distributions of a paragraph before they are let go."""

    def __call__(self, name: str, ids: list[int], logp: NDArray[np.float32]) -> None:
        """`logp` has shape (tokens, vocabulary), in nats."""
        ...


def measure_model(
    model: MeasuredModel, sets: UtilitySets, stages: Stages, watch: Watcher | None = None
) -> Measurement:
    """Everything about one model, as far as it is not in `stages`.

    `watch` is called with every paragraph's distributions.
    """
    letters = stages.get("letters", lambda: _letters(model, sets)).rows
    choices = stages.get("choices", lambda: _written_out(model, sets.questions)).rows
    prose = (
        _prose(model, sets, watch) if watch else stages.get("prose", lambda: _prose(model, sets))
    )
    shipped = {row.id: row.instruction for row in sets.instructions}
    answers = stages.get("answers", lambda: _answers(model.generator, shipped)).answers
    info = model.generator.info
    return Measurement(
        checkpoint=info.checkpoint,
        fingerprint=info.fingerprint,
        dtype=str(info.settings["dtype"]),
        letters={name: _four(row) for name, row in letters.items()},
        choices={name: _four(row) for name, row in choices.items()},
        answers=answers,
        prose=prose.rows,
        vocabulary=prose.vocabulary,
        tables={asked.name: _table(model, asked, stages) for asked in sets.tables},
        tasks=_tasks(model, sets.tasks, stages),
        instructions={
            asked.name: _instructions(model, asked, stages) for asked in sets.instruction_sets
        },
        notes=tuple(info.notes),
        settings=stages.settings,
    )


def _table(model: MeasuredModel, asked: ChoiceSet, stages: Stages) -> ChoiceTable:
    name = f"table {table_digest(asked)}"
    table = stages.get(name, lambda: Stage(table=measure_table(model, asked))).table
    if table is None:
        raise RunError(f"its stage {name!r} holds no table; remove what was kept to measure again")
    return table.model_copy(update={"source": asked.source})


def _instructions(model: MeasuredModel, asked: InstructionSet, stages: Stages) -> InstructionTable:
    stage = stages.get(
        f"instructions {asked.digest}", lambda: _answers(model.generator, asked.rows)
    )
    return InstructionTable(
        source=asked.source, data=asked.digest, instructions=asked.rows, answers=stage.answers
    )


def _tasks(
    model: MeasuredModel, tasks: Sequence[HarnessTask], stages: Stages
) -> dict[str, TaskResult]:
    results: dict[str, TaskResult] = {}
    for task in tasks:
        results |= stages.get(f"task {task.data}", partial(_task, model, task)).tasks
    return results


def _task(model: MeasuredModel, task: HarnessTask) -> Stage:
    return Stage(tasks={f"{HARNESS}:{k}": v for k, v in model.run_task(task).items()})


def _letters(model: MeasuredModel, sets: UtilitySets) -> Stage:
    values = model.letters(choice_prompts(sets.shots, sets.questions), LETTERS).tolist()
    return Stage(rows={q.id: row for q, row in zip(sets.questions, values, strict=True)})


def _four(row: Sequence[float]) -> tuple[float, float, float, float]:
    a, b, c, d = row
    return a, b, c, d


def _written_out(model: MeasuredModel, questions: Sequence[ChoiceQuestion]) -> Stage:
    """Mean ln p a token of each choice as the answer to the bare question."""
    asked = [(raw_probe(q.id, raw_question(q.question)), q.choices) for q in questions]
    values = model.choices(asked).tolist()
    return Stage(rows={q.id: row for q, row in zip(questions, values, strict=True)})


def _answers(generator: Generator, instructions: Mapping[str, str]) -> Stage:
    """Greedy answers to instructions, both by id; one that failed stays open."""
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
    return Stage(answers=answers)


def _prose(model: MeasuredModel, sets: UtilitySets, watch: Watcher | None = None) -> Stage:
    logprobs, vocabulary = {}, 0
    texts = [paragraph.text for paragraph in sets.prose]
    for paragraph, (ids, logp) in zip(sets.prose, model.distributions(texts), strict=True):
        logprobs[paragraph.id] = tuple(logp[np.arange(len(ids)), ids].astype(float).tolist())
        vocabulary = logp.shape[1]
        if watch is not None:
            watch(paragraph.id, ids, logp)
    return Stage(rows=logprobs, vocabulary=vocabulary)
