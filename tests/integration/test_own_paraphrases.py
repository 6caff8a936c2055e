"""`make-benchmark --paraphraser file:TABLE`: counts, styles, doubts, and what the rows become."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Printed
from tests.sample_facts import ALL, BLOOD, FACTS, HEADER, IDS, SPAIN, Line, ways, write
from unlearnbench.api.authoring import make_benchmark
from unlearnbench.authoring.choosing import balanced, choose
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.validation import check_across
from unlearnbench.paraphrasing.candidates import STYLES, Candidate, Paraphrased
from unlearnbench.paraphrasing.table import TableParaphraser
from unlearnbench.paths import content_root
from unlearnbench.types import Fact

Make = Callable[..., Printed]


@pytest.fixture
def make(tmp_path: Path, command_line: CommandLine) -> Make:
    """Make a benchmark of `FACTS` and lines of paraphrases."""
    write(tmp_path / "facts.csv", ("question", "answer"), FACTS)

    def call(lines: list[Line], *more: str, header: Line = HEADER) -> Printed:
        table = write(tmp_path / "p.csv", header, lines)
        words = ("--out", tmp_path / "mine", "--paraphraser", f"file:{table}", *more)
        return command_line("make-benchmark", tmp_path / "facts.csv", *words)

    return call


def counted(tmp_path: Path) -> list[Counter[str]]:
    facts = load_benchmark(str(tmp_path / "mine")).split("forget")
    return [Counter(p.style for p in fact.paraphrases) for fact in facts]


def test_a_full_benchmark(make: Make, tmp_path: Path) -> None:
    done = make([*ways(SPAIN, ALL, 2), *ways(BLOOD, ALL, 3)])
    assert done.code == 0, done.err
    assert "it carries profile standard in full" in done.out
    assert counted(tmp_path) == [Counter(ALL)] * 2
    facts = load_benchmark(str(tmp_path / "mine")).split("forget")
    assert [len(fact.train_paraphrases) for fact in facts] == [2, 2]


FOUR, SIX = {"wording": 2, "syntax": 1, "situation": 1}, {"wording": 2, "syntax": 2, "situation": 2}
COUNTS = {
    "fewest decides": ({"wording": 2, "syntax": 2}, 4, FOUR),
    "one style lacks": ({"wording": 3, "syntax": 3}, 6, SIX),
    "one": ({"situation": 1}, 1, {"wording": 1}),
}


@pytest.mark.parametrize("kind", COUNTS)
def test_every_fact_gets_what_all_have_balanced_over_styles(
    kind: str, make: Make, tmp_path: Path
) -> None:
    second, total, expected = COUNTS[kind]
    done = make([*ways(SPAIN, ALL), *ways(BLOOD, second)])
    assert done.code == 0, done.err
    one, two = counted(tmp_path)
    assert one == Counter(expected)
    assert one.total() == two.total() == total
    assert f"standard with {total} paraphrase" in done.out
    assert "never ranked" in done.out


def candidates(count: int, style: str | None = None) -> tuple[Candidate, ...]:
    purpose = "evaluation"
    return tuple(
        Candidate("f", purpose, style or STYLES[n % 3], f"Way {n}?", "me") for n in range(count)
    )


@pytest.mark.parametrize(("split", "most"), [("forget", 15), ("retain", 6), ("never", 15)])
def test_no_more_than_the_protocol_asks(split: str, most: int) -> None:
    fact = Fact("f", split, "t", "Who?", "Ann Lee")  # type: ignore[arg-type]
    chosen = choose(fact.split, [Paraphrased(fact, candidates(40), (), ())])
    assert (chosen.evaluation, chosen.spare, chosen.fewest) == (most, 40 - most, ())


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 15])
def test_styles_are_balanced_as_far_as_they_go(count: int) -> None:
    mixed = (*candidates(4, "wording"), *candidates(9, "syntax"), *candidates(2, "situation"))
    taken = Counter(c.style for c in balanced(mixed, count))
    assert taken.total() == count
    have = {"wording": 4, "syntax": 9, "situation": 2}
    short = [style for style in STYLES if taken[style] < have[style]]
    assert all(taken[one] <= taken[two] + 1 for one in STYLES for two in short)


def test_what_is_not_taken_is_kept_beside(make: Make, tmp_path: Path) -> None:
    done = make([*ways(SPAIN, ALL), *ways(BLOOD, {"wording": 1})])
    told = f"forget: 1 paraphrase of each fact, as {IDS[1]} has no more; 14 more are kept in"
    assert told in done.out
    text = (tmp_path / "mine" / "making" / "candidates.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert Counter(line["taken"] for line in lines) == {False: 14, True: 2}


def test_doubtful_paraphrases_never_enter(make: Make, tmp_path: Path) -> None:
    first = ways(SPAIN, ALL)[0][1]
    bad = [
        (SPAIN, "Is Madrid the capital of Spain?", "wording", ""),
        (SPAIN, "what is the capital of SPAIN", "syntax", ""),
        (SPAIN, first, "syntax", ""),
        (SPAIN, first, "", "training"),
        (SPAIN, BLOOD, "", ""),
    ]
    done = make([*ways(SPAIN, ALL), *ways(BLOOD, ALL), *bad], "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    doubted = [d["candidate"]["text"] for d in record["doubtful"]]
    # The same text for the same purpose is there already: there is nothing to decide.
    assert sorted(doubted) == sorted(line[1] for line in (*bad[:2], *bad[3:]))
    assert all(d["doubts"][0]["what"] for d in record["doubtful"])
    fact = load_benchmark(str(tmp_path / "mine")).split("forget")[0]
    assert [p.text for p in fact.paraphrases] == [line[1] for line in ways(SPAIN, ALL)]
    assert fact.train_paraphrases == ()


def test_a_text_of_two_facts_stays_with_the_one_to_be_forgotten(
    tmp_path: Path, command_line: CommandLine
) -> None:
    facts = [(BLOOD, "heart", "retain"), (SPAIN, "Madrid", "forget")]
    write(tmp_path / "facts.csv", ("question", "answer", "split"), facts)
    text = ways(SPAIN, ALL)[0][1]
    table = write(tmp_path / "p.csv", HEADER[:2], [(BLOOD, text), (SPAIN, text)])
    words = ("--out", tmp_path / "mine", "--paraphraser", f"file:{table}")
    assert command_line("make-benchmark", tmp_path / "facts.csv", *words).code == 0
    loaded = load_benchmark(str(tmp_path / "mine"))
    assert [p.text for p in loaded.split("forget")[0].paraphrases] == [text]
    own = [fact for fact in loaded.split("retain") if fact.tier == "own"]
    assert [fact.paraphrases for fact in own] == [()]


def test_a_forget_fact_without_a_paraphrase_is_refused(make: Make, tmp_path: Path) -> None:
    done = make(ways(SPAIN, ALL))
    assert done.code == 2
    assert f"facts.csv:3: {IDS[1]} has no paraphrase; no row of file:p.csv is for it" in done.err
    assert not (tmp_path / "mine").exists()


def test_a_fact_with_nothing_but_doubtful_paraphrases_waits_for_a_person(
    make: Make, tmp_path: Path
) -> None:
    doubted = make([*ways(SPAIN, ALL), (BLOOD, "Is it the heart that pumps?", "", "")])
    assert doubted.code == 1
    assert "no benchmark yet: decide in" in doubted.out
    assert not (tmp_path / "mine" / "benchmark.toml").exists()
    text = (tmp_path / "mine" / "review.csv").read_text("utf-8-sig")
    assert "Is it the heart that pumps?" in text


def test_a_paraphrase_without_a_style_is_of_wording(make: Make, tmp_path: Path) -> None:
    lines = [ways(question, {"syntax": 1})[0][:2] for question, _ in FACTS]
    assert make(lines, header=HEADER[:2]).code == 0
    assert counted(tmp_path) == [Counter({"wording": 1})] * 2


def test_by_id_in_place_of_the_question(make: Make, tmp_path: Path) -> None:
    lines = [(name, ways(q, ALL)[0][1]) for name, (q, _) in zip(IDS, FACTS, strict=True)]
    assert make(lines, header=("id", "paraphrase")).code == 0
    assert counted(tmp_path) == [Counter({"wording": 1})] * 2


BAD = {
    "no such question": (("Who was it?", "Who?", "", ""), "p.csv:2: no fact asks 'Who was it?'"),
    "nearly a question": (
        ("What is the capital of Spain, then?", "Where?", "", ""),
        "did you mean 'What is the capital of Spain?'?",
    ),
    "no question": (("", "Where?", "", ""), "neither question nor id says of which fact it is"),
    "empty": ((SPAIN, " ", "", ""), "p.csv:2: paraphrase is empty"),
    "style": ((SPAIN, "Where?", "formal", ""), "style 'formal':"),
    "purpose": ((SPAIN, "Where?", "", "train"), "purpose 'train': did you mean 'training'?"),
    "hidden": ((SPAIN, "Whe\u200bre?", "", ""), "holds the hidden character U+200B"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_rows_of_paraphrases(kind: str, make: Make) -> None:
    line, message = BAD[kind]
    done = make([line])
    assert (done.code, message in done.err) == (2, True), done.err


def test_a_table_without_the_column(make: Make) -> None:
    done = make([(SPAIN, "Where?")], header=("question", "parafrase"))
    assert "p.csv:1: no column 'paraphrase'" in done.err


def test_a_header_alone_is_no_table(make: Make) -> None:
    done = make([])
    assert (done.code, "p.csv: it has no rows below its header" in done.err) == (2, True), done.err


def test_an_object_may_propose(tmp_path: Path) -> None:
    facts = write(tmp_path / "facts.csv", ("question", "answer"), FACTS[:1])
    text = ways(SPAIN, {"syntax": 1})[0][1]
    own = TableParaphraser("own", [Candidate(IDS[0], "evaluation", "syntax", text, "me")], ())
    made = make_benchmark(facts, tmp_path / "mine", paraphraser=own)
    assert made.benchmark.split("forget")[0].paraphrases[0].text == text
    assert len(made.to_pandas()) == len(made.benchmark.facts)


def test_the_sample_that_ships_is_whole(tmp_path: Path) -> None:
    made = make_benchmark("sample-facts", tmp_path / "mine", paraphraser="file:sample-facts")
    forget = made.benchmark.split("forget")
    assert made.doubtful == ()
    assert len(forget) >= 12
    assert {(len(f.paraphrases), len(f.train_paraphrases)) for f in forget} == {(15, 10)}
    wkf = [replace(f, split="retain", id=f"wkf-{f.id}") for f in load_benchmark("wkf").facts]
    check_across([(fact, "") for fact in (*wkf, *forget)])
    assert (content_root() / "benchmarks" / "sample-facts" / "README.md").is_file()
