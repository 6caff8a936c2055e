"""What a person decided is done, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.review_samples import (
    CLUE,
    FAR,
    INSIDE,
    candidate,
    decided,
    decision,
    doubtful,
    fact,
    found,
    rechecking,
)
from unlearnbench.authoring.decisions import Decision, candidate_key
from unlearnbench.authoring.taking_up import take_up
from unlearnbench.benchmark import plain
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
)
from unlearnbench.types import Fact

ONE, TWO = doubtful("Name the first at the pole."), doubtful("Which man won the race?", FAR, CLUE)
FINAL = doubtful("Was Amundsen first?", INSIDE)


def texts(taken: Sequence[Paraphrased]) -> list[str]:
    return [c.text for one in taken for c in (*one.evaluation, *one.training)]


def left(taken: Sequence[Paraphrased]) -> list[str]:
    return [c.candidate.text for one in taken for c in one.doubtful]


def test_undecided_stays_in_doubt() -> None:
    before = [found(ONE, TWO, FINAL, passed=["Who got there first?"])]
    assert take_up(before, {}, rechecking()) == before


def test_each_decision_is_done() -> None:
    some = decided(
        decision(ONE, "accept"),
        decision(TWO, "strike"),
        decision(FINAL, "mend", "Who won the race south?"),
    )
    taken = take_up([found(ONE, TWO, FINAL, passed=["Who?"])], some, rechecking())
    assert texts(taken) == ["Who?", ONE.candidate.text, "Who won the race south?"]
    assert left(taken) == []
    assert taken[0].evaluation[2].origin == "review"
    assert taken[0].evaluation[2].style == "wording"


def test_a_final_doubt_is_not_accepted_away() -> None:
    taken = take_up([found(FINAL)], decided(decision(FINAL, "accept")), rechecking())
    assert (texts(taken), left(taken)) == ([], [FINAL.candidate.text])


def test_an_acceptance_covers_only_doubts_that_were_seen() -> None:
    seen = decision(doubtful(TWO.candidate.text, FAR), "accept")
    taken = take_up([found(TWO)], decided(seen), rechecking())
    assert (texts(taken), left(taken)) == ([], [TWO.candidate.text])


def test_what_fails_again_is_doubtful_again_and_can_be_decided_again() -> None:
    mend = decision(ONE, "mend", "Which Norwegian?")
    taken = take_up([found(ONE)], decided(mend), rechecking("Norwegian"))
    assert taken[0].doubtful[0].doubts == (CLUE,)
    assert left(taken) == ["Which Norwegian?"]
    again = decision(taken[0].doubtful[0], "accept")
    assert texts(take_up([found(ONE)], decided(mend, again), rechecking("Norwegian"))) == [
        "Which Norwegian?"
    ]


def test_a_text_that_was_not_checked_again_stays_out() -> None:
    mend = decided(decision(ONE, "mend", "Who won?"))
    taken = take_up([found(ONE)], mend, lambda asked: [])
    assert texts(taken) == []
    assert [d.rule for d in taken[0].doubtful[0].doubts] == ["unread"]


def test_all_mended_texts_are_checked_in_one_call() -> None:
    calls: list[int] = []

    def recheck(asked: Sequence[tuple[Fact, Candidate]]) -> list[CheckedCandidate]:
        calls.append(len(asked))
        return [CheckedCandidate(own) for _, own in asked]

    other = doubtful("What of it?", of="two")
    some = decided(decision(ONE, "mend", "Who won?"), decision(other, "mend", "What of that?"))
    both = [found(ONE), found(other, of=fact("two", "What?"))]
    assert texts(take_up(both, some, recheck)) == ["Who won?", "What of that?"]
    assert calls == [2]
    assert take_up(both, {}, recheck) == both
    assert calls == [2]


def test_what_is_mended_is_checked_beside_all_that_is_in() -> None:
    beside: list[tuple[str, ...]] = []

    def recheck(asked: Sequence[tuple[Fact, Candidate]]) -> list[CheckedCandidate]:
        beside.extend(tuple(p.text for p in fact.paraphrases) for fact, _ in asked)
        return [CheckedCandidate(own) for _, own in asked]

    some = decided(
        decision(TWO, "accept"), decision(FINAL, "accept"), decision(ONE, "mend", "Who?")
    )
    take_up([found(ONE, TWO, FINAL, passed=["Who got there first?"])], some, recheck)
    assert beside == [("Who got there first?", TWO.candidate.text)]


@pytest.mark.parametrize(
    "text", ["Who GOT there first", "who was first at the south pole"], ids=["passed", "question"]
)
def test_nothing_is_in_twice(text: str) -> None:
    twin = doubtful(text)
    for choice in ("accept", "mend"):
        one = decision(twin, "accept") if choice == "accept" else decision(ONE, "mend", text)
        before = [found(twin if choice == "accept" else ONE, passed=["Who got there first?"])]
        taken = take_up(before, decided(one), rechecking())
        assert texts(taken) == ["Who got there first?"]
        assert taken[0].doubtful[0].doubts[-1].final


def test_two_acceptances_of_one_text_let_it_in_once() -> None:
    twin = doubtful("name the FIRST at the pole")
    some = decided(decision(ONE, "accept"), decision(twin, "accept"))
    taken = take_up([found(ONE, twin)], some, rechecking())
    assert texts(taken) == [ONE.candidate.text]
    assert left(taken) == [twin.candidate.text]


def test_mending_in_a_circle_ends_and_lets_nothing_in() -> None:
    other = decision(doubtful("Which Norwegian?"), "mend", ONE.candidate.text)
    some = decided(decision(ONE, "mend", "Which Norwegian?"), other)
    taken = take_up([found(ONE)], some, rechecking("Norwegian"))
    assert (texts(taken), left(taken)) == ([], [ONE.candidate.text])


def test_a_decision_with_another_facts_name_decides_nothing() -> None:
    """As in a file that was edited by hand; it must not go round for ever either."""
    wrong = [
        replace(decision(one, "mend", text), fact="other")
        for one, text in ((ONE, TWO.candidate.text), (TWO, ONE.candidate.text))
    ]
    before = [found(ONE, TWO)]
    assert take_up(before, decided(*wrong), rechecking()) == before


def test_mended_to_a_text_in_doubt_is_in_doubt() -> None:
    taken = take_up(
        [found(ONE, TWO)], decided(decision(ONE, "mend", TWO.candidate.text)), rechecking()
    )
    assert (texts(taken), left(taken)) == ([], [TWO.candidate.text])


WORDS = ["who", "Who?", "which", "what bad", "where", "bad", "name it"]
DOUBTS = st.lists(st.sampled_from([FAR, CLUE, INSIDE]), min_size=1, unique=True).map(tuple)
SOME = st.lists(st.tuples(st.sampled_from(WORDS), DOUBTS), max_size=5)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        word: st.tuples(
            st.sampled_from(["accept", "strike", "mend"]), st.sampled_from(WORDS), DOUBTS
        )
        for word in WORDS
    },
)


def worlds(
    some: list[tuple[str, tuple[CandidateDoubt, ...]]], passed: list[str]
) -> list[Paraphrased]:
    new = [CheckedCandidate(candidate(text), doubts) for text, doubts in some]
    return [found(*new, of=fact(question="when"), passed=passed)]


@settings(max_examples=1000)
@given(SOME, st.lists(st.sampled_from(["who", "why"]), unique=True), CHOICES)
def test_whatever_is_decided(some: list, passed: list[str], chosen: dict) -> None:
    before = worlds(some, passed)
    keys = {word: candidate_key(candidate(word)) for word in WORDS}
    decisions = {
        keys[word]: Decision(
            keys[word], "pole", "evaluation", choice, tuple(d.rule for d in seen), text
        )
        for word, (choice, text, seen) in chosen.items()
    }
    taken = take_up(before, decisions, rechecking("bad"))
    known = {keys[text]: doubts for text, doubts in reversed(some)}
    for entered in taken[0].evaluation[len(passed) :]:
        key = candidate_key(entered)
        doubts = {d.rule for d in known.get(key, ())}
        one = decisions.get(key)
        if doubts or "bad" in entered.text:
            assert one is not None and one.choice == "accept"
            assert doubts <= set(one.rules)
            assert not any(d.final for d in known.get(key, ()))
        else:
            assert any(d.choice == "mend" and d.text == entered.text for d in decisions.values())
    inside = [plain(t) for t in texts(taken)]
    assert len(set(inside)) == len(inside)
    turned = dict(reversed(decisions.items()))
    assert take_up(before, turned, rechecking("bad")) == taken
    assert take_up(taken, decisions, rechecking("bad")) == taken
    struck = {keys[w] for w, (choice, *_) in chosen.items() if choice == "strike"}
    assert not struck & {candidate_key(c.candidate) for c in taken[0].doubtful}
    gone = {candidate_key(c.candidate) for c in before[0].doubtful}
    gone -= {candidate_key(c.candidate) for c in taken[0].doubtful}
    assert gone <= set(decisions) | {candidate_key(c) for c in taken[0].evaluation}
