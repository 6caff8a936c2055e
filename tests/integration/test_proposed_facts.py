"""Neighbours and never-known controls that a model proposes, over the real SDKs and every fault."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.judges_server import judges_server, user_text
from tests.paraphrases_server import check_plainly
from tests.proposals_server import (
    FACT_FAULTS,
    BaseEngine,
    Knowing,
    KnowingHandler,
    knowledge,
    pool,
)
from tests.sample_facts import FACTS, SPAIN, write
from unlearnbench.api.authoring import estimate_making, make_benchmark
from unlearnbench.api.making import MadeBenchmark
from unlearnbench.authoring.proposed.accepting import lacking_paraphrases, without_lean
from unlearnbench.authoring.proposed.subjects import Proposed
from unlearnbench.benchmark import holds, load_benchmark, plain
from unlearnbench.errors import BenchmarkError
from unlearnbench.paraphrasing import finding
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
)
from unlearnbench.paraphrasing.llm.catalogue import make_paraphraser, make_second_reader
from unlearnbench.types import Fact
from unlearnbench.types.authoring import MakeOptions

Make = Callable[..., MadeBenchmark]
SHIPPED = Path(__file__).parents[2] / "paraphrasers"
FORGOTTEN = [answer for _, answer in FACTS]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Knowing]:
    how = Knowing()
    monkeypatch.setattr(finding, "check_candidates", check_plainly)
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sekret-0123456789")
    with judges_server(how, KnowingHandler) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield how


def hasty(folder: Path, price: bool = False) -> str:
    """A definition like the shipped `openai`, in a hurry."""
    folder.mkdir()
    for path in (SHIPPED / "openai").iterdir():
        text = path.read_text("utf-8")
        if path.suffix == ".toml":
            head, _, table = text.partition("[second]")
            more = 'price = { input = 1.0, output = 2.0, listed = "2026-07-01" }\n' if price else ""
            text = f'{head}model = "m"\nbackoff_s = 0.01\nattempts = 3\n{more}[second]{table}'
        (folder / path.name).write_text(text, "utf-8")
    return str(folder)


def table_in(folder: Path) -> Path:
    topics = [(*fact, topic) for fact, topic in zip(FACTS, ("lands", "body"), strict=True)]
    return write(folder / "facts.csv", ("question", "answer", "topic"), topics)


@pytest.fixture
def make(server: Knowing, tmp_path: Path) -> Make:
    """Make a benchmark of two sample facts about two topics."""
    table, by = table_in(tmp_path), hasty(tmp_path / "hasty")

    def call(
        out: str = "mine", neighbours: int = 2, never: int = 0, **more: object
    ) -> MadeBenchmark:
        options = MakeOptions(
            neighbours=neighbours, never=never, for_attacks=bool(more.pop("for_attacks", False))
        )
        more = {"paraphraser": by, "base": BaseEngine(), **more}
        return make_benchmark(table, tmp_path / out, make_options=options, **more)  # type: ignore[arg-type]

    return call


def neighbours(made: MadeBenchmark) -> list[str]:
    assert made.benchmark is not None
    retain = made.benchmark.split("retain")
    return [fact.question for fact in retain if fact.tier == "neighbour"]


def test_neighbours_are_retain_facts_with_paraphrases(make: Make, tmp_path: Path) -> None:
    made = make()
    assert made.benchmark is not None
    kept = [f for f in made.benchmark.split("retain") if f.tier == "neighbour"]
    assert [fact.topic for fact in kept] == ["lands", "lands", "body", "body"]
    assert {len(fact.paraphrases) for fact in kept} == {6}
    assert {len(fact.train_paraphrases) for fact in kept} == {5}
    assert all(knowledge()[plain(fact.question)] == fact.answer for fact in kept)
    texts = [t for f in kept for t in (f.question, f.answer, *(p.text for p in f.paraphrases))]
    assert not [t for t in texts for answer in FORGOTTEN if holds(t, answer)]
    assert made.report.proposed["neighbours"].kept == 4
    assert made.doubtful == ()
    near = next(part for part in made.benchmark.relearn if part.name == "near")
    assert [pair.question for pair in near.pairs] == neighbours(made)
    assert load_benchmark(str(tmp_path / "mine")).fingerprint == made.benchmark.fingerprint


def test_what_is_sent_about_a_subject(make: Make, server: Knowing) -> None:
    make()
    asked = [f for r in server.requests for f in json.loads(user_text(r))["facts"]]
    first = next(fact for fact in asked if "facts_of_the_subject" in fact)
    assert first["facts_of_the_subject"] == [{"question": SPAIN, "answer": "Madrid"}]
    assert first["wanted"] == 4
    bare = [set(fact) for fact in asked if "asked" in fact]
    assert bare and all(fields == {"id", "asked"} for fields in bare)  # never the answer
    assert '"lands"' not in json.dumps(server.requests)


@pytest.mark.parametrize("fault", FACT_FAULTS)
def test_a_model_that_always_errs_gives_nothing(make: Make, server: Knowing, fault: str) -> None:
    server.fault_always, server.only = fault, "facts_of_the_subject"
    made = make()
    kept = neighbours(made)
    assert kept == []
    part = made.report.proposed["neighbours"]
    rules = {
        "leaked": {"holds-forgotten"},
        "one-of-the-facts": {"repeats", "unfit"},
        "wrong-language": {"other-language"},
        "repeats": set(),
    }
    assert set(part.left_out) <= rules[fault]
    assert set(part.missing) == {"lands", "body"}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_third_of_calls_failing_changes_nothing(make: Make, server: Knowing, seed: int) -> None:
    whole = make("whole", never=2, for_attacks=True)
    server.fault_rate, server.seed = 1 / 3, seed
    os.environ["UNLEARNBENCH_CACHE"] += "-other"
    shaken = make("shaken", never=2, for_attacks=True)
    assert whole.benchmark is not None and shaken.benchmark is not None
    assert [f.id for f in shaken.benchmark.facts] == [f.id for f in whole.benchmark.facts]
    assert shaken.benchmark.facts == whole.benchmark.facts
    assert shaken.benchmark.forms == whole.benchmark.forms
    assert shaken.benchmark.relearn == whole.benchmark.relearn


def test_the_base_decides_what_is_known(make: Make) -> None:
    first = neighbours(make("first"))
    base = BaseEngine(without=first[:1])
    made = make("second", base=base)
    assert first[0] not in neighbours(made)
    assert len(neighbours(made)) == 4  # another one was proposed
    assert made.report.proposed["neighbours"].left_out["base-does-not-know"] == 1


def test_a_neighbour_needs_as_many_paraphrases_as_the_others() -> None:
    def one(name: str, count: int, training: int = 1) -> Paraphrased:
        fact = Fact(name, "retain", "lands", f"What is {name}?", f"Answer{name}")
        some = [Candidate(name, "evaluation", "wording", f"{name} {n}", "") for n in range(count)]
        return Paraphrased(fact, tuple(some), tuple(some[:training]), ())

    proposed = [one("six", 6), one("three", 3), one("two", 2), one("untrained", 6, 0)]
    lean = lacking_paraphrases(proposed, [])
    assert [p.fact.id for p in lean] == ["three", "two", "untrained"]
    kept = Proposed(tuple(p.fact for p in proposed), missing={"lands": "1 of 5 lack"})
    left = without_lean(kept, lean)
    assert [fact.id for fact in left.kept] == ["six"]
    assert left.missing == {"lands": "1 of 5 lack; 3 with too few paraphrases"}
    own = one("own", 3)
    lean = lacking_paraphrases([own, *proposed], [own.fact])
    assert [p.fact.id for p in lean] == ["two", "untrained"]
    own = one("own", 0, 0)
    assert lacking_paraphrases([own, *proposed], [own.fact]) == []


def test_a_fact_that_is_left_out_is_not_said_to_lack_paraphrases(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = neighbours(make("first"))[0]

    def strict(fact: Fact, *rest: Any) -> list[CheckedCandidate]:
        checked = check_plainly(fact, *rest)
        doubts = (CandidateDoubt("likeness", "asks something else"),)
        return [replace(c, doubts=doubts) if fact.question == dropped else c for c in checked]

    monkeypatch.setattr(finding, "check_candidates", strict)
    made = make("second")
    assert made.benchmark is not None and dropped not in neighbours(made)
    assert made.report.proposed["neighbours"].missing == {"lands": "1 with too few paraphrases"}
    assert set(made.report.missing) <= {fact.id for fact in made.benchmark.facts}


def review_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def decide(folder: Path, *choices: str, text: str = "") -> None:
    rows = review_rows(folder)
    for row, choice in zip(rows, choices, strict=False):
        row["decision"], row["text"] = choice, text
    with (folder / "review.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_where_the_second_reader_disagrees_a_person_decides(
    make: Make, server: Knowing, tmp_path: Path
) -> None:
    first = neighbours(make("first"))
    server.disagrees = {fact.question for fact in pool()} - set(first[2:])
    os.environ["UNLEARNBENCH_CACHE"] += "-other"
    made = make()
    assert neighbours(made) == first[2:]
    rows = review_rows(tmp_path / "mine")
    assert [row["candidate"] for row in rows] == first[:2]
    assert {row["purpose"] for row in rows} == {"neighbour"}
    assert all("answers 'Atlantis'" in row["doubts"] for row in rows)
    decide(tmp_path / "mine", "accept", "accept")
    again = make(resume=True)
    assert sorted(neighbours(again)) == sorted(first)
    assert not (tmp_path / "mine" / "review.csv").exists()
    assert sorted(neighbours(make())) == sorted(first)  # what was decided stays decided


def test_without_a_base_every_neighbour_waits(make: Make, tmp_path: Path) -> None:
    made = make(base=None)
    assert neighbours(made) == []
    rows = review_rows(tmp_path / "mine")
    assert len(rows) == 4
    assert made.report.proposed["neighbours"].in_doubt == 4
    decide(tmp_path / "mine", "accept", "strike")
    again = make(base=None, resume=True)
    assert neighbours(again) == [rows[0]["candidate"]]
    assert again.report.proposed["neighbours"].left_out["struck"] == 1
    assert [row["candidate"] for row in review_rows(tmp_path / "mine")] == [
        row["candidate"] for row in rows[2:]
    ]


def test_a_proposed_fact_cannot_be_mended(make: Make, tmp_path: Path) -> None:
    make(base=None)
    page = (tmp_path / "mine" / "review.html").read_text("utf-8")
    assert page.count('value="mend" disabled') == page.count("<dt>Proposed fact</dt>") == 4
    decide(tmp_path / "mine", "mend", text="What is the capital of Norway?")
    with pytest.raises(BenchmarkError, match="put a mended one into your table, with split retain"):
        make(base=None, resume=True)


def test_a_base_that_cannot_be_asked_leaves_it_to_a_person(make: Make, tmp_path: Path) -> None:
    first = neighbours(make("first"))
    asked = {fact.question for fact in pool()} - set(first[2:])
    made = make(base=BaseEngine(fails=list(asked)))
    assert neighbours(made) == first[2:]
    rows = review_rows(tmp_path / "mine")
    assert [row["candidate"] for row in rows] == first[:2]
    assert all("The base model could not be asked" in row["doubts"] for row in rows)


def test_what_is_sure_comes_before_what_a_person_must_decide(make: Make, server: Knowing) -> None:
    first = neighbours(make("first"))
    server.disagrees = {first[0]}
    os.environ["UNLEARNBENCH_CACHE"] += "-other"
    made = make()
    assert made.doubtful == ()
    assert first[0] not in neighbours(made)
    assert len(neighbours(made)) == 4


def test_without_a_second_reader_nothing_enters(make: Make, tmp_path: Path) -> None:
    made = make(second_reader="none")
    assert made.benchmark is None  # paraphrases wait as well
    kinds = Counter(row["purpose"] for row in review_rows(tmp_path / "mine"))
    assert kinds["neighbour"] == 4


def test_invented_controls(make: Make, server: Knowing) -> None:
    made = make(neighbours=0, never=3)
    assert made.benchmark is not None
    never = made.benchmark.split("never")
    own = [fact for fact in never if not fact.id.startswith("general-")]
    assert [fact.topic for fact in own] == ["lands"] * 3 + ["body"] * 3
    assert {len(fact.paraphrases) for fact in never} == {15}
    assert len(never) > len(own)  # fewer than ten: those that ship as well


def test_enough_controls_need_none_that_ship(make: Make) -> None:
    made = make(neighbours=0, never=5)
    assert made.benchmark is not None
    assert len(made.benchmark.split("never")) == 10


def test_the_cost_is_told_before_and_limited(make: Make, server: Knowing, tmp_path: Path) -> None:
    by, options = hasty(tmp_path / "priced", price=True), MakeOptions(neighbours=2, never=2)
    table = tmp_path / "facts.csv"
    cost = estimate_making(table, tmp_path / "a", paraphraser=by, make_options=options)
    alone = estimate_making(table, tmp_path / "a", paraphraser=by)
    assert server.requests == []
    assert cost.calls > alone.calls
    assert (cost.dollars or 0) > (alone.dollars or 0) > 0
    made = make("mine", never=2, paraphraser=by)
    assert abs(len(server.requests) - cost.calls) <= 3
    assert made.benchmark is not None
    before = len(server.requests)
    os.environ["UNLEARNBENCH_CACHE"] += "-limited"
    limited = make("limited", never=1, paraphraser=by, max_cost=0.0001)
    assert limited.benchmark is None
    assert "--max-cost" in limited.report.proposed["never"].missing["lands"]
    assert len(server.requests) == before


def test_again_it_pays_for_nothing(make: Make, server: Knowing, tmp_path: Path) -> None:
    made = make(never=1, for_attacks=True)
    before = len(server.requests)
    again = make(never=1, for_attacks=True)
    assert len(server.requests) == before
    assert again.benchmark == made.benchmark


RUN = """
import sys
from pathlib import Path
from tests.paraphrases_server import check_plainly
from tests.proposals_server import BaseEngine
from unlearnbench.api.authoring import make_benchmark
from unlearnbench.paraphrasing import finding
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
)
from unlearnbench.types import Fact
from unlearnbench.types.authoring import MakeOptions
finding.check_candidates = check_plainly
table, by, out = sys.argv[1:]
options = MakeOptions(neighbours=6, never=3, for_attacks=True)
made = make_benchmark(table, out, paraphraser=by, base=BaseEngine(), make_options=options)
print(made.benchmark.fingerprint)
"""


def test_killed_it_pays_for_nothing_twice(make: Make, server: Knowing, tmp_path: Path) -> None:
    out, root = tmp_path / "out", Path(__file__).parents[2]
    server.latency_s = 0.2
    arguments = [str(tmp_path / "facts.csv"), str(tmp_path / "hasty"), str(out)]
    command = [sys.executable, "-c", RUN, *arguments]
    surroundings = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(command, cwd=root, env=surroundings)
    until = time.monotonic() + 120
    while len(server.requests) < 5 and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    lines = (out / "making" / "replies.jsonl").read_bytes().splitlines(keepends=True)
    kept = {name for line in lines if line.endswith(b"\n") for name in json.loads(line)["about"]}
    assert kept
    before, server.latency_s = len(server.requests), 0.0
    done = subprocess.run(command, cwd=root, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    later = [f["id"] for r in server.requests[before:] for f in json.loads(user_text(r))["facts"]]
    assert not kept & set(later)
    assert max(Counter(later).values()) == 1
    os.environ["UNLEARNBENCH_CACHE"] += "-other"
    whole = make("whole", neighbours=6, never=3, for_attacks=True)
    assert whole.benchmark is not None
    assert load_benchmark(str(out)).facts == whole.benchmark.facts


REFUSED = {
    "no model": (["--paraphraser", "none", "--neighbours", "2"], "--neighbours: nobody-is-asked"),
    "table": (
        ["--paraphraser", "file:sample-facts", "--for-attacks"],
        "--for-attacks: nobody-is-asked: a model proposes them; give --paraphraser gemini",
    ),
    "base alone": (
        ["--paraphraser", "openai:m", "--base", "smollm2-135m"],
        "--base: nothing-to-ask: it is asked whether it knows proposed facts",
    ),
    "no such base": (
        ["--paraphraser", "openai:m", "--neighbours", "1", "--base", "no-such-model"],
        "no-such-model",
    ),
    "too many": (
        ["--paraphraser", "openai:m", "--neighbours", "51"],
        "--neighbours 51: too-many: at most 50 of each topic are proposed",
    ),
    "less than none": (["--paraphraser", "openai:m", "--never", "-1"], "'--never'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind: str, command_line: CommandLine, server: Knowing, tmp_path: Path) -> None:
    words, message = REFUSED[kind]
    done = command_line("make-benchmark", "sample-facts", "--out", tmp_path / "mine", *words)
    assert done.code == 2
    assert message in done.err
    assert server.requests == []
    assert not (tmp_path / "mine").exists()


def test_other_wishes_are_another_benchmark(make: Make) -> None:
    make()
    with pytest.raises(BenchmarkError, match="holds a benchmark with neighbours 2, now 3"):
        make(neighbours=3)
    with pytest.raises(BenchmarkError, match="with base base, now none; choose"):
        make(base=None)
    with pytest.raises(BenchmarkError, match="with for-attacks no, now yes; choose"):
        make(for_attacks=True)


@pytest.mark.parametrize("role", ["paraphraser", "second_reader"])
def test_objects_that_cannot_propose_are_refused(role: str, make: Make, tmp_path: Path) -> None:
    """Otherwise nothing would be proposed, or another reader asked, without a word."""
    definition = hasty(tmp_path / "object")
    given: object = make_second_reader(definition)
    if role == "paraphraser":
        given = make_paraphraser(definition)
    with pytest.raises(BenchmarkError, match=f"{role}: nobody-is-asked"):
        make("mine", 2, 0, **{role: given})
