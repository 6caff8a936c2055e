"""Invented facts: each knob moves its own measure alone, and nothing gives an answer away."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnbench.authoring.synthetic.facts import TIERS, SyntheticFact, synthetic_facts
from unlearnbench.authoring.synthetic.folder import write_synthetic
from unlearnbench.authoring.synthetic.measured import realised, shared_names
from unlearnbench.authoring.synthetic.wordings import (
    FORGOTTEN,
    FORGOTTEN_ROLES,
    OTHER,
    OTHER_ROLES,
    Wording,
)
from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import every_text, telling_words
from unlearnbench.errors import BenchmarkError
from unlearnbench.judging.rules.judge import decide
from unlearnbench.types import Fact
from unlearnbench.types.authoring import SyntheticOptions, frequencies

SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
OPTIONS = st.builds(
    SyntheticOptions,
    facts=st.integers(1, 9),
    subject_similarity=SHARES,
    wording_similarity=SHARES,
    answer_similarity=st.sampled_from([0.0, 0.25, 0.5]),
    held_out=st.sampled_from([0.0, 0.5, 0.9]),
    seed=st.integers(0, 2**31),
)


@given(OPTIONS)
@settings(max_examples=40, deadline=None)
def test_a_tier_is_like_its_forget_fact_in_its_own_respect_alone(options: SyntheticOptions) -> None:
    found = realised(synthetic_facts(options))
    nearest = 1 / (2 * options.facts) + 1e-3
    assert found["subject"].pairs.subject == pytest.approx(options.subject_similarity, abs=nearest)
    assert found["answer"].pairs.answer == pytest.approx(options.answer_similarity, abs=nearest)
    assert (found["wording"].pairs.wording > 0) == (
        options.wording_similarity * options.facts >= 0.5
    )
    if options.wording_similarity == 1:
        assert found["wording"].pairs.wording == 1
    for tier, likeness in found.items():
        for respect in ("subject", "wording", "answer"):
            if respect != tier:
                assert getattr(likeness.pairs, respect) == 0
            if respect != "wording":
                assert getattr(likeness.others, respect) == 0
        if tier != "wording":
            assert likeness.others.wording == 0


@given(OPTIONS, st.sampled_from(["subject_similarity", "wording_similarity", "answer_similarity"]))
@settings(max_examples=25, deadline=None)
def test_a_knob_changes_no_fact_of_another_tier(options: SyntheticOptions, knob: str) -> None:
    tier = knob.partition("_")[0]
    before, after = (synthetic_facts(replace(options, **{knob: x})) for x in (0.0, 0.5))  # type: ignore[arg-type]
    assert [a for a in before if a.fact.tier != tier] == [b for b in after if b.fact.tier != tier]


@given(OPTIONS)
@settings(max_examples=40, deadline=None)
def test_no_text_gives_an_answer_away(options: SyntheticOptions) -> None:
    facts = [one.fact for one in synthetic_facts(options)]
    texts = [plain(text) for fact in facts for text in every_text(fact)]
    answers = [plain(fact.answer) for fact in facts]
    assert len(set(answers)) == len(answers)
    assert not [(a, b) for a, b in combinations(answers, 2) if a in b or b in a]
    assert not [(a, text) for a in answers for text in texts if a in text]
    assert not [(a, t) for a in answers for name in a.split() for t in texts if name in t.split()]


@given(OPTIONS)
@settings(max_examples=20, deadline=None)
def test_the_judge_tells_all_answers_apart(options: SyntheticOptions) -> None:
    facts = [one.fact for one in synthetic_facts(options)]
    for fact in facts:
        assert correct(fact, fact.answer)
        assert correct(fact, f"It is {fact.answer}, as far as I know.")
        for other in facts:
            assert other == fact or not correct(fact, f"{other.answer}.")
        assert not any(correct(fact, text) for text in every_text(fact))
        assert not correct(fact, "No idea.")


def correct(fact: Fact, response: str) -> bool:
    return decide(fact.question, fact.answer, fact.aliases, response).correct


@given(OPTIONS)
@settings(max_examples=20, deadline=None)
def test_the_same_options_give_the_same_facts_and_another_seed_others(
    options: SyntheticOptions,
) -> None:
    facts = synthetic_facts(options)
    assert synthetic_facts(options) == facts
    other = synthetic_facts(replace(options, seed=options.seed + 1))
    assert names(facts) & names(other) == set()


def names(facts: list[SyntheticFact]) -> set[str]:
    return {one.fact.answer for one in facts}


@given(st.integers(1, 24), st.sampled_from([(1,), (1, 4), (2, 3, 5)]), st.floats(0, 0.9))
@settings(max_examples=40, deadline=None)
def test_counts(facts: int, dealt: tuple[int, ...], held_out: float) -> None:
    options = SyntheticOptions(facts=facts, frequency=dealt, held_out=held_out)
    made = synthetic_facts(options)
    forget = [one.fact for one in made if one.fact.split == "forget"]
    assert [fact.frequency for fact in forget] == [dealt[i % len(dealt)] for i in range(facts)]
    assert sum(one.fact.split == "never" for one in made) == facts
    for tier in TIERS:
        some = [one.fact for one in made if one.fact.tier == tier]
        assert len(some) == facts
        held = sum(fact.held_out for fact in some)
        assert held < facts or facts == 0
        assert abs(held - held_out * facts) <= len(dealt) + 1e-6
    assert not any(one.fact.held_out for one in made if one.fact.split != "retain")
    assert all(one.fact.frequency == 1 for one in made if one.fact.split != "forget")


def test_names_in_common_by_hand() -> None:
    assert shared_names("Brifaglas Zenaklith", "Brifaglas Kolubram") == 0.5
    assert shared_names("Brifaglas Zenaklith", "zenaklith brifaglas") == 1
    assert shared_names("Brifaglas", "Kolubram Terudrel") == 0


def test_wordings_of_the_two_sides_have_no_telling_word_in_common() -> None:
    one, other = (words(side) for side in (FORGOTTEN, OTHER))
    assert one & other == set()
    assert set(FORGOTTEN_ROLES) & set(OTHER_ROLES) == set()
    assert (set(FORGOTTEN_ROLES) | set(OTHER_ROLES)) & (one | other) == set()


def words(side: tuple[Wording, ...]) -> set[str]:
    texts = [text for one in side for text in (one.question, *one.training, *one.evaluation)]
    return {word for text in texts for word in telling_words(text)} - {"role", "subject"}


@pytest.mark.parametrize("typed", ["", "1,", "0x1", "1.5", "-1", "1;2", "²", "99999", "one"])
def test_frequencies_that_are_none(typed: str) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        frequencies(typed)


def test_frequencies() -> None:
    assert frequencies("1, 4") == (1, 4)


BAD = [
    ({"facts": 0}, "--facts 0"),
    ({"facts": 101}, "at most|too like each other"),
    ({"subject_similarity": 1.01}, "--subject-similarity 1.01"),
    ({"wording_similarity": float("nan")}, "--wording-similarity nan"),
    ({"answer_similarity": 1.0}, "could not be told apart"),
    ({"held_out": 1.0}, "left to train on"),
    ({"held_out": -0.1}, "--held-out -0.1"),
    ({"frequency": ()}, "shows a fact to be learnt"),
    ({"frequency": (1, 0)}, "--frequency 1,0"),
    ({"frequency": (1, 2), "facts": 1}, "2 frequencies for 1 facts"),
]


@pytest.mark.parametrize(("changed", "said"), BAD)
def test_options_that_cannot_be_met(changed: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=said):
        write_synthetic(tmp_path / "out", replace(SyntheticOptions(), **changed))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_every_role_reads_well_after_a() -> None:
    assert [role for role in (*FORGOTTEN_ROLES, *OTHER_ROLES) if role[0] in "aeiou"] == []
