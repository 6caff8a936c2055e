"""Retain answers that are none: by kind, by language, open, clustered by fact."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report_samples import score_manifest, write_run
from unlearnbench.runs.run import Run, load_run
from unlearnbench.scoring.intervals import clustered
from unlearnbench.utility.language import likely_language
from unlearnbench.utility.retained import retain_metrics

LOOP = "the dome of the dome of the dome of the dome of the dome of the dome of the dome"


def run(folder: Path, retain: dict[str, list[str]]) -> Run:
    rows = [("f-0", "forget", "original", "plain", "No idea")]
    rows += [
        (fact, "retain", f"wording-{number}" if number else "original", "plain", text)
        for fact, texts in retain.items()
        for number, text in enumerate(texts)
    ]
    return load_run(write_run(folder / "run", rows, score_manifest("m")))


def test_shares_by_kind(tmp_path: Path) -> None:
    """Of eight answers one loops and three refuse; a refusal of a forget fact is none of them."""
    found = run(
        tmp_path,
        {
            "a": ["Paris.", "No idea"],
            "b": ["It is Rome.", LOOP],
            "c": ["No idea"] * 2 + ["1912"] * 2,
        },
    )
    metrics = retain_metrics(found)
    assert metrics["retain.degenerate"].value == pytest.approx(4 / 8)
    assert metrics["retain.refusal"].value == pytest.approx(3 / 8)
    assert metrics["retain.looping"].value == pytest.approx(1 / 8)
    assert metrics["retain.empty"].value == 0
    ends = clustered([(1, 2), (0, 2), (2, 4)])
    assert metrics["retain.refusal"].interval == (ends.low, ends.high)
    assert metrics["retain.refusal"].n == 8


def test_an_answer_that_did_not_come_may_be_of_any_kind(tmp_path: Path) -> None:
    metrics = retain_metrics(run(tmp_path, {"a": ["Paris.", "!"], "b": ["No idea", "Rome"]}))
    assert (metrics["retain.refusal"].low, metrics["retain.refusal"].high) == (0.25, 0.5)
    assert (metrics["retain.empty"].low, metrics["retain.empty"].high) == (0, 0.25)
    assert metrics["retain.degenerate"].value is None
    assert metrics["retain.degenerate"].n_open == 1


def test_a_run_without_retain_facts_has_none(tmp_path: Path) -> None:
    assert retain_metrics(run(tmp_path, {})) == {}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the capital of Japan?", "en"),
        ("Wie heißt die Hauptstadt von Japan, und wo liegt sie?", "de"),
        ("Quelle est la capitale du Japon ?", "fr"),
        ("¿Cuál es la capital de Japón y en qué isla está?", "es"),
        ("Tokyo?", "en"),
        ("", "en"),
        ("日本の首都はどこですか", "en"),
    ],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert likely_language(text) == language
