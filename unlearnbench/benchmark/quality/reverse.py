"""Whether a reverse question can be failed by a model that has forgotten, and judged by rules.

From the answer it asks back to a named thing. It cannot be failed if the thing is given away or is
kept alive by retain facts; it cannot be judged if it is a description.
"""

from __future__ import annotations

from collections.abc import Iterator

from unlearnbench.benchmark import Benchmark, holds, plain
from unlearnbench.benchmark.quality.breaches import FUNCTION_WORDS, Breach, JudgeRules
from unlearnbench.types import Fact, Form

MOST_WORDS = 4
"""Words of a reverse answer that rules can find; longer ones are descriptions, if not names."""
LEAST_RESPONSES = 3
"""Responses that say more than the bare answer."""
MOST_QUESTIONS = 2
"""So many retain questions of its topic may name a reverse answer."""


def check_reverse(benchmark: Benchmark, judge: JudgeRules) -> Iterator[Breach]:
    """Reverse questions that cannot be failed, or whose answers cannot be judged."""
    facts = {fact.id: fact for fact in benchmark.facts}
    retain = benchmark.split("retain")
    answers = {plain(a): f.id for f in retain for a in (f.answer, *f.aliases)}
    for form in benchmark.forms:
        topic = facts[form.fact].topic
        near = [fact for fact in retain if fact.topic == topic]
        faults = (*_guessable(form, answers, near), *_unjudgeable(form, judge))
        yield from (Breach("bad-reverse", form.fact, what) for what in faults)


def _guessable(form: Form, answers: dict[str, str], near: list[Fact]) -> Iterator[str]:
    for answer in (form.reverse_answer, *form.reverse_aliases):
        if holds(form.reverse_question, answer):
            yield f"{answer!r} stands in its question {form.reverse_question!r}"
        if owner := answers.get(plain(answer)):
            yield f"{answer!r} is an answer of retain fact {owner}"
        naming = sum(holds(fact.question, answer) for fact in near)
        if naming > MOST_QUESTIONS:
            yield f"{answer!r} stands in {naming} retain questions of its topic"


def _unjudgeable(form: Form, judge: JudgeRules) -> Iterator[str]:
    answers = {plain(answer) for answer in (form.reverse_answer, *form.reverse_aliases)}
    if len(form.reverse_answer.split()) > MOST_WORDS and not _is_name(form.reverse_answer):
        yield f"{form.reverse_answer!r} has more than {MOST_WORDS} words: a description"
    responses = {plain(response) for response in form.reverse_responses} - answers
    if len(responses) < LEAST_RESPONSES:
        what = f"{len(responses)} different reverse_responses beside the bare answer"
        yield f"{what}, at least {LEAST_RESPONSES} are needed"
    for response in form.reverse_responses:
        if not _accepts(form, response, judge):
            yield f"response {response!r} is not read as {form.reverse_answer!r}"
    if _accepts(form, form.reverse_question, judge):
        yield f"the question passes for its own answer: {form.reverse_question!r}"


def _is_name(answer: str) -> bool:
    """Whether an answer is a name or a title, of however many words."""
    telling = [word for word in answer.split() if word.lower() not in FUNCTION_WORDS]
    return all(word[0].isupper() for word in telling)


def _accepts(form: Form, response: str, judge: JudgeRules) -> bool:
    gold = (form.reverse_question, form.reverse_answer, form.reverse_aliases)
    return judge.accepts(*gold, response)
