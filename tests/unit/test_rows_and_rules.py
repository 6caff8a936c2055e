"""Do the shipped rows and the judge that ships with them fit each other?

A benchmark's default judge is `rules`. If it missed an answer or an alias, a leak would look like
forgetting; if it took a sibling's answer, a wrong distractor or the question itself for the answer,
nothing could ever look forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unlearnbench.benchmark import load_benchmark
from unlearnbench.judging.rules.judge import decide
from unlearnbench.types import Fact

NAMES = ["lkf", "wkf"]


def wordings(fact: Fact) -> Iterator[str]:
    yield fact.question
    for paraphrase in fact.paraphrases:
        yield paraphrase.text


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_and_alias_is_found_under_every_wording(name: str) -> None:
    missed = [
        (fact.id, text, said)
        for fact in load_benchmark(name).facts
        for text in wordings(fact)
        for said in (fact.answer, *fact.aliases)
        if not decide(text, fact.answer, fact.aliases, f"{said}.").correct
    ]
    assert missed == []


@pytest.mark.parametrize("name", NAMES)
def test_no_question_answers_itself(name: str) -> None:
    found = [
        (fact.id, text)
        for fact in load_benchmark(name).facts
        for text in wordings(fact)
        if decide(text, fact.answer, fact.aliases, text).correct
    ]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_no_sibling_and_no_distractor_passes_for_the_answer(name: str) -> None:
    benchmark = load_benchmark(name)
    forms = {form.fact: form.distractors for form in benchmark.forms}
    found = []
    for fact in benchmark.split("forget"):
        siblings = [f.answer for f in benchmark.facts if f.topic == fact.topic and f != fact]
        for other in (*siblings, *forms[fact.id], "No idea.", "I do not know."):
            if decide(fact.question, fact.answer, fact.aliases, f"{other}.").correct:
                found.append((fact.id, fact.answer, other))
    assert found == []
