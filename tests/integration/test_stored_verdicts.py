"""A run that is read back: only verdicts that were given, on what is stored, count."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.integration.test_runs import Knows, job
from unlearnbench import load_run
from unlearnbench.errors import RunError
from unlearnbench.judging.replay import ReplayJudge
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.protocol.evaluate import evaluate
from unlearnbench.types import Completion, Failure, Judgement, Probe, Sampling

Line = dict[str, Any]


def silent(stage: str, done: int) -> None:
    """No progress."""


def finished(benchmark: Path, out: Path) -> Path:
    evaluate(job(benchmark, out, Knows(), RulesJudge()), silent)
    assert load_run(out).n_open == 0
    return out


def change(path: Path, number: int, edit: Callable[[Line], object]) -> Line:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    edit(lines[number])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return lines[number]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda v: v.update(judge="f" * 64), "another judge's"),
        (lambda v: v.update(judge=None), "judge is no text"),
        (lambda v: v.update(verdict="Incorrect"), "is none of correct, incorrect"),
        (lambda v: v.update(verdict="unknown"), "is none of correct, incorrect"),
        (lambda v: v.update(verdict=""), "is none of correct, incorrect"),
        (lambda v: v.update(verdict=None), "verdict is no text"),
        (lambda v: v.update(verdict=False), "verdict is no text"),
        (lambda v: v.update(verdict=["incorrect"]), "verdict is no text"),
        (lambda v: v.pop("verdict"), "verdict is no text"),
        (lambda v: v.pop("response_sha256"), "response_sha256 is no text"),
        (lambda v: v.update(response_sha256="0" * 64), "given on another answer"),
        (lambda v: v.update(raw={"a": 1}), "raw is no text"),
        (lambda v: v.update(error="the judge broke"), "the judge broke"),
        (lambda v: v.update(error=None), "None"),
    ],
)
@pytest.mark.parametrize("verdict", ["correct", "incorrect"])
def test_what_is_no_verdict_of_this_judge_is_open_and_is_judged_again(
    benchmark_folder: Path,
    tmp_path: Path,
    verdict: str,
    edit: Callable[[Line], object],
    reason: str,
) -> None:
    out = finished(benchmark_folder, tmp_path / "run")

    def both(line: Line) -> None:
        line["verdict"] = verdict
        edit(line)

    change(out / "outcomes.jsonl", 0, both)
    run = load_run(out)
    assert run.n_open == 1
    assert reason in run.failures[0].error
    assert run.scores["retain.mean"].n_open + run.scores["forget.original"].n_open <= 1
    evaluate(job(benchmark_folder, out, Knows(), RulesJudge()), silent)
    assert load_run(out).n_open == 0
    assert load_run(out).scores["forget.worst_case"].value == 1.0


@pytest.mark.parametrize(
    "edit",
    [
        lambda c: c.update(text=None),
        lambda c: c.update(text=7),
        lambda c: c.pop("text"),
        lambda c: c.update(finish_reason="gone"),
        lambda c: c.update(finish_reason=["stop"]),
        lambda c: c.update(n_tokens=-1),
        lambda c: c.update(n_tokens=True),
        lambda c: c.update(token_ids="12"),
        lambda c: c.update(token_ids=[1, None]),
        lambda c: c.update(thoughts=1),
    ],
)
def test_an_answer_that_cannot_be_read_is_open_and_is_generated_again(
    benchmark_folder: Path, tmp_path: Path, edit: Callable[[Line], object]
) -> None:
    out = finished(benchmark_folder, tmp_path / "run")
    change(out / "completions.jsonl", 0, edit)
    run = load_run(out)
    assert run.n_open == 1
    assert "cannot be read" in run.failures[0].error
    evaluate(job(benchmark_folder, out, Knows(), RulesJudge()), silent)
    assert load_run(out).n_open == 0


@pytest.mark.parametrize("name", ["completions", "outcomes"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda line: line.pop("fact"),
        lambda line: line.update(phrasing=3),
        lambda line: line.update(context="plainly"),
        lambda line: line.update(sample="0"),
        lambda line: line.update(sample=0.0),
        lambda line: line.clear(),
    ],
)
def test_a_line_without_a_key_names_its_place(
    benchmark_folder: Path, tmp_path: Path, name: str, edit: Callable[[Line], object]
) -> None:
    out = finished(benchmark_folder, tmp_path / "run")
    change(out / f"{name}.jsonl", 1, edit)
    with pytest.raises(RunError, match=rf"{name}\.jsonl:2: damaged line"):
        load_run(out)


def test_a_later_verdict_stands_where_an_earlier_one_does_not_count(
    benchmark_folder: Path, tmp_path: Path
) -> None:
    out = finished(benchmark_folder, tmp_path / "run")
    path = out / "outcomes.jsonl"
    first = path.read_text("utf-8").splitlines()[0]
    strange = json.dumps({**json.loads(first), "judge": "f" * 64, "verdict": "incorrect"})
    path.write_text(strange + "\n" + path.read_text("utf-8"), "utf-8")
    assert load_run(out).n_open == 0
    assert load_run(out).scores["forget.worst_case"].value == 1.0
    contrary = json.dumps({**json.loads(first), "verdict": "incorrect"})
    path.write_text(path.read_text("utf-8") + contrary + "\n", "utf-8")
    assert load_run(out).scores["forget.worst_case"].value == 1.0


def test_replay_hands_out_only_verdicts_of_the_run_it_replays(
    benchmark_folder: Path, tmp_path: Path
) -> None:
    out = finished(benchmark_folder, tmp_path / "run")
    whole = ReplayJudge(str(out))
    again = tmp_path / "again"
    evaluate(job(benchmark_folder, again, Knows(), whole), silent)  # type: ignore[arg-type]
    assert load_run(again).n_open == 0
    assert {j.judge for j in load_run(again).judgements.values() if isinstance(j, Judgement)} == {
        whole.identity
    }
    change(out / "outcomes.jsonl", 0, lambda v: v.update(judge="f" * 64))
    other = tmp_path / "other"
    evaluate(job(benchmark_folder, other, Knows(), ReplayJudge(str(out))), silent)  # type: ignore[arg-type]
    assert load_run(other).n_open == 1


class Deaf(Knows):
    """Answers no forget question."""

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        for probe in block:
            text = "No idea." if probe.split == "forget" else f"It is {probe.answer}."
            yield Completion(probe.key, text, "stop", 4)


@pytest.mark.parametrize(
    ("engine", "verdict", "worst"),
    [(Knows(), "incorrect", 1.0), (Deaf(), "correct", 0.0)],
    ids=["knowledge called forgotten", "forgetting called knowledge"],
)
def test_an_edited_verdict_is_not_believed_and_is_given_again(
    benchmark_folder: Path,
    tmp_path: Path,
    engine: Knows,
    verdict: str,
    worst: float,
) -> None:
    out = tmp_path / "run"
    evaluate(job(benchmark_folder, out, engine, RulesJudge()), silent)
    path = out / "outcomes.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    wrong = [row for row in rows if row["verdict"] != verdict]
    for row in wrong:
        row["verdict"] = verdict
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    run = load_run(out)
    assert run.n_open == len(wrong) > 0
    assert "derived again as" in run.failures[0].error
    score = run.scores["forget.worst_case"]
    assert score.low <= worst <= score.high
    evaluate(job(benchmark_folder, out, engine, RulesJudge()), silent)
    healed = load_run(out)
    assert healed.scores["forget.worst_case"].value == worst
    assert "verdicts-changed" in [finding.code for finding in run.findings]
    assert "verdicts-changed" not in [finding.code for finding in healed.findings]


@pytest.mark.parametrize(
    ("name", "identity", "says"),
    [
        ("rules", "f" * 64, "judge rules was another version"),
        ("mine", "f" * 64, "judge mine is not one that ships"),
        ("/tmp/judge", "f" * 64, "is not one that ships"),
        ("x" * 5000, "f" * 64, f"judge {'x' * 60} is not one that ships"),
        ("\u202erules", "f" * 64, "judge [U+202E]rules is not one that ships"),
        ("replay:/tmp", "f" * 64, "is not one that ships"),
        ("local:m", "f" * 64, "is not one that ships"),
        ("openai:", "f" * 64, "is not one that ships"),
        ("openai:some-model", "f" * 64, "was another version"),
    ],
)
def test_verdicts_that_cannot_be_derived_again_are_said_to_be_believed(
    benchmark_folder: Path, tmp_path: Path, name: str, identity: str, says: str
) -> None:
    out = finished(benchmark_folder, tmp_path / "run")
    record = json.loads((out / "run.json").read_text("utf-8"))
    record["identity"] |= {"judge": name, "judge_identity": identity}
    (out / "run.json").write_text(json.dumps(record), "utf-8")
    path = out / "outcomes.jsonl"
    old = RulesJudge().identity
    path.write_text(path.read_text("utf-8").replace(old, identity), "utf-8")
    run = load_run(out)
    assert run.n_open == 0
    (found,) = [f for f in run.findings if f.code == "verdicts-underived"]
    assert says in found.text
    untouched = load_run(finished(benchmark_folder, tmp_path / "other"))
    assert "verdicts-underived" not in [finding.code for finding in untouched.findings]


def test_every_reader_says_that_verdicts_were_edited(
    scripted_runs: dict[str, Path], tmp_path: Path, command_line: CommandLine
) -> None:
    run = Path(shutil.copytree(scripted_runs["limited"], tmp_path / "run"))
    path = run / "outcomes.jsonl"
    path.write_text(path.read_text("utf-8").replace('"correct"', '"incorrect"'), "utf-8")
    says = "derived again as"
    shown = command_line("show", "run", run)
    assert (shown.code, says in shown.out) == (1, True)
    record = json.loads(command_line("compare", scripted_runs["limited"], run, "--json").out)
    assert says in json.dumps(record)
    says = "stored verdicts do not follow from the answers or replies beside them"
    assert says in shown.out.replace("\n", " ")
    out = tmp_path / "page.html"
    page = command_line("report", run, "--out", out)
    assert says in out.read_text("utf-8")
    assert (page.code, f"{record['runs'][1]['n_open']} probes" in page.out) == (1, True)
