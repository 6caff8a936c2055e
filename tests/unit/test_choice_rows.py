"""Choice questions of others: which column is which, which choice is right, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.benchmark.choices.rows import lettered_questions
from unlearnbench.errors import BenchmarkError

FOUR = ["red", "green", "blue", "grey"]


def row(**changed: Any) -> dict[str, Any]:
    return {"question": "Which?", "choices": FOUR, "answer": 1, "subject": "art", **changed}


def golds(*rows: dict[str, Any], **named: str) -> list[int]:
    return [question.gold for question in lettered_questions(rows, named, "set test")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(), row(answer=3)], [1, 3]),
        ([row(answer="B"), row(answer="d")], [1, 3]),
        ([row(answer="(B)"), row(answer="D.")], [1, 3]),
        ([row(answer="0"), row(answer="3")], [0, 3]),
        ([row(answer="green"), row(answer="grey ")], [1, 3]),
        ([row(choices=["1", "2", "3", "4"], answer=2)], [2]),
        ([row(choices=["1", "2", "3", "4"], answer="C")], [2]),
        ([row(choices={"text": FOUR, "label": ["1", "2", "3", "4"]}, answer="2")], [1]),
        ([row(choices={"text": FOUR, "label": ["A", "B", "C", "D"]}, answer="D")], [3]),
        ([row(choices='["yes", "no"]', answer=1)], [1]),
        ([row(choices=["a", "", "c"], answer=2)], [2]),
        ([row(choices=[str(n) for n in range(50, 60)], answer="J")], [9]),
        ([row(answer=0), row(answer=0)], [0, 0]),
    ],
    ids=[
        "index",
        "letter",
        "letter-marked",
        "index-as-text",
        "text",
        "index-not-text",
        "letter-of-numbers",
        "label-of-numbers",
        "label",
        "json",
        "an-empty-wrong-choice",
        "ten",
        "repeated",
    ],
)
def test_the_right_choice(rows: list[dict[str, Any]], expected: list[int]) -> None:
    assert golds(*rows) == expected


@pytest.mark.parametrize(
    ("rows", "rule", "said"),
    [
        ([row(), row(answer=4)], "bad-answer", "row 2: bad-answer: gold answer '4' is none of 4"),
        ([row(answer=-1)], "bad-answer", "'-1'"),
        ([row(answer="E")], "bad-answer", "'E' is none of 4 choices"),
        ([row(answer=None)], "bad-answer", "'None'"),
        ([row(answer=True)], "bad-answer", "'True'"),
        ([row(answer=1.0)], "bad-answer", "'1.0'"),
        ([row(answer=1), row(answer="C")], "bad-answer", "none of 4 choices"),
        ([row(choices=["1", "2", "0", "4"], answer="2")], "ambiguous-answer", "by index and by"),
        ([row(choices=["b", "a", "A", "d"], answer="A")], "ambiguous-answer", "by letter and by"),
        ([row(choices=["red", "red", "blue"], answer="red")], "bad-answer", "'red'"),
        ([row(choices=[])], "bad-choices", "0 choices; a question has 2 to 26"),
        ([row(choices=["one"], answer=0)], "bad-choices", "1 choices"),
        ([row(choices=["x"] * 27)], "bad-choices", "27 choices"),
        ([row(choices=["a", " ", "c"])], "bad-choices", "its right choice is empty"),
        ([row(choices=["a", None, "c"])], "bad-choices", "its right choice is empty"),
        ([row(choices="red, green")], "bad-choices", "is no list of choices"),
        ([row(choices="[red")], "bad-choices", "row 1"),
        ([row(choices={"text": FOUR, "label": ["A"]})], "bad-choices", "4 choices, 1 labels"),
        ([row(choices={"texts": FOUR})], "bad-choices", "no list of choices"),
        ([row(question="  ")], "missing-text", "no text in column 'question'"),
        ([row(question=7)], "missing-text", "no text in column 'question'"),
        ([row(subject=None)], "missing-text", "no text in column 'subject'"),
        ([row(), {"question": "Which?", "choices": FOUR}], "missing-column", "row 2: missing"),
        ([], "missing-rows", "the table is empty"),
    ],
)
def test_what_is_refused(rows: list[dict[str, Any]], rule: str, said: str) -> None:
    with pytest.raises(BenchmarkError) as caught:
        golds(*rows)
    assert caught.value.rule == rule
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "named"),
    [
        ({"Question": "Which?", "A": "x", "B": "y", "Answer": "B"}, {}),
        ({"prompt": "Which?", "options": ["x", "y"], "label": 1}, {}),
        ({"query": "Which?", "option_a": "x", "option_b": "y", "target": "B"}, {}),
        ({"frage": "Which?", "options": ["x", "y"], "gold": 1}, {"question": "frage"}),
        (
            {"question": "Which?", "eins": "x", "zwei": "y", "answer": "y"},
            {"choices": "eins, zwei"},
        ),
    ],
)
def test_columns_are_found_or_named(one: dict[str, Any], named: dict[str, str]) -> None:
    (question,) = lettered_questions([one], named, "set")
    assert (question.question, question.choices, question.gold) == ("Which?", ("x", "y"), 1)
    assert question.subject == ""


@pytest.mark.parametrize(
    ("one", "named", "said"),
    [
        ({"question": "?", "kinds": FOUR, "answer": 0}, {}, "question, kinds, answer"),
        ({"text": "?", "choices": FOUR, "answer": 0}, {}, "no column for the question"),
        (row(), {"answer": "anser"}, "did you mean 'answer'?"),
        (row(), {"awnser": "answer"}, "did you mean 'answer'?"),
        (row(), {"choices": "choices,more"}, "no such column"),
    ],
)
def test_a_missing_column_is_named_with_those_there_are(
    one: dict[str, Any], named: dict[str, str], said: str
) -> None:
    with pytest.raises(BenchmarkError, match=r"column|part") as caught:
        lettered_questions([one], named, "owner/name test")
    assert said in str(caught.value)


def test_a_question_may_have_fewer_columns_filled_than_others() -> None:
    wide = {"question": "?", "A": "x", "B": "y", "C": "z", "answer": "C"}
    both = lettered_questions([wide, {**wide, "C": "", "answer": "A"}], {}, "set")
    assert [question.choices for question in both] == [("x", "y", "z"), ("x", "y")]


@given(st.lists(st.tuples(st.integers(2, 10), st.integers(0, 9)), min_size=1, max_size=20))
def test_index_letter_and_text_agree(shapes: list[tuple[int, int]]) -> None:
    pairs = [(count, gold % count) for count, gold in shapes]
    rows = [row(choices=[f"choice {n}" for n in range(count)]) for count, _ in pairs]
    ways = (lambda n: n, lambda n: "ABCDEFGHIJ"[n], lambda n: f"choice {n}")
    for way in ways:
        given_so = [{**r, "answer": way(gold)} for r, (_, gold) in zip(rows, pairs, strict=True)]
        assert golds(*given_so) == [gold for _, gold in pairs]
