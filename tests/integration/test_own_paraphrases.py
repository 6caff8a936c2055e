"""`make-benchmark --paraphraser file:TABLE`: counts, styles, doubts, and what the rows become."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Printed
from unlearnbench.api.authoring import make_benchmark
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.validation import check_across
from unlearnbench.paths import content_root
from unlearnbench.types import Fact

FACTS = [("What is the capital of Spain?", "Madrid"), ("Which organ pumps blood?", "heart")]
HEADER = "question paraphrase style purpose"
Line = Sequence[str]
Make = Callable[..., Printed]


def write(path: Path, header: Line, lines: Sequence[Line]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    return path


@pytest.fixture
def make(tmp_path: Path, command_line: CommandLine) -> Make:
    """Make a benchmark of `FACTS` and rows of question, paraphrase, style and purpose."""
    write(tmp_path / "facts.csv", ("question", "answer"), FACTS)

    def call(
        lines: Sequence[Line], *more: str, header: str = "question paraphrase style purpose"
    ) -> Printed:
        table = write(tmp_path / "p.csv", header.split(), lines)
        words = ("--out", tmp_path / "mine", "--paraphraser", f"file:{table}", *more)
        return command_line("make-benchmark", tmp_path / "facts.csv", *words)

    return call


def ways(question: str, counts: dict[str, int], training: int = 0) -> list[Line]:
    """Lines of so many paraphrases of each style, and for training."""
    one = "Spain" if "Spain" in question else "blood"
    lines = [
        (question, f"{style} way {n} to ask about {one}", style, "evaluation")
        for style, count in counts.items()
        for n in range(count)
    ]
    return [
        *lines,
        *((question, f"practice {n} about {one}", "", "training") for n in range(training)),
    ]


ALL = {"wording": 5, "syntax": 5, "situation": 5}


def counted(tmp_path: Path) -> list[Counter[str]]:
    facts = load_benchmark(str(tmp_path / "mine")).split("forget")
    return [Counter(p.style for p in fact.paraphrases) for fact in facts]


def test_a_full_benchmark(make: Make, tmp_path: Path) -> None:
    done = make([*ways(FACTS[0][0], ALL, 2), *ways(FACTS[1][0], ALL, 3)])
    assert done.code == 0, done.err
    assert "it carries profile standard in full" in done.out
    assert counted(tmp_path) == [Counter(ALL)] * 2
    facts = load_benchmark(str(tmp_path / "mine")).split("forget")
    assert [len(fact.train_paraphrases) for fact in facts] == [2, 2]


FOUR = {"wording": 2, "syntax": 1, "situation": 1}
COUNTS = {
    "fewest decides": (
        ALL,
        {"wording": 2, "syntax": 2},
        4,
        {"wording": 2, "syntax": 1, "situation": 1},
    ),
    "more than the protocol": ({"wording": 9, "syntax": 9, "situation": 9}, ALL, 15, ALL),
    "one style lacks": (ALL, {"wording": 6}, 6, {"wording": 2, "syntax": 2, "situation": 2}),
    "one": (ALL, {"situation": 1}, 1, {"wording": 1}),
}


@pytest.mark.parametrize("kind", COUNTS)
def test_every_fact_gets_what_all_have_balanced_over_styles(
    kind: str, make: Make, tmp_path: Path
) -> None:
    first, second, total, expected = COUNTS[kind]
    done = make([*ways(FACTS[0][0], first), *ways(FACTS[1][0], second)])
    assert done.code == 0, done.err
    one, two = counted(tmp_path)
    assert one == Counter(expected)
    assert one.total() == two.total() == total
    if total < 15:
        assert f"standard with {total} paraphrase" in done.out
        assert "never ranked" in done.out


def test_what_is_not_taken_is_kept_beside(make: Make, tmp_path: Path) -> None:
    assert make([*ways(FACTS[0][0], ALL), *ways(FACTS[1][0], {"wording": 1})]).code == 0
    text = (tmp_path / "mine" / "making" / "candidates.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert Counter(line["taken"] for line in lines) == {False: 14, True: 2}


def test_doubtful_paraphrases_never_enter(make: Make, tmp_path: Path) -> None:
    spain, blood = FACTS[0][0], FACTS[1][0]
    bad = [
        (spain, "Is Madrid the capital of Spain?", "wording", ""),
        (spain, "what is the capital of SPAIN", "syntax", ""),
        (spain, "wording way 0 to ask about Spain", "syntax", ""),
        (spain, "wording way 1 to ask about Spain", "", "training"),
        (spain, blood, "", ""),
    ]
    done = make([*ways(spain, ALL), *ways(blood, ALL), *bad], "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert [d["candidate"]["text"] for d in record["doubtful"]] == [line[1] for line in bad]
    assert all(d["doubts"][0]["what"] for d in record["doubtful"])
    texts = (tmp_path / "mine" / "forget.jsonl").read_text("utf-8")
    assert not [line for line in bad if f'"text": "{line[1]}", "style": "{line[2]}"' in texts]


def test_a_forget_fact_without_a_paraphrase_is_refused(make: Make, tmp_path: Path) -> None:
    done = make(ways(FACTS[0][0], ALL))
    assert done.code == 2
    message = "facts.csv:3: which-organ-pumps-blood has no paraphrase; no row of file:p.csv is for"
    assert message in done.err
    assert not (tmp_path / "mine").exists()
    doubted = make([*ways(FACTS[0][0], ALL), (FACTS[1][0], "Is it the heart?", "", "")])
    assert "1 are in doubt, the first: 'heart' stands in" in doubted.err


def test_a_paraphrase_without_a_style_is_of_wording(make: Make, tmp_path: Path) -> None:
    lines = [(question, f"tell me now: {question}") for question, _ in FACTS]
    assert make(lines, header="question paraphrase").code == 0
    assert counted(tmp_path) == [Counter({"wording": 1})] * 2


def test_by_id_in_place_of_the_question(make: Make, tmp_path: Path) -> None:
    ids = ("what-is-the-capital-of-spain", "which-organ-pumps-blood")
    assert make([(name, f"way to {name}") for name in ids], header="id paraphrase").code == 0
    assert counted(tmp_path) == [Counter({"wording": 1})] * 2


SPAIN = FACTS[0][0]
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
    done = make([(SPAIN, "Where?")], header="question parafrase")
    assert "p.csv:1: no column 'paraphrase'" in done.err


def test_an_object_may_propose(tmp_path: Path) -> None:
    from unlearnbench.paraphrasing.candidates import Candidate
    from unlearnbench.paraphrasing.table import TableParaphraser

    facts = write(tmp_path / "facts.csv", ("question", "answer"), FACTS[:1])
    name = "what-is-the-capital-of-spain"
    candidate = Candidate(name, "evaluation", "syntax", "Spain: capital?", "me")
    own = TableParaphraser("own", [candidate], ())
    made = make_benchmark(facts, tmp_path / "mine", paraphraser=own)
    assert made.benchmark.split("forget")[0].paraphrases[0].text == "Spain: capital?"
    assert len(made.to_pandas()) == len(made.benchmark.facts)


def test_the_sample_that_ships_is_whole(tmp_path: Path) -> None:
    made = make_benchmark("sample-facts", tmp_path / "mine", paraphraser="file:sample-facts")
    forget = made.benchmark.split("forget")
    assert made.doubtful == ()
    assert len(forget) >= 12
    assert {(len(f.paraphrases), len(f.train_paraphrases)) for f in forget} == {(15, 10)}
    wkf = [(fact, "") for fact in load_benchmark("wkf").facts]
    asked = {fact.question for fact, _ in wkf}
    assert not [fact for fact in forget if fact.question in asked]
    check_across([*((retained(fact), "") for fact, _ in wkf), *((f, "") for f in forget)])
    assert (content_root() / "benchmarks" / "sample-facts" / "README.md").is_file()


def retained(fact: Fact) -> Fact:
    from dataclasses import replace

    return replace(fact, split="retain", id=f"wkf-{fact.id}")
