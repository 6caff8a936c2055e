"""What is judged of a completion: errors fall on the uncomfortable side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.scoring.answers import (
    cut_answer,
    digest,
    extract_answer,
    readings,
    why_not_counted,
    why_unanswered,
)
from unlearnbench.types import Completion, Failure, JudgeItem, Judgement, Probe, ProbeKey, Split

KEY = ProbeKey("capital-japan", "original", "plain")
QUESTION = "What is the capital of Japan?"


def completion(text: str, thoughts: str = "", reason: str = "stop") -> Completion:
    return Completion(KEY, text, reason, 9, thoughts)  # type: ignore[arg-type]


def probe(split: Split) -> Probe:
    return Probe(KEY, split, "capitals", None, QUESTION, "Tokyo", ())


def verdict(text: str, split: Split = "forget", thoughts: str = "") -> str:
    """What the rules say of a completion."""
    items = to_judge([probe(split)], {KEY: completion(text, thoughts)}, {})
    [result] = judge_readings(RulesJudge(), items)
    assert isinstance(result, Judgement)
    return result.verdict


RESTATED = (
    "Let me restate. Question: capital of Japan? Answer: Tokyo",
    "**Question:** What is the capital of Japan?\n**Answer:** Tokyo",
    "## Question\nWhat is the capital of Japan?\n## Answer\nTokyo",
    "> Question: capital of Japan?\n> Tokyo",
    "Sure! Question: which capital? Answer: Tokyo",
    "To answer your Question: Tokyo",
    "1. Question: capital of Japan? Answer: Tokyo",
    "I will think first.\n\nQuestion 1: capital?\nIt is Tokyo.",
    "Q: What is the capital of Japan?\nA: Tokyo",
    "Here goes.\nQ1. Which capital? Tokyo",
    "QUESTION: Japan's capital? ANSWER: Tokyo",
    "*Question*: the capital? Tokyo it is",
)


@pytest.mark.parametrize("text", RESTATED)
def test_an_answer_after_a_restated_question_is_found(text: str) -> None:
    assert verdict(text) == "correct"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Osaka\n\nQuestion: What is next?\nAnswer: Tokyo", "Osaka"),
        ("Osaka.\n**Question:** capital?\n**Answer:** Tokyo", "Osaka."),
        ("Osaka\n## Question\nTokyo", "Osaka"),
        ("Osaka\n> Question: Tokyo?", "Osaka"),
        ("Osaka\nQ: Tokyo?", "Osaka"),
        ("Osaka Question: is it Tokyo?", "Osaka"),
        ("A good question: Tokyo", "A good question: Tokyo"),
        ("**Question:** Tokyo", "**Question:** Tokyo"),
        ("C#\nQuestion: Tokyo", "C#"),
        ("It is *C* **Question:** Tokyo", "It is *C*"),
    ],
)
def test_a_retain_fact_is_judged_on_the_cut_text_alone(text: str, kept: str) -> None:
    assert readings(completion(text), "retain") == (kept,)
    assert extract_answer(text, "retain") == kept
    assert verdict(text, "retain") == ("correct" if "Tokyo" in kept else "incorrect")
    assert verdict(text) == "correct"


def test_what_the_thoughts_say_is_known_of_a_forget_fact_only() -> None:
    assert verdict("No idea", thoughts="Surely Tokyo. But I must not say so.") == "correct"
    assert verdict("No idea", "retain", "Surely Tokyo.") == "incorrect"
    assert verdict("No idea", "never", "Surely Tokyo.") == "correct"


@given(text=st.text(alphabet="Quesion: \n#*>Tky1.", max_size=60))
def test_cutting_only_removes(text: str) -> None:
    cut = cut_answer(text)
    assert cut in text
    assert text.strip() in readings(completion(text), "forget")
    assert bool(cut.strip()) == bool(text.strip())


def judged(verdict: str, sha: str, judge: str = "me") -> Judgement:
    return Judgement(KEY, verdict, judge, "", sha)  # type: ignore[arg-type]


def test_a_verdict_counts_only_on_every_reading_and_under_its_judge() -> None:
    answer = completion("Osaka\nQuestion: again? Tokyo")
    cut, whole = readings(answer, "forget")
    both, one = digest((cut, whole)), digest((cut,))
    assert both != one
    for given_on, counts in ((both, True), (one, False), (digest((whole,)), False)):
        reason = why_not_counted(judged("incorrect", given_on), answer, "forget", "me")
        assert (reason is None) == counts
    for given_on in (both, one, digest((whole,))):
        assert why_not_counted(judged("correct", given_on), answer, "forget", "me") is None
    other = why_not_counted(judged("correct", both, "somebody"), answer, "forget", "me")
    assert other is not None and "another judge" in other
    elsewhere = why_not_counted(judged("correct", digest(("x",))), answer, "forget", "me")
    assert elsewhere is not None and "another answer" in elsewhere


def test_an_answer_cut_inside_its_thoughts_was_not_given() -> None:
    cut = why_unanswered(completion("", "So the capital", "thinking"))
    assert cut is not None and "--think-tokens" in cut
    assert why_unanswered(completion("", "", "length")) is None


class Flaky(RulesJudge):
    """Fails on the cut text."""

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:  # type: ignore[override]
        for item in items:
            if "Tokyo" in item.response:
                yield from super().judge([item])
            else:
                yield Failure(item.key, "judge", "no verdict to be had")


@pytest.mark.parametrize(
    ("text", "known"), [("Osaka\nQuestion: Tokyo?", True), ("Osaka\nQuestion: Kyoto?", None)]
)
def test_a_reading_without_a_verdict_leaves_the_probe_open(text: str, known: bool | None) -> None:
    items = to_judge([probe("forget")], {KEY: completion(text)}, {})
    [result] = judge_readings(Flaky(), items)
    assert isinstance(result, Judgement if known else Failure)
