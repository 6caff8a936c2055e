"""Choice questions of others: prompts, what is asked once, accuracy and intervals by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from unlearnbench.benchmark.choices.questions import ChoiceSet, LetteredQuestion, posed
from unlearnbench.runs.schema.utility import ChoiceTable
from unlearnbench.scoring.intervals import clustered
from unlearnbench.utility.tables import measure_table, table_digest, table_metrics, table_prompt

SOLVED = LetteredQuestion("high_school_art", "Grass is?", ("red", "green"), 1)
ASKED = LetteredQuestion("high_school_art", "Snow is?", ("white", "black", "blue"), 0)


class Scripted:
    """Prefers one letter; prompts longer than `window` characters do not fit."""

    def __init__(self, prefers: str = "A", window: int = 10**6) -> None:
        self.prefers, self.window = prefers, window
        self.asked: list[tuple[str, str, str]] = []

    def letters(self, prompts: Sequence[str], letters: str, begun: str = "") -> NDArray[np.float64]:
        self.asked += [(prompt, letters, begun) for prompt in prompts]
        return np.log([[0.5 if mark == self.prefers else 0.1 for mark in letters]] * len(prompts))

    def fitting(self, prompts: Sequence[str], begun: str = "") -> list[bool]:
        return [len(prompt) + len(begun) <= self.window for prompt in prompts]


def choice_set(*questions: LetteredQuestion, shots: int = 1, style: str = "mmlu") -> ChoiceSet:
    rows = posed(questions, [(SOLVED,) * shots] * len(questions))
    return ChoiceSet("mmlu", "cais/mmlu@1", style, rows)  # type: ignore[arg-type]


def test_prompts_are_those_of_the_sources() -> None:
    (row,) = posed([ASKED], [(SOLVED,)])
    opening = (
        "The following are multiple choice questions (with answers) about high school art.\n\n"
    )
    assert table_prompt("mmlu", row, 1) == (
        f"{opening}Grass is?\nA. red\nB. green\nAnswer: B\n\n"
        "Snow is?\nA. white\nB. black\nC. blue\nAnswer:"
    )
    assert table_prompt("rwku", row, 1) == (
        f"{opening}Question: Grass is?\nA. red\nB. green\nAnswer: B\n\n"
        "Please following the previous examples and answer the given question.\n"
        "Question: Snow is?\nA. white\nB. black\nC. blue"
    )
    assert (
        table_prompt("mmlu", row, 0) == f"{opening}Snow is?\nA. white\nB. black\nC. blue\nAnswer:"
    )


def test_each_row_has_the_letters_of_its_own_choices() -> None:
    ten = LetteredQuestion("", "Which?", tuple("abcdefghij"), 9)
    table = measure_table(Scripted("J"), choice_set(ASKED, ten))
    assert [len(row) for row in table.letters.values()] == [3, 10]
    assert list(table.gold) == ["high_school_art/1", "2"]
    assert table_metrics("x", table)["choice.x"].value == 0.5


def test_the_response_is_begun_in_rwku() -> None:
    model = Scripted()
    measure_table(model, choice_set(ASKED, style="rwku"))
    assert [begun for _, _, begun in model.asked] == ["Answer:"]


def test_what_is_repeated_is_asked_once_and_counted_as_often_as_it_stands() -> None:
    model = Scripted("A")
    other = LetteredQuestion("high_school_art", "Coal is?", ("white", "black"), 1)
    table = measure_table(model, choice_set(ASKED, ASKED, other, ASKED))
    assert len(model.asked) == 2
    first = "high_school_art/1"
    assert table.repeats == {"high_school_art/2": first, "high_school_art/4": first}
    metric = table_metrics("mmlu", table)["choice.mmlu"]
    assert metric.value == 3 / 4
    expected = clustered([(3, 3), (0, 1)])
    assert metric.interval == (expected.low, expected.high)


def test_the_same_question_with_another_gold_answer_is_no_repetition() -> None:
    table = measure_table(Scripted(), choice_set(ASKED, LetteredQuestion(*_as(ASKED, gold=2))))
    assert table.repeats == {}
    assert table_metrics("mmlu", table)["choice.mmlu"].value == 0.5


def _as(question: LetteredQuestion, gold: int) -> tuple[str, str, tuple[str, ...], int]:
    return question.subject, question.question, question.choices, gold


def test_solved_questions_go_from_the_end_until_a_prompt_fits() -> None:
    asked = choice_set(ASKED, shots=3)
    lengths = [len(table_prompt("mmlu", asked.rows[0], shots)) for shots in range(4)]
    model = Scripted(window=lengths[1])
    table = measure_table(model, asked)
    assert table.shots == 1
    assert [len(prompt) for prompt, _, _ in model.asked] == [lengths[1]]


def test_a_question_that_never_fits_is_open() -> None:
    long = LetteredQuestion("high_school_art", "Snow? " * 100, ("white", "black"), 0)
    table = measure_table(Scripted(window=300), choice_set(ASKED, long))
    assert list(table.letters) == ["high_school_art/1"]
    metric = table_metrics("mmlu", table)["choice.mmlu"]
    assert (metric.value, metric.low, metric.high, metric.n_open) == (None, 0.5, 1.0, 1)
    nothing = measure_table(Scripted(window=1), choice_set(ASKED))
    assert table_metrics("mmlu", nothing)["choice.mmlu"].value is None


def test_accuracy_over_rows_and_by_subject() -> None:
    gold = {f"art/{n}": 0 for n in range(1, 7)} | {f"music/{n}": 1 for n in range(7, 11)}
    letters = {row: (-1.0, -2.0) for row in gold} | {"art/1": (-1.0, -1.0)}
    table = ChoiceTable(source="s", data="d", shots=5, gold=gold, letters=letters)
    metrics = table_metrics("mmlu", table)
    assert list(metrics) == ["choice.mmlu", "choice.mmlu.art", "choice.mmlu.music"]
    assert metrics["choice.mmlu"].value == 5 / 10  # over rows; a mean of subjects would be 5/12
    assert metrics["choice.mmlu.art"].value == pytest.approx(5 / 6)
    assert metrics["choice.mmlu.music"].value == 0
    exact = binomtest(5, 10).proportion_ci(method="wilson")
    assert metrics["choice.mmlu"].interval == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_the_digest_is_of_all_that_is_asked() -> None:
    digests = {
        table_digest(choice_set(ASKED)),
        table_digest(choice_set(ASKED, shots=2)),
        table_digest(choice_set(ASKED, style="rwku")),
        table_digest(choice_set(LetteredQuestion(*_as(ASKED, gold=1)))),
    }
    assert len(digests) == 4
    again = choice_set(ASKED)
    assert table_digest(ChoiceSet("other", "elsewhere", "mmlu", again.rows)) in digests
