"""Answers that are hard to read end as that row's refusal, or are read in time; none hangs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.forgeries.changes import ANSWERS, VERDICTS, read_lines, write_lines
from tests.forgeries.copied import forget_facts, key_of
from tests.forgeries.forgery import seal, used
from unlearnbench.api.submissions import accepted_bases
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.scoring.answers import digest, readings
from unlearnbench.submissions import verify
from unlearnbench.submissions.answer_stream import seconds_for
from unlearnbench.submissions.bases import Bases
from unlearnbench.submissions.copies import plain_answer
from unlearnbench.submissions.verify import check_submission
from unlearnbench.types import Completion, JudgeItem, Judgement, ProbeKey

KEY = ProbeKey("f", "original", "plain", 0)
MOST = 20_000
"""Most characters of an answer."""
PATTERNS = {
    "one letter": "a",
    "words": "a ",
    "open brackets": "(",
    "quotes": '"',
    "stars": "*",
    "hyphens": "a-",
    "digits": "1",
    "digits of another script": "\u0661",
    "numbered lines": "1. \n",
    "spaced numbers": "1 ",
    "a question without its end": "Question" + " " * 9999,
    "a question with digits": "Question" + "1" * 9999,
    "a question with lines": "\nQuestion" + "\n" * 9999,
    "short questions": "\nQ",
    "headings": "\n#",
    "a long heading": "#*_ ",
    "numbers": "1,",
    "decimals": "1.",
    "years": "1999-",
    "spaces": " ",
    "line breaks": "\n",
    "questions": "Question: ",
    "negations": "not ",
    "long ligatures": "\ufdfa",
    "accents": "e\u0301",
    "marks": "\u0301",
    "invisible": "a\u200b",
    "tags": "\U000e0041",
    "Roman numerals": "MCMX ",
    "alternatives": "a or b, ",
}


@pytest.fixture(scope="module")
def known(bases: Path) -> Bases:
    """The accepted bases, checked once."""
    return accepted_bases(bases)


def repeated(pattern: str, length: int = MOST) -> str:
    """A text of this length that repeats a pattern."""
    return (pattern * (length // len(pattern) + 1))[:length]


def answer_all(folder: Path) -> None:
    """Give every probe a long answer, all of them different, with the digests they need."""
    patterns = list(PATTERNS.values())
    answers, verdicts = read_lines(folder / ANSWERS), read_lines(folder / VERDICTS)
    bound = {}
    for number, line in enumerate(answers):
        tail = f" {number}"
        line["text"] = repeated(patterns[number % len(patterns)], MOST - len(tail)) + tail
        completion = Completion(key_of(line), line["text"], "stop", 50)
        bound[key_of(line)] = completion
    for line in verdicts:
        completion = bound[key_of(line)]
        line["verdict"] = "incorrect"
        split = "forget" if line["fact"] in forget_facts() else "retain"
        line["response_sha256"] = digest(readings(completion, split))
    write_lines(folder / ANSWERS, answers)
    write_lines(folder / VERDICTS, verdicts)


@pytest.mark.parametrize("name", PATTERNS)
def test_one_answer_is_read_and_judged_in_time(name: str) -> None:
    text = repeated(PATTERNS[name])
    began = used()
    read = readings(Completion(KEY, text, "stop", 50), "forget")
    plain_answer(text)
    assert used() - began < 0.5
    item = JudgeItem(KEY, "Who wrote it?", "Jane Austen", ("Austen",), read[0], readings=read)
    (result,) = RulesJudge().judge([item])
    assert isinstance(result, Judgement)
    assert used() - began < 5


@pytest.mark.slow
def test_a_row_of_them_ends_as_its_refusal(
    good_submission: Path, known: Bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,120 answers of 20,000 characters each: out of time, of which a test gives them little."""
    folder = tmp_path / "mine"
    shutil.copytree(good_submission, folder)
    answer_all(folder)
    seal(folder)
    assert seconds_for(folder) < 30
    monkeypatch.setattr(verify, "seconds_for", lambda folder: 2)
    began = used()
    (reason,) = check_submission(folder, known).reasons
    assert used() - began < 22
    assert reason.code == "time"
