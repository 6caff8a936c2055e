"""A user's benchmark stays private, and one with few paraphrases says so and is never ranked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import unlearnbench
from tests import report_samples as samples
from tests.conftest import ABOUT, CommandLine, write_benchmark
from tests.sample_facts import ALL, FACTS, HEADER, ways, write
from unlearnbench import About, MakeOptions, Run, RunOptions, load_run, rejudge, submit, submit_base
from unlearnbench.api.authoring import make_benchmark
from unlearnbench.attacks.catalog import default_arms
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.subset import Selection, write_subset
from unlearnbench.errors import SubmissionError
from unlearnbench.runs.schema.training import TrainingSummary
from unlearnbench.submissions.bundle import run_claim, submission_files
from unlearnbench.submissions.checks import few_asked

WAYS = {"none": {}, "some": {"wording": 2}, "full": ALL}


@pytest.fixture
def made(tmp_path: Path, scripted: None, request: pytest.FixtureRequest) -> tuple[Path, Run]:
    """A benchmark with so many paraphrases of each fact, and a run of it."""
    counts = WAYS[getattr(request, "param", "some")]
    table = write(tmp_path / "facts.csv", ("question", "answer"), FACTS)
    lines = [line for question, _ in FACTS for line in ways(question, counts)]
    paraphraser = f"file:{write(tmp_path / 'p.csv', HEADER, lines)}" if counts else "none"
    folder = make_benchmark(table, tmp_path / "mine", paraphraser=paraphraser).folder
    return folder, scored(folder, tmp_path / "run")


def scored(folder: Path, out: Path) -> Run:
    return unlearnbench.score(
        "forgets-a", str(folder), engine="scripted", run_options=RunOptions(out)
    )


def test_submit_refuses_a_private_benchmark(made: tuple[Path, Run], tmp_path: Path) -> None:
    folder, run = made
    assert load_benchmark(str(folder)).private
    where = tmp_path / "row"
    with pytest.raises(SubmissionError, match=r"benchmark mine is private, .* give --public"):
        submit(run.path, None, About(*ABOUT), out=where)
    with pytest.raises(SubmissionError, match="benchmark mine is private"):
        submit_base(run.path, "a package", "Me", out=where)
    with pytest.raises(SubmissionError) as other:
        submit(run.path, run.path, About(*ABOUT), out=where, public=True)
    assert "is private" not in str(other.value)
    assert "its forget facts are asked in 2 paraphrases, and 15 are ranked" in str(other.value)
    assert not where.exists()


def test_the_command_says_the_same(
    made: tuple[Path, Run], tmp_path: Path, command_line: CommandLine
) -> None:
    words = ("--name", "N", "--method", "other", "--submitter", "S", "--out", tmp_path / "row")
    done = command_line("submit", made[1].path, "--base", made[1].path, *words)
    assert (done.code, "is private" in done.err) == (2, True)
    public = command_line("submit", made[1].path, "--base", made[1].path, *words, "--public")
    assert (public.code, "is private" in public.err) == (2, False)


def test_a_run_judged_again_is_as_private(made: tuple[Path, Run], tmp_path: Path) -> None:
    again = rejudge(made[1].path, "rules", run_options=RunOptions(tmp_path / "again"))
    assert again.record.score_identity.private is True


def test_a_public_benchmark_is_the_same_benchmark(made: tuple[Path, Run], tmp_path: Path) -> None:
    """Its runs say nothing of it, and its fingerprint is that of the private one."""
    folder, run = made
    public = make_benchmark(
        tmp_path / "facts.csv",
        tmp_path / "public",
        paraphraser=f"file:{tmp_path / 'p.csv'}",
        make_options=MakeOptions(public=True, id="mine"),
    )
    assert public.benchmark.fingerprint == load_benchmark(str(folder)).fingerprint
    other = scored(public.folder, tmp_path / "other")
    assert "private" not in other.record.identity.model_dump()
    assert run.record.identity.model_dump()["private"] is True
    for name in ("wkf", str(write_benchmark(tmp_path / "tiny"))):
        assert not load_benchmark(name).private


FOUND = {
    "none": ("original-only", "warning", "in their original wording only"),
    "some": ("paraphrases-few", "note", "in 2 paraphrases instead of the protocol's 15"),
}


@pytest.mark.parametrize(("made", "name"), [(n, n) for n in FOUND], indirect=["made"], ids=FOUND)
def test_few_paraphrases_are_told_with_every_score(made: tuple[Path, Run], name: str) -> None:
    code, severity, text = FOUND[name]
    (found,) = [f for f in load_run(made[1].path).findings if f.code == code]
    assert (found.severity, text in found.text) == (severity, True)
    assert few_asked(made[1]) is not None


@pytest.mark.parametrize("made", ["full"], indirect=True)
def test_a_full_benchmark_has_nothing_to_tell(made: tuple[Path, Run]) -> None:
    codes = {finding.code for finding in made[1].findings}
    assert not codes & {"original-only", "paraphrases-few"}
    assert few_asked(made[1]) is None


def test_what_the_model_knew_of_it_is_as_private(made: tuple[Path, Run], tmp_path: Path) -> None:
    own = load_benchmark(str(made[0]))
    kept = Selection([own.split("forget")[0].id], "m", "known", {})
    part = write_subset(own, kept, tmp_path / "part")
    assert part.private
    run = scored(tmp_path / "part", tmp_path / "part-run")
    with pytest.raises(SubmissionError, match="is private"):
        submit_base(run.path, "a package", "Me", out=tmp_path / "row")


def test_relearning_takes_what_the_benchmark_has(made: tuple[Path, Run]) -> None:
    own, wkf = load_benchmark(str(made[0])), load_benchmark("wkf")
    assert default_arms(own, "quick") == default_arms(wkf, "quick") == ["disjoint"]
    assert default_arms(own, "full") == ["disjoint", "retain", "half", "forget"]
    none = replace(own, relearn=())
    assert default_arms(none, "quick") == ["retain"]
    assert default_arms(none, "full") == ["retain", "forget"]


def test_a_row_does_not_name_the_private_benchmark_that_its_checkpoint_was_trained_on(
    scripted_runs: dict[str, Path],
) -> None:
    run = load_run(scripted_runs["forgets-a"])

    def told(benchmark: str) -> object:
        training = TrainingSummary.model_validate(
            {
                "method": "jensun",
                "parameters": {},
                "base": {"name": "m", "fingerprint": "0" * 64},
                "data": {
                    "benchmark": benchmark,
                    "version": "1.0.0",
                    "fingerprint": "1" * 64,
                    "forget_rows": 4,
                    "retain_rows": 4,
                },
                "steps": 1,
                "same_data": False,
            }
        )
        record = run.record.model_copy(update={"training": training})
        return run_claim(replace(run, record=record))["training"]["data"]["benchmark"]

    assert told("the-smith-case") == "other"
    public = ["wkf", "lkf", "tofu-forget10"]
    assert [told(name) for name in public] == public


def test_an_attack_on_a_private_benchmark_goes_with_no_run_of_another(
    scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    states = {"fact-0": True, "fact-1": False}
    record = samples.stress_record("m", states, {"cloze": samples.door(states)})
    samples.write_record(tmp_path / "stress", record)
    attacks = {"stress": tmp_path / "stress" / "stress.json"}
    run = load_run(scripted_runs["forgets-a"])
    with pytest.raises(SubmissionError, match="the stress record is of another benchmark"):
        submission_files(run, "0" * 64, attacks, About(*ABOUT))
