"""Indirect questions that a model proposes: over the real SDKs, with every fault."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.integration.test_proposed_facts import hasty, table_in
from tests.judges_server import judges_server, user_text
from tests.paraphrases_server import check_plainly
from tests.proposals_server import INDIRECT_FAULTS, Knowing, KnowingHandler, sample_indirect
from tests.sample_facts import BLOOD, SPAIN
from unlearnbench.api.authoring import estimate_making, make_benchmark
from unlearnbench.api.making import MadeBenchmark
from unlearnbench.benchmark import load_benchmark
from unlearnbench.errors import BenchmarkError
from unlearnbench.paraphrasing import finding
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types.authoring import MakeOptions

Make = Callable[..., MadeBenchmark]
MANZANARES, MUSEUM, SQUARE = (r["indirect"] for r in sample_indirect() if r["question"] == SPAIN)
CHAMBERS, DOCTOR, CHEST = (r["indirect"] for r in sample_indirect() if r["question"] == BLOOD)
ALL = [MANZANARES, MUSEUM, SQUARE, CHAMBERS, DOCTOR, CHEST]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Knowing]:
    how = Knowing()
    monkeypatch.setattr(finding, "check_candidates", check_plainly)
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sekret-0123456789")
    with judges_server(how, KnowingHandler) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield how


@pytest.fixture
def make(server: Knowing, tmp_path: Path) -> Make:
    """Make a benchmark of two sample facts, with rows for attacks."""
    table, by = table_in(tmp_path), hasty(tmp_path / "hasty")

    def call(out: str = "mine", **more: Any) -> MadeBenchmark:
        options = MakeOptions(for_attacks=True, **more.pop("options", {}))
        more = {"paraphraser": by, **more}
        return make_benchmark(table, tmp_path / out, make_options=options, **more)

    return call


def questions(made: MadeBenchmark) -> list[str]:
    assert made.benchmark is not None
    return [row.question for row in made.benchmark.indirect]


def asked(server: Knowing, field: str) -> list[dict[str, Any]]:
    """The items that hold a field."""
    every = (fact for r in server.requests for fact in json.loads(user_text(r))["facts"])
    return [fact for fact in every if field in fact]


def waiting(folder: Path) -> list[dict[str, str]]:
    with (folder / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if row["purpose"] == "indirect"]


def decide(folder: Path, decision: str, text: str = "") -> None:
    """Decide alike about every row."""
    path = folder / "review.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [{**row, "decision": decision, "text": text} for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_a_benchmark_that_carries_strict(make: Make, server: Knowing, tmp_path: Path) -> None:
    made = make()
    assert questions(made) == ALL
    assert made.report.strict == "it carries profile strict"
    assert "It carries profile strict." in (tmp_path / "mine" / "README.md").read_text("utf-8")
    assert made.report.proposed["indirect"].kept == 6
    assert made.report.proposed["indirect"].missing == {}
    benchmark = load_benchmark(str(tmp_path / "mine"))
    plan = make_plan(benchmark, get_profile("strict"), "chat")
    assert sum(probe.key.context == "indirect" for probe in plan.probes) == 6
    assert benchmark.indirect[0].source.claim == "It belongs to it."
    told = asked(server, "told")
    assert {item["question"] for item in told} == set(ALL)
    assert {item["told"]["answer"] for item in told} == {"Madrid", "heart"}
    # Neither the untold reader nor the told one ever sees the answer of an indirect question.
    assert all("Manzanares" not in json.dumps(item) for item in (*told, *asked(server, "asked")))


@pytest.mark.parametrize("fault", INDIRECT_FAULTS[:3])
def test_a_model_that_always_errs_gives_none(make: Make, server: Knowing, fault: str) -> None:
    server.fault_always, server.only = fault, "follows_from"
    made = make()
    assert questions(made) == []
    part = made.report.proposed["indirect"]
    assert part.kept == 0
    assert part.left_out or part.in_doubt
    assert "it has no indirect.jsonl; give `unlearnbench make-benchmark`" in made.report.strict


def test_a_reader_that_is_told_the_fact_and_answers_otherwise(
    make: Make, server: Knowing, tmp_path: Path
) -> None:
    server.disagrees = {MUSEUM}
    made = make()
    assert questions(made) == [MANZANARES, SQUARE, CHAMBERS, DOCTOR, CHEST]
    (row,) = waiting(tmp_path / "mine")
    assert row["candidate"].startswith(f"{MUSEUM} — Reina Sofía | ")
    assert "a second reader that is told the fact answers 'Atlantis'" in row["doubts"]
    again = [i for i in asked(server, "follows_from") if "told the fact" in json.dumps(i["avoid"])]
    assert again  # asked for again with the reason
    decide(tmp_path / "mine", "accept")
    resumed = make(resume=True)
    assert sorted(questions(resumed)) == sorted(ALL)
    assert not (tmp_path / "mine" / "review.csv").exists()
    assert make().benchmark == resumed.benchmark  # what was decided stays decided


def test_what_is_answered_without_the_fact_waits(
    make: Make, server: Knowing, tmp_path: Path
) -> None:
    """The reader does not know the fact, and gives the answer all the same."""
    server.guesses = {CHAMBERS: "four"}
    made = make()
    assert questions(made) == [MANZANARES, MUSEUM, SQUARE, DOCTOR, CHEST]
    (row,) = waiting(tmp_path / "mine")
    assert "Can be answered without the fact" in row["doubts"]
    decide(tmp_path / "mine", "strike")
    struck = make(resume=True)
    assert CHAMBERS not in questions(struck)
    assert struck.report.proposed["indirect"].left_out["struck"] == 1
    assert struck.report.review.struck == 0  # that counts paraphrases


def test_who_knows_the_fact_may_answer_untold(make: Make, server: Knowing) -> None:
    server.guesses = {CHAMBERS: "four", BLOOD: "The heart."}
    made = make()
    assert questions(made) == ALL
    assert made.doubtful == ()


@pytest.mark.parametrize("field", ["told", "asked"])
def test_a_reader_that_cannot_be_reached_leaves_all_to_a_person(
    make: Make, server: Knowing, field: str, tmp_path: Path
) -> None:
    server.fault_always, server.only = "503", field
    made = make()
    assert questions(made) == []
    assert made.report.proposed["indirect"].in_doubt == len(waiting(tmp_path / "mine")) == 6
    assert len(asked(server, "follows_from")) == 2  # nobody could tell: no reason to ask again


def test_without_a_second_reader_each_waits(make: Make, tmp_path: Path) -> None:
    made = make(second_reader="none")
    assert made.benchmark is None  # paraphrases wait as well
    assert len(waiting(tmp_path / "mine")) == 6


def test_it_cannot_be_mended_in_the_review(make: Make, server: Knowing, tmp_path: Path) -> None:
    server.disagrees = {MUSEUM}
    make()
    page = (tmp_path / "mine" / "review.html").read_text("utf-8")
    assert page.count('value="mend" disabled') == page.count("<dt>Indirect question</dt>") == 1
    decide(tmp_path / "mine", "mend", "Which museum has it?")
    with pytest.raises(BenchmarkError, match=r"table of them \(--indirect\)"):
        make(resume=True)


def test_a_third_of_all_calls_fails_and_nothing_changes(
    make: Make, server: Knowing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make("first")
    server.fault_rate = 0.33
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "other"))
    made = make("mine")
    assert made.benchmark is not None and first.benchmark is not None
    assert made.benchmark.indirect == first.benchmark.indirect


def test_only_facts_without_rows_of_their_own_are_proposed_for(
    make: Make, server: Knowing, tmp_path: Path
) -> None:
    table = tmp_path / "indirect.csv"
    lines = ["question,indirect,answer", f'{SPAIN},"{MANZANARES}",Manzanares']
    table.write_text("\n".join(lines), "utf-8")
    made = make(options={"indirect": str(table)})
    assert questions(made) == [MANZANARES, CHAMBERS, DOCTOR, CHEST]
    assert {item["follows_from"]["question"] for item in asked(server, "follows_from")} == {BLOOD}
    proposed = made.report.proposed
    assert (proposed["own-indirect"].kept, proposed["indirect"].kept) == (1, 3)


def test_the_same_again_pays_for_nothing_and_the_cost_is_told_before(
    make: Make, server: Knowing, tmp_path: Path
) -> None:
    by = hasty(tmp_path / "priced", price=True)
    options = MakeOptions(for_attacks=True)
    table = tmp_path / "facts.csv"
    with_indirect = estimate_making(table, tmp_path / "a", paraphraser=by, make_options=options)
    assert server.requests == []
    bare = tmp_path / "own.csv"
    rows = [f'{SPAIN},"{MANZANARES}",Manzanares', f'{BLOOD},"{CHAMBERS}",4']
    bare.write_text("\n".join(["question,indirect,answer", *rows]), "utf-8")
    own = MakeOptions(for_attacks=True, indirect=str(bare))
    without = estimate_making(table, tmp_path / "a", paraphraser=by, make_options=own)
    assert with_indirect.calls > without.calls > 0
    assert (with_indirect.dollars or 0) > (without.dollars or 0)
    made = make(paraphraser=by)
    before = len(server.requests)
    assert make(paraphraser=by).benchmark == made.benchmark
    assert len(server.requests) == before
    limited = make("limited", paraphraser=by, max_cost=1e-9)  # all of it was paid for
    assert questions(limited) == questions(made)


def test_the_command_line_says_what_is_kept(
    server: Knowing, tmp_path: Path, command_line: CommandLine
) -> None:
    by, server.guesses = hasty(tmp_path / "hasty"), {CHAMBERS: "four"}
    words = ("--paraphraser", by, "--for-attacks", "--out", tmp_path / "mine")
    done = command_line("make-benchmark", table_in(tmp_path), *words)
    assert done.code == 0
    assert "proposed and kept: 5 indirect questions; in doubt: 1, accept or strike" in done.out
    assert "- it carries profile strict\n" in done.out
