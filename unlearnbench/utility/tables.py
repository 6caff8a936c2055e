"""Choice questions of others: asked by their letters, stored, and counted.

    table = measure_table(model, load_choices("mmlu", ChoiceSource()))
    metrics = table_metrics("mmlu", table)          # choice.mmlu, and one for each subject

A data set's accuracy is over its rows, as MMLU's and RWKU's authors count it: a subject with more
questions weighs more. Subjects are listed beside it, not averaged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unlearnbench.benchmark.choices.questions import ChoiceSet, LetteredQuestion, PosedQuestion
from unlearnbench.hashing import sha256_json
from unlearnbench.runs.schema.utility import ChoiceTable, Metric
from unlearnbench.scoring.intervals import clustered, wilson
from unlearnbench.types import Interval
from unlearnbench.utility.choice import chosen_index

_OPENING = "The following are multiple choice questions (with answers)"
_BEFORE_LAST = "Please following the previous examples and answer the given question.\n"
"""RWKU's words, which its figures depend on."""
_BEGUN = {"mmlu": "", "rwku": "Answer:"}


class LetteringModel(Protocol):
    """A loaded model, as far as it is asked here; see `engines.transformers.measured`."""

    def letters(self, prompts: Sequence[str], letters: str, begun: str = "") -> NDArray[np.float64]:
        """ln p of each letter after each prompt, shape (prompts, letters)."""
        ...

    def fitting(self, prompts: Sequence[str], begun: str = "") -> list[bool]:
        """Whether each prompt fits the context window."""
        ...


def table_prompt(style: str, row: PosedQuestion, shots: int) -> str:
    """A question behind the first of its solved ones.

    `mmlu`: up to "Answer:", as Hendrycks et al. (2021) and lm-eval ask. `rwku`: a user's turn; the
    response begins with "Answer:" (Jin et al. 2024, arXiv 2406.10890; the paper takes its figure
    from there).
    """
    about = f" about {row.question.subject.replace('_', ' ')}" if row.question.subject else ""
    solved = "".join(
        f"{_listed(style, shot)}\nAnswer: {ascii_uppercase[shot.gold]}\n\n"
        for shot in row.shots[:shots]
    )
    last = _listed(style, row.question)
    last = f"{_BEFORE_LAST}{last}" if style == "rwku" else f"{last}\nAnswer:"
    return f"{_OPENING}{about}.\n\n{solved}{last}"


def _listed(style: str, question: LetteredQuestion) -> str:
    lines = [
        f"{mark}. {text}" for mark, text in zip(ascii_uppercase, question.choices, strict=False)
    ]
    asked = f"Question: {question.question}" if style == "rwku" else question.question
    return "\n".join([asked, *lines])


def table_digest(asked: ChoiceSet) -> str:
    """sha256 of what is asked: full prompts, choices and gold answers."""
    rows = [[r.id, _whole(asked, r), len(r.question.choices), r.question.gold] for r in asked.rows]
    return sha256_json([asked.style, rows])


def measure_table(model: LetteringModel, asked: ChoiceSet) -> ChoiceTable:
    """Ask each question once; what repeats an earlier one has its letters.

    A question that does not fit the window loses solved ones from the end until it does, as in
    MMLU's own code; one that does not fit without any stays open.
    """
    first: dict[tuple[str, int], str] = {}
    repeats = {}
    for row in asked.rows:
        key = (_whole(asked, row), row.question.gold)
        if first.setdefault(key, row.id) != row.id:
            repeats[row.id] = first[key]
    once = [row for row in asked.rows if row.id not in repeats]
    shots = _fitting_shots(model, asked, once)
    letters = _letters(model, asked, [row for row in once if row.id in shots], shots)
    letters |= {row: letters[other] for row, other in repeats.items() if other in letters}
    return ChoiceTable(
        source=asked.source,
        data=table_digest(asked),
        shots=min(shots.values(), default=0),
        gold={row.id: row.question.gold for row in asked.rows},
        letters={row.id: letters[row.id] for row in asked.rows if row.id in letters},
        repeats=repeats,
    )


def _whole(asked: ChoiceSet, row: PosedQuestion) -> str:
    return table_prompt(asked.style, row, len(row.shots))


def _fitting_shots(
    model: LetteringModel, asked: ChoiceSet, rows: Sequence[PosedQuestion]
) -> dict[str, int]:
    """How many solved questions fit before each row that fits at all."""
    shots: dict[str, int] = {}
    left, most = list(rows), max((len(row.shots) for row in rows), default=0)
    for fewer in range(most + 1):
        left = [row for row in left if row.id not in shots]
        if not left:
            break
        counts = [max(0, len(row.shots) - fewer) for row in left]
        pairs = list(zip(left, counts, strict=True))
        prompts = [table_prompt(asked.style, row, count) for row, count in pairs]
        fits = model.fitting(prompts, _BEGUN[asked.style])
        shots |= {row.id: count for (row, count), fit in zip(pairs, fits, strict=True) if fit}
    return shots


def _letters(
    model: LetteringModel,
    asked: ChoiceSet,
    rows: Sequence[PosedQuestion],
    shots: Mapping[str, int],
) -> dict[str, tuple[float, ...]]:
    """ln p of each row's letters; rows behind the same solved questions go together."""
    groups: dict[tuple[object, ...], list[PosedQuestion]] = defaultdict(list)
    for row in rows:
        groups[(row.question.subject, row.shots[: shots[row.id]])].append(row)
    letters: dict[str, tuple[float, ...]] = {}
    for group in groups.values():
        prompts = [table_prompt(asked.style, row, shots[row.id]) for row in group]
        marks = ascii_uppercase[: max(len(row.question.choices) for row in group)]
        values = model.letters(prompts, marks, _BEGUN[asked.style]).tolist()
        for row, four in zip(group, values, strict=True):
            letters[row.id] = tuple(four[: len(row.question.choices)])
    return letters


def table_metrics(name: str, table: ChoiceTable) -> dict[str, Metric]:
    """Accuracy over all rows, and for each subject where there are several.

    accuracy = (1/n) Σ [argmax_l ln p(l | question_i) = gold_i], a tie counting as wrong; the 95 %
    interval is Wilson's, at the effective number of rows where some are repeated. Open rows are
    counted out in `low` and in in `high`.
    """
    subjects = Counter(map(subject_of, table.gold))
    metrics = {f"choice.{name}": _accuracy(table, list(table.gold))}
    if len(subjects) > 1:
        for subject in sorted(subjects):
            rows = [row for row in table.gold if subject_of(row) == subject]
            metrics[f"choice.{name}.{subject}"] = _accuracy(table, rows)
    return metrics


def subject_of(row: str) -> str:
    """The subject in a row's id; empty where the data set has none."""
    return row.rpartition("/")[0]


def _accuracy(table: ChoiceTable, rows: Sequence[str]) -> Metric:
    answered = [row for row in rows if row in table.letters]
    right = {row for row in answered if chosen_index(table.letters[row]) == table.gold[row]}
    n, n_open = len(rows), len(rows) - len(answered)
    low = _interval(table, rows, right)
    high = _interval(table, rows, right | (set(rows) - set(answered)))
    return Metric(
        low=len(right) / n,
        high=(len(right) + n_open) / n,
        interval=(low.low, high.high),
        n=n,
        n_open=n_open,
    )


def _interval(table: ChoiceTable, rows: Sequence[str], right: set[str]) -> Interval:
    if not table.repeats:
        return wilson(len(right), len(rows))
    sizes = Counter(table.repeats.get(row, row) for row in rows)
    rights = Counter(table.repeats.get(row, row) for row in rows if row in right)
    return clustered([(rights[row], size) for row, size in sizes.items()])
