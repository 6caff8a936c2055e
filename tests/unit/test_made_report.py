"""The data card and the report of a benchmark that was made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.review_samples import CLUE, FAR, decided, decision, doubtful, fact, found, rechecking
from unlearnbench.authoring.card import MOST_LISTED, data_card
from unlearnbench.authoring.kept import accepted_rows
from unlearnbench.authoring.made import Made, MadeBy, MadeFrom
from unlearnbench.authoring.report import MakingReport, report_of, report_summary
from unlearnbench.authoring.taking_up import take_up
from unlearnbench.paraphrasing.candidates import CandidateDoubt, Paraphrased
from unlearnbench.types import Fact, Paraphrase, Usage

HOSTILE = "<b>x</b> | [a](http://b) `c` *d* \n# e \u202e"
ACCEPTED, MENDED, STRUCK = doubtful("Who won?", FAR), doubtful("Who lost?"), doubtful("Who?")
OPEN = doubtful("Which one was it then?", CLUE, CandidateDoubt("equal-starts", ""))
DECISIONS = decided(
    decision(ACCEPTED, "accept", by="Ada"),
    decision(MENDED, "mend", "Who came second?"),
    decision(STRUCK, "strike", by="Ada"),
)


def made() -> Made:
    before = [found(ACCEPTED, MENDED, STRUCK, OPEN, passed=["Who got there?"])]
    taken = take_up(before, DECISIONS, rechecking())
    own = _with_paraphrases(taken[0])
    kept = Fact("sea", "retain", "seas", "Which sea?", "Aral", tier="general")
    return Made(
        id="mine",
        version="1.0.0",
        title="My facts",
        licence="not stated",
        judge="rules",
        private=True,
        facts=(own, kept),
        paraphrased=(replace(taken[0], problem="two of 15 could not be had"),),
        carries="it carries profile standard with 3 paraphrases of each forget fact instead of 15",
        tables=(MadeFrom("facts.csv", 1, "0" * 64),),
        paraphraser=MadeBy("gemini", "1" * 64, Usage(calls=3, dollars=0.25)),
        decisions=DECISIONS,
        unjudged={"pole": "it is a whole sentence"},
        languages={"de": 1},
        notes=("facts.csv:3: is there twice",),
    )


def _with_paraphrases(taken: Paraphrased) -> Fact:
    some = tuple(Paraphrase(c.style or "", c.text) for c in taken.evaluation)
    return replace(taken.fact, paraphrases=some)


def test_the_report_counts_what_is_there() -> None:
    report = report_of(made())
    review = report.review
    assert (review.accepted, review.mended, review.struck, review.undecided) == (1, 1, 1, 1)
    assert (review.people, review.unnamed) == ({"Ada": 2}, 1)
    assert report.origins == {"gemini": 2, "review": 1}
    assert report.doubts == {"added-clue": 1, "equal-starts": 1}
    assert report.in_doubt == {"pole": 1}
    assert report.splits["forget"].evaluation == {"wording": 3}
    assert report.splits["retain"].topics == {"seas": 1}


def test_only_what_is_in_force_is_counted() -> None:
    """Decisions of facts that are gone, or that did not let anything in, are no review."""
    gone = decision(doubtful("What?", of="gone"), "accept")
    overruled = decision(doubtful(OPEN.candidate.text), "accept")
    one = replace(made(), decisions={**DECISIONS, **decided(gone, overruled)})
    assert report_of(one) == report_of(made())


def test_the_report_comes_back(tmp_path: Path) -> None:
    report = report_of(made())
    text = json.dumps(report.to_disk())
    assert MakingReport.from_disk(json.loads(text), tmp_path) == report


def test_the_summary_says_what_matters() -> None:
    lines = report_summary(report_of(made()))
    assert lines == [
        "it carries profile standard with 3 paraphrases of each forget fact instead of 15",
        "decided by people: 1 accepted, 1 mended, 1 struck",
        "1 paraphrase is in doubt and left out, of 1 fact: decide in review.html",
        "1 fact has fewer paraphrases than wanted, the first pole: two of 15 could not be had",
        "judge rules cannot hold 1 answer: name an LLM judge",
        "no check reads the language of 1 fact (de)",
    ]
    calm = replace(
        made(), paraphrased=(), decisions={}, unjudged={}, languages={}, carries="in full"
    )
    assert report_summary(report_of(calm)) == ["in full"]


def test_the_card_says_all_of_it() -> None:
    card = data_card(report_of(made()))
    for words in (
        "**Private**",
        "| forget | what is to be forgotten | 1 | 3 | 0 |",
        "**What it can carry**: it carries profile standard with 3",
        "table facts.csv: 1 row, sha256 `000",
        "paraphraser gemini, identity `111",
        "3 calls, 0.25 dollars at list price",
        "no second reader",
        "1 paraphrase in the benchmark by people, in a review",
        "doubtful paraphrases: 1 accepted as they stand, 1 mended, 1 struck",
        "1 of 3 paraphrases passed the checks and were read by no person",
        "2 decisions by Ada",
        "1 decision by people who gave no name",
        "**1 undecided**, of 1 fact: they are not in the benchmark",
        "in doubt: Adds a name or a number that the question does not have: 1",
        "no check reads de (1 fact)",
        "`pole` has fewer paraphrases: two of 15 could not be had",
        "judge `rules` cannot hold `pole`: it is a whole sentence",
        "facts.csv:3: is there twice",
    ):
        assert words in card, words
    assert data_card(report_of(made())) == card


def test_the_card_quotes_no_fact() -> None:
    card = data_card(report_of(made()))
    assert not [t for t in ("South Pole", "Roald", "Who won", "Which one", "Aral") if t in card]


def test_nobody_is_named_who_gave_no_name() -> None:
    unnamed = decided(decision(ACCEPTED, "accept"))
    report = report_of(replace(made(), decisions=unnamed))
    assert report.review.people == {}
    assert "Ada" not in data_card(report)


def test_hostile_words_are_text() -> None:
    one = replace(
        made(), title=HOSTILE, licence=HOSTILE, carries=HOSTILE, notes=(HOSTILE,), date=HOSTILE
    )
    one = replace(one, tables=(MadeFrom(HOSTILE, 1),), languages={HOSTILE: 1})
    one = replace(one, unjudged={"pole": HOSTILE}, paraphraser=MadeBy(HOSTILE, "1"))
    body = data_card(report_of(one)).partition("\n---\n")[2]
    html = MarkdownIt("commonmark").enable("table").render(body)
    assert "<b>" not in html
    assert "<a " not in html
    assert "<code>c" not in html
    assert html.count("<h1") == 1
    assert "\u202e" not in html


def test_a_long_list_is_cut() -> None:
    notes = tuple(f"note {n}." for n in range(100))
    card = data_card(report_of(replace(made(), notes=notes)))
    assert card.count("\n- note ") == MOST_LISTED
    assert "and 70 more; all are in `making/report.json`" in card


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (["other-meaning"], ["far"]),
        (["added-clue", "other-meaning"], ["clue", "far"]),
        (["shared-frame"], ["frame"]),
        (["unchecked-language", "other-meaning"], ["far", "clue"]),
        (["unread"], []),
    ],
    ids=["far", "clue-far", "frame", "language", "unread"],
)
def test_an_acceptance_is_known_to_the_checks(rules: list[str], kept: list[str]) -> None:
    doubts = tuple(CandidateDoubt(rule, "") for rule in rules)
    some = decided(decision(doubtful("Who won?", *doubts), "accept"))
    own = replace(fact(), paraphrases=(Paraphrase("syntax", "Who won?"), Paraphrase("x", "Who?")))
    rows = accepted_rows([own], some)
    assert [row.rule for row in rows] == kept
    assert {row.text for row in rows} <= {"Who won?"}
    assert accepted_rows([fact()], some) == []


def test_a_training_paraphrase_is_another_candidate() -> None:
    some = decided(decision(doubtful("Who won?", purpose="training"), "accept"))
    own = replace(fact(), paraphrases=(Paraphrase("syntax", "Who won?"),))
    assert accepted_rows([own], some) == []
    own = replace(fact(), train_paraphrases=("Who won?",))
    assert [row.rule for row in accepted_rows([own], some)] == ["far"]
