"""Two runs side by side, juries, the profile for never-known facts, stored calibrations."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import CommandLine, write_benchmark
from tests.integration.test_runs import Knows
from tests.scripted import begun
from unlearnbench.api.corrections import corrections
from unlearnbench.benchmark import load_benchmark
from unlearnbench.errors import BenchmarkError, RunError
from unlearnbench.interfaces import Judge
from unlearnbench.judging.calibrations import markdown_table, stored_results
from unlearnbench.judging.jury import JuryJudge
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.paths import content_root
from unlearnbench.protocol.evaluate import Job, evaluate
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.pair import compare_pair
from unlearnbench.runs.run import Run, load_run
from unlearnbench.types import JudgeItem, Judgement, Sampling, Setting


class Strict(RulesJudge):
    """Finds nothing in the facts it is told to be blind for."""

    def __init__(self, name: str, blind: set[str]) -> None:
        self.name, self.blind = name, blind

    @property
    def identity(self) -> str:
        return self.name

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        for found in super().judge(items):
            blind = found.key.fact in self.blind
            yield replace(found, verdict="incorrect") if blind else found


def judged(folder: Path, benchmark: Path, judge: Judge, profile: str = "standard") -> Run:
    plan = make_plan(load_benchmark(str(benchmark)), get_profile(profile), "chat")
    asked: dict[str, Setting | None] = {
        "benchmark": "tiny",
        "benchmark_version": "0.1.0",
        "benchmark_fingerprint": "b" * 64,
        "profile": profile,
        "profile_fingerprint": "a" * 64,
        "seed": 0,
        "limit": None,
        "engine": "knows",
        "prompt_format": "chat",
    }
    record = begun(Knows(), judge, plan, **asked)
    job = Job(plan, Knows(), judge, Sampling(), RunFolder(folder), record)
    evaluate(job, lambda stage, done: None)
    return load_run(folder)


def test_two_judges_on_the_same_answers(
    benchmark_folder: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    one = judged(tmp_path / "one", benchmark_folder, RulesJudge())
    two = judged(tmp_path / "two", benchmark_folder, Strict("strict", {"forget-1", "retain-0"}))
    found = compare_pair(one, two)
    assert found.same_answers
    assert found.n_shared == 4 * 32 + 5 * 7
    assert len(found.flips) == 32 + 7
    assert {flip.key.fact for flip in found.flips} == {"forget-1", "retain-0"}
    assert found.kappa == 0.0  # one of the judges always says the same: no more than chance
    worst = found.differences["forget.worst_case"]
    assert (worst.both, worst.first_only, worst.second_only) == (3, ("forget-1",), ())
    command = [sys.executable, "-m", "unlearnbench", "compare", str(one.path), str(two.path)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)["flips"]) == 39
    shown = command_line("compare", one.path, two.path)
    assert shown.code == 0, shown.err
    assert "39 of 163 verdicts differ" in " ".join(shown.out.split())
    assert "leak in the first only: forget-1" in shown.out


def test_runs_of_other_questions_are_not_compared(tmp_path: Path) -> None:
    one = judged(tmp_path / "1", write_benchmark(tmp_path / "a", forget=2), RulesJudge())
    two = judged(tmp_path / "2", write_benchmark(tmp_path / "b", forget=3), RulesJudge())
    with pytest.raises(RunError, match="same probes"):
        compare_pair(one, two)


def test_a_jury_shows_where_it_disagrees(
    benchmark_folder: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    members = [RulesJudge(), Strict("a", {"forget-0"}), Strict("b", {"forget-0", "forget-1"})]
    run = judged(tmp_path / "run", benchmark_folder, JuryJudge("jury", members, "majority"))
    assert run.scores["forget.worst_case"].value == 0.75  # forget-0: two of three are blind
    done = command_line("show", "run", run.path, "--jury", "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert {row["fact"] for row in record["disagreements"]} == {"forget-0", "forget-1"}
    assert len(record["disagreements"]) == 64
    assert -1 <= record["fleiss_kappa"] <= 1
    assert record["krippendorff_alpha"] == pytest.approx(record["fleiss_kappa"], abs=0.01)
    alone = judged(tmp_path / "alone", benchmark_folder, RulesJudge())
    refused = command_line("show", "run", alone.path, "--jury", "--json")
    assert refused.code == 2
    assert "not judged by a jury" in refused.err


def test_profile_never_asks_invented_facts_only(benchmark_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no-facts"):
        make_plan(load_benchmark(str(benchmark_folder)), get_profile("never"), "chat")
    rows = (benchmark_folder / "forget.jsonl").read_text().replace("forget", "never")
    (benchmark_folder / "never.jsonl").write_text(rows)
    with (benchmark_folder / "benchmark.toml").open("a") as file:
        file.write('[splits.never]\nfile = "never.jsonl"\nparaphrases = 15\n')
    blind = Strict("strict", {"never-1", "never-2", "never-3"})
    run = judged(tmp_path / "run", benchmark_folder, blind, "never")
    assert set(run.scores) == {"fluency", "never.mean", "never.worst_case"}
    assert run.scores["never.worst_case"].value == 0.25
    assert run.scores["never.mean"].n == 4 * 32


def test_a_score_is_corrected_only_for_the_judge_that_was_measured(
    benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = judged(tmp_path / "run", benchmark_folder, RulesJudge())
    shipped = content_root() / "judges" / "results" / "rules-general.json"
    record = {
        **json.loads(shipped.read_text("utf-8")),
        "identity": RulesJudge().identity,
        "tuned": False,
    }
    record |= {"sensitivity": 1.0, "sensitivity_n": 100, "specificity": 1.0, "specificity_n": 100}
    (tmp_path / "judges" / "results").mkdir(parents=True)
    (tmp_path / "judges" / "results" / "rules.json").write_text(json.dumps(record))
    monkeypatch.setattr("unlearnbench.judging.calibrations.content_root", lambda: tmp_path)
    found = corrections(run)
    assert set(found) == {f"forget.{n}" for n in ("original", "paraphrase", "icr", "worst_case")}
    assert found["forget.worst_case"].value == 1.0
    other = judged(tmp_path / "other", benchmark_folder, Strict("unmeasured", set()))
    assert corrections(other) == {}


def test_the_table_of_judges_is_made_from_stored_results() -> None:
    text = (content_root() / "judges" / "README.md").read_text("utf-8")
    shown = text.partition("<!-- table -->")[2].partition("<!-- /table -->")[0].strip()
    assert shown == markdown_table()


def test_stored_results_of_the_rules_are_of_these_rules() -> None:
    """Changed rules must be measured again before their figures are shown."""
    mine = [r for r in stored_results() if r.record.judge == "rules"]
    assert mine
    assert {r.identity for r in mine} == {RulesJudge().identity}
