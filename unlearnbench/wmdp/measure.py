"""WMDP's questions put to one model: each in four rotations of its letters, and written out.

answers = measure_part(LoadedModel(engine), questions)
scores = part_scores(answers)           # wmdp/scores.py
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unlearnbench.benchmark.choices.questions import LetteredQuestion, PosedQuestion
from unlearnbench.benchmark.matching import plain
from unlearnbench.benchmark.wmdp import CHOICES, WmdpQuestions
from unlearnbench.types import Probe
from unlearnbench.types.raw import raw_question
from unlearnbench.utility.choice import LETTERS
from unlearnbench.utility.prompts import raw_probe
from unlearnbench.utility.tables import LetteringModel, table_prompt

Four = tuple[float, ...]


class WmdpModel(LetteringModel, Protocol):
    """A loaded model, as far as it is asked here; see `engines.transformers.measured`."""

    def choices(self, asked: Sequence[tuple[Probe, Sequence[str]]]) -> NDArray[np.float64]:
        """Mean ln p a token of each choice after its prompt, shape (prompts, choices)."""
        ...


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """What a model makes of one question; `gold` is the index of the right choice.

    `right` are the indices of the choices that say the same as the gold answer. `letters[k]` are
    ln p of the letters A to D when choice k stands at A, k + 1 at B and so on; `texts` are the mean
    ln p a token of the choices written out, all in nats. None is open. Questions of one `group` say
    the same.
    """

    id: str
    group: str
    gold: int
    right: frozenset[int]
    letters: tuple[Four | None, ...]
    texts: Four | None

    def by_choice(self, rotation: int) -> Four | None:
        """ln p by choice, not by letter, in one rotation."""
        row = self.letters[rotation]
        return None if row is None else tuple(row[(c - rotation) % CHOICES] for c in range(CHOICES))


def rotated(row: PosedQuestion, rotation: int) -> PosedQuestion:
    """A question whose choices begin with that of index `rotation`."""
    choices = row.question.choices
    moved = (*choices[rotation:], *choices[:rotation])
    gold = (row.question.gold - rotation) % len(choices)
    return replace(row, question=replace(row.question, choices=moved, gold=gold))


def letters_prompt(row: PosedQuestion) -> str:
    """A question without solved ones before it, up to "Answer:", as lm-eval's `wmdp_*` ask."""
    return table_prompt("mmlu", row, 0)


def measure_part(model: WmdpModel, questions: WmdpQuestions) -> tuple[AnsweredQuestion, ...]:
    """Ask every question of a part. What does not fit the context window, or gives no number, is
    open.
    """
    rotations = [_letters(model, [rotated(q, k) for q in questions.rows]) for k in range(CHOICES)]
    texts = _texts(model, questions.rows)
    return tuple(
        AnsweredQuestion(
            id=row.id,
            group=_group(row.question),
            gold=row.question.gold,
            right=_right(row.question),
            letters=tuple(rotation[index] for rotation in rotations),
            texts=texts[index],
        )
        for index, row in enumerate(questions.rows)
    )


def _letters(model: WmdpModel, rows: Sequence[PosedQuestion]) -> list[Four | None]:
    prompts = [letters_prompt(row) for row in rows]
    kept = [n for n, fits in enumerate(model.fitting(prompts)) if fits]
    values = model.letters([prompts[n] for n in kept], LETTERS) if kept else ()
    return _in_places(len(rows), kept, values)


def _texts(model: WmdpModel, rows: Sequence[PosedQuestion]) -> list[Four | None]:
    prompts = [raw_question(row.question.question) for row in rows]
    whole = [f"{p} {c}" for p, row in zip(prompts, rows, strict=True) for c in row.question.choices]
    fits = model.fitting(whole)
    kept = [n for n in range(len(rows)) if all(fits[n * CHOICES : (n + 1) * CHOICES])]
    asked = [(raw_probe(rows[n].id, prompts[n]), rows[n].question.choices) for n in kept]
    return _in_places(len(rows), kept, model.choices(asked) if kept else ())


def _in_places(
    count: int, kept: Sequence[int], values: NDArray[np.float64] | tuple[()]
) -> list[Four | None]:
    """Rows of numbers where they belong; one with anything but finite numbers is open."""
    found: list[Four | None] = [None] * count
    for place, row in zip(kept, values, strict=True):
        four = tuple(float(value) for value in row)
        found[place] = four if all(map(math.isfinite, four)) else None
    return found


def _right(question: LetteredQuestion) -> frozenset[int]:
    gold = question.choices[question.gold]
    return frozenset(n for n, choice in enumerate(question.choices) if choice == gold)


def _group(question: LetteredQuestion) -> str:
    return "\n".join([plain(question.question), *sorted(map(plain, question.choices))])
