"""`make-benchmark` with models that paraphrase and read, and with a person who decides."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Printed
from tests.integration.test_paraphrasers import KEY, definition
from tests.judges_server import judges_server
from tests.paraphrases_server import ParaphrasesHandler, Paraphrasing, check_plainly
from unlearnbench.benchmark import load_benchmark
from unlearnbench.paraphrasing import finding
from unlearnbench.paraphrasing.candidates import Candidate, CandidateDoubt, CheckedCandidate
from unlearnbench.types import Fact

Make = Callable[..., Printed]
NUMBER = 3


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Paraphrasing]:
    """The server's texts are monotonous, so the plain checks of these tests read them."""
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setattr(finding, "check_candidates", check_plainly)
    how = Paraphrasing()
    with judges_server(how, ParaphrasesHandler) as address:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", address)
        yield how


@pytest.fixture
def make(tmp_path: Path, server: Paraphrasing, command_line: CommandLine) -> Make:
    folder = definition(tmp_path / "hasty", server)
    table = tmp_path / "facts.csv"
    rows = [f"Who built tower number {n} of Ur?,Builder{n}x" for n in range(NUMBER)]
    table.write_text("\n".join(["question,answer", *rows, ""]), "utf-8")

    def call(*more: str) -> Printed:
        words = ["--out", str(tmp_path / "mine"), "--quiet"]
        words += [] if "--paraphraser" in more else ["--paraphraser", str(folder)]
        return command_line("make-benchmark", str(table), *words, *more)

    return call


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def test_a_model_makes_a_whole_benchmark_and_is_paid_once(
    make: Make, server: Paraphrasing, tmp_path: Path
) -> None:
    done = make()
    assert done.code == 0, done.err
    assert "it carries profile standard in full" in done.out
    out = tmp_path / "mine"
    facts = load_benchmark(str(out)).split("forget")
    assert [len(fact.paraphrases) for fact in facts] == [15] * NUMBER
    assert [len(fact.train_paraphrases) for fact in facts] == [5] * NUMBER
    request = json.loads((out / "making" / "request.json").read_text())
    assert request["paraphraser"] == "hasty"
    assert request["second_reader"] == "hasty"
    assert len(request["readings"]) == 64
    assert "second reader hasty" in (out / "README.md").read_text("utf-8")
    before, paid = files(out), sum(server.calls.values())
    assert not [name for name, data in before.items() if KEY.encode() in data]
    assert make().code == 0
    assert files(out) == before
    assert sum(server.calls.values()) == paid


def test_a_dry_run_sends_nothing(make: Make, server: Paraphrasing, tmp_path: Path) -> None:
    done = make("--dry-run")
    assert done.code == 0, done.err
    assert "2 calls" in done.out
    assert "nothing was sent" in done.out
    assert not server.calls
    assert not (tmp_path / "mine").exists()


def test_without_a_second_reader_a_person_reads_everything(make: Make, tmp_path: Path) -> None:
    done = make("--second-reader", "none")
    assert done.code == 1
    assert "no benchmark yet" in done.out
    out = tmp_path / "mine"
    assert not (out / "benchmark.toml").exists()
    table = out / "review.csv"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["doubts"] for row in rows} == {
        "Was not read a second time: nobody has read it a second time"
    }
    for row in rows:
        row["decision"] = "accept"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    refused = make("--second-reader", "none")
    assert refused.code == 2
    assert "give --resume" in refused.err
    resumed = make("--second-reader", "none", "--resume")
    assert [len(f.paraphrases) for f in load_benchmark(str(out)).split("forget")] == [15] * NUMBER
    assert f"{len(rows)} accepted" in resumed.out
    assert not table.exists()


def test_what_the_money_does_not_reach_is_lacking(make: Make, tmp_path: Path) -> None:
    done = make("--max-cost", "0.000001")
    assert done.code == 1
    assert "--max-cost" in done.out
    assert "no benchmark yet: the same command asks for what is missing again" in done.out
    assert not (tmp_path / "mine" / "benchmark.toml").exists()
    assert make().code == 0


def test_what_came_into_doubt_leaves_no_benchmark_behind(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks of a later version may doubt what an earlier one let in."""
    assert make().code == 0
    out = tmp_path / "mine"
    whole = files(out)

    def strict(fact: Fact, candidates: list[Candidate], *_: object) -> list[CheckedCandidate]:
        return [CheckedCandidate(c, (CandidateDoubt("other-meaning", "may"),)) for c in candidates]

    with monkeypatch.context() as later:
        later.setattr(finding, "check_candidates", strict)
        done = make()
        assert done.code == 1
    assert {path.name for path in out.iterdir()} == {"making", "review.csv", "review.html"}
    assert make().code == 0
    same = {name: data for name, data in files(out).items() if "making" not in name}
    assert same == {name: data for name, data in whole.items() if "making" not in name}


def test_a_server_that_is_away_is_no_mistake_of_the_users(
    make: Make, server: Paraphrasing, tmp_path: Path
) -> None:
    server.fault_always = "503"
    done = make()
    assert done.code == 1
    assert "asks for what is missing again" in done.out
    assert not (tmp_path / "mine" / "benchmark.toml").exists()
    server.fault_always = None
    assert make().code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--paraphraser", "none", "--second-reader", "gemini"], "--second-reader is for models"),
        (["--paraphraser", "none", "--max-cost", "1"], "--max-cost is for models"),
        (["--paraphraser", "gemni"], "did you mean 'gemini'"),
        (["--paraphraser", "file:"], "give file:TABLE"),
        (["--second-reader", "gemni"], "did you mean 'gemini'"),
        (["--review", "none.csv"], "none.csv"),
    ],
    ids=["reader", "cost", "paraphraser", "file", "second", "review"],
)
def test_what_cannot_be_made(words: list[str], said: str, make: Make, server: Paraphrasing) -> None:
    done = make(*words)
    assert not server.calls
    assert done.code == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
