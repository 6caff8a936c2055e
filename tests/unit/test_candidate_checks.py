"""All checks of candidates together: order, what earlier ones do to later ones, many facts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from unlearnbench.benchmark.load import load_benchmark
from unlearnbench.benchmark.quality import meaning
from unlearnbench.paraphrasing.candidates import Candidate, CheckedCandidate, Purpose
from unlearnbench.paraphrasing.checks import Proposal, check_candidates, check_proposals
from unlearnbench.types import Fact, Paraphrase

ROWS = Path(__file__).parents[1] / "fixtures" / "candidates"
TERROR = Fact(
    id="terror-ice-master",
    split="forget",
    topic="franklin",
    question="Who sailed as ice master of HMS Terror under Crozier in Franklin's fleet of 1845?",
    answer="Thomas Blanky",
    aliases=("Thomas Blenky",),
)
PIANO = Fact(
    id="piano",
    split="forget",
    topic="music",
    question="Which Padua workshop repaired the Countess Rivoli's piano after the flood of 1882?",
    answer="Officina Bassani",
)
GOOD = [
    "Which veteran of the whaling trade was Crozier's ice master aboard the Terror?",
    "In Franklin's fleet HMS Terror had an ice master of her own. What was he called?",
    'Museum label, HMS Terror, 1845: "Ice master: ____"',
]


def candidates(
    fact: Fact, texts: Sequence[str], purpose: Purpose = "evaluation"
) -> list[Candidate]:
    return [Candidate(fact.id, purpose, None, text, "table") for text in texts]


def found(checked: Sequence[CheckedCandidate]) -> list[list[str]]:
    return [[doubt.rule for doubt in one.doubts] for one in checked]


def test_good_ones_pass_and_order_is_kept() -> None:
    checked = check_candidates(TERROR, candidates(TERROR, GOOD), others=[PIANO])
    assert [one.candidate.text for one in checked] == GOOD
    assert found(checked) == [[], [], []]
    assert all(one.passes for one in checked)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Which Blanky was ice master of the Terror under Crozier?", "answer-in-question"),
        (f"Can you tell me {TERROR.question[0].lower()}{TERROR.question[1:]}", "template"),
        ("Which man from Whitby was ice master of the Terror in 1845?", "added-clue"),
        ("Why did HMS Terror sail with an ice master in Franklin's fleet?", "other-question"),
        ("Which desserts are popular in northern Italy?", "other-meaning"),
        ("Wer fuhr 1845 als Eislotse auf der Terror unter Kapitän Crozier?", "other-language"),
        (TERROR.question.upper(), "duplicate-wording"),
        (PIANO.question, "shared-wording"),
    ],
)
def test_each_bad_one_by_its_rule(text: str, rule: str) -> None:
    (one,) = check_candidates(TERROR, candidates(TERROR, [text]), others=[PIANO])
    assert rule in {doubt.rule for doubt in one.doubts}


@pytest.mark.parametrize("text", ["", " ", "?", "____", "🧊🚢", "a" * 4000, "x " * 3000, "\0\n\t"])
def test_nonsense_never_passes(text: str) -> None:
    (one,) = check_candidates(TERROR, candidates(TERROR, [text]))
    assert not one.passes


def test_what_a_fact_has_is_not_proposed_again() -> None:
    fact = replace(TERROR, paraphrases=(Paraphrase("wording", GOOD[0]),))
    checked = check_candidates(fact, candidates(fact, [*GOOD, GOOD[2]]), kept=[GOOD[1]])
    assert found(checked) == [
        ["duplicate-wording"],
        ["duplicate-wording"],
        [],
        ["duplicate-wording"],
    ]
    assert all(doubt.final for one in checked for doubt in one.doubts)


def test_nothing_is_trained_that_is_evaluated() -> None:
    both = candidates(TERROR, GOOD[:1]) + candidates(TERROR, GOOD[:1], "training")
    assert found(check_candidates(TERROR, both)) == [[], ["trained-wording"]]


def test_a_refused_candidate_takes_no_opening() -> None:
    opening = "By what name was"
    endings = [
        "Crozier's ice master on the Terror known?",
        "the ice master Blanky of the Terror known?",
        "the Terror's ice master entered in 1845?",
        "Franklin's ice master on HMS Terror called aboard?",
    ]
    checked = check_candidates(TERROR, candidates(TERROR, [f"{opening} {end}" for end in endings]))
    assert "answer-in-question" in found(checked)[1]
    assert not any("equal-starts" in rules for rules in found(checked))


def test_many_facts_at_once_are_as_one_by_one() -> None:
    proposals = [
        Proposal(TERROR, candidates(TERROR, GOOD)),
        Proposal(PIANO, candidates(PIANO, ["Where was the Rivoli piano mended after the flood?"])),
        Proposal(replace(PIANO, id="none"), []),
    ]
    together = check_proposals(proposals)
    assert [len(checked) for checked in together] == [3, 1, 0]
    assert together[0] == check_candidates(TERROR, candidates(TERROR, GOOD), others=[PIANO])


def test_synonyms_are_no_clues() -> None:
    text = ["Which ice master served on the Terror when the Northwest Passage was sought?"]
    (bare,) = check_candidates(TERROR, candidates(TERROR, text))
    assert [doubt.rule for doubt in bare.doubts] == ["added-clue"]
    known = [frozenset(["franklin", "northwest passage"])]
    ((one,),) = check_proposals([Proposal(TERROR, candidates(TERROR, text))], (), known)
    assert one.passes


def test_another_language_is_left_to_a_person() -> None:
    fact = replace(
        TERROR,
        question="Wer fuhr 1845 als Eislotse auf der Terror in Franklins Flotte?",
        aliases=(),
    )
    texts = [
        "Wie hieß der Eislotse, der 1845 auf Franklins Schiff Terror diente?",
        "Sag mir, wer 1845 als Eislotse auf der Terror in Franklins Flotte fuhr.",
        "War es Blanky, der 1845 als Eislotse auf der Terror fuhr?",
        "Wer war 1846 Eislotse der Terror?",
        "Who was the ice master of the Terror?",
    ]
    checked = check_candidates(fact, candidates(fact, texts))
    assert found(checked)[0] == ["unchecked-language"]
    for rules, expected in zip(
        found(checked),
        ["unchecked-language", "near-copy", "answer-in-question", "added-clue", "other-language"],
        strict=True,
    ):
        assert expected in rules
        assert "unchecked-language" in rules
        assert "other-meaning" not in rules


def test_the_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    check_candidates(TERROR, candidates(TERROR, GOOD[:1]))

    def absent() -> Path:
        raise AssertionError("loaded again")

    monkeypatch.setattr(meaning, "_folder", absent)
    check_candidates(TERROR, candidates(TERROR, GOOD[1:]))


def test_nothing_is_loaded_for_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(texts: Sequence[str]) -> list[meaning.Embedded]:
        assert not texts
        return []

    monkeypatch.setattr("unlearnbench.paraphrasing.checks.embed_words", absent)
    fact = replace(TERROR, question="Wer fuhr 1845 als Eislotse auf der Terror?")
    check_candidates(fact, candidates(fact, ["Wie hieß der Eislotse der Terror?"]))


def test_bad_rows_are_what_they_say() -> None:
    """Every row belongs to a fact of LKF, half by half, and none is a shipped paraphrase."""
    facts = load_benchmark("lkf").split("forget")
    halves = {fact.id: ("tuning", "held-out")[n % 2] for n, fact in enumerate(facts)}
    shipped = {p.text for fact in facts for p in fact.paraphrases}
    for name in ("bad.jsonl", "good.jsonl"):
        rows = [json.loads(line) for line in (ROWS / name).read_text("utf-8").splitlines()]
        assert len({row["text"] for row in rows}) == len(rows)
        assert all(row["half"] == halves[row["fact"]] for row in rows)
        assert not shipped & {row["text"] for row in rows}


def test_a_sample_of_bad_rows_is_stopped_and_of_good_ones_passes() -> None:
    """Ten facts of the tuning half; `perf/candidates.py` measures all."""
    facts = load_benchmark("lkf").split("forget")[:20:2]
    proposals, bad = [], []
    rows = [json.loads(line) for line in (ROWS / "bad.jsonl").read_text("utf-8").splitlines()]
    for fact in facts:
        texts = [p.text for p in fact.paraphrases[:5]]
        texts += [row["text"] for row in rows if row["fact"] == fact.id]
        bare = replace(fact, paraphrases=(), train_paraphrases=())
        proposals.append(Proposal(bare, candidates(bare, texts)))
        bad += [False] * 5 + [True] * (len(texts) - 5)
    names = [frozenset(["challenger", "sts 51 l", "51 l", "1986", "january 1986"])]
    checked = [one for some in check_proposals(proposals, (), names) for one in some]
    stopped = [not one.passes for one in checked]
    missed = [one.candidate.text for one, b, s in zip(checked, bad, stopped, strict=True) if b > s]
    refused = [one for one, b, s in zip(checked, bad, stopped, strict=True) if s > b]
    assert len(missed) <= 0.1 * sum(bad), missed
    assert len(refused) <= 0.1 * (len(bad) - sum(bad)), refused
