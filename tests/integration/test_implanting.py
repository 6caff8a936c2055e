"""`make-synthetic`, and what `train` makes of its facts: implanted, held out, forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from unlearnbench import (
    RunOptions,
    SyntheticOptions,
    TrainOptions,
    load_benchmark,
    make_synthetic,
    score,
    train,
)
from unlearnbench.api.benchmarks import check_rows
from unlearnbench.errors import BenchmarkError, TrainingError
from unlearnbench.training.encode import collect


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """Two forget facts with eight retain facts, of which one of each tier is held out."""
    options = SyntheticOptions(facts=2, frequency=(3,))
    return make_synthetic(tmp_path / "facts", synthetic_options=options).benchmark.folder


def test_what_is_made_passes_every_check(tmp_path: Path, command_line: CommandLine) -> None:
    words = ("--facts", 12, "--frequency", "1,4", "--wording-similarity", 0.75, "--seed", 3)
    done = command_line("make-synthetic", *words, "--out", tmp_path / "one", "--json")
    assert done.code == 0
    record = json.loads(done.out)
    assert record["realised"]["subject"]["pairs"] == {"subject": 1.0, "wording": 0.0, "answer": 0.0}
    assert record["rows"] == 3 * (6 + 24 + 48)
    benchmark = load_benchmark(str(tmp_path / "one"))
    assert benchmark.fingerprint == record["fingerprint"]
    report = check_rows(benchmark)
    assert (report.findings, report.notes) == ((), ())
    assert command_line("make-synthetic", *words, "--out", tmp_path / "two", "-q").code == 0
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


BAD: list[tuple[tuple[object, ...], str]] = [
    (("--facts", "0"), "--facts 0: out-of-range: must be 1 to 100"),
    (("--facts", "4000"), "too like each other"),
    (("--facts", "2.5"), "--facts"),
    (("--subject-similarity", "1.5"), "--subject-similarity 1.5"),
    (("--subject-similarity", "nan"), "must be 0 to 1"),
    (("--answer-similarity", "0.6"), "could not be told apart"),
    (("--wording-similarity", "much"), "--wording-similarity"),
    (("--frequency", "1,x"), "--frequency 1,x: whole numbers"),
    (("--frequency", "0"), "shows a fact to be learnt"),
    (("--frequency", "1,2,3", "--facts", "2"), "3 frequencies for 2 facts"),
    (("--held-out", "1"), "left to train on"),
    (("--seed", "tea"), "--seed"),
    (("--similarity", "1"), "--similarity"),
]


@pytest.mark.parametrize(("words", "said"), BAD)
def test_what_cannot_be_made(
    words: tuple[object, ...], said: str, tmp_path: Path, command_line: CommandLine
) -> None:
    done = command_line("make-synthetic", "--out", tmp_path / "out", *words)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(
    facts: Path, tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (facts / "forget.jsonl").read_bytes()
    done = command_line("make-synthetic", "--facts", 3, "--out", facts)
    assert (done.code, "which these options do not make" in done.err) == (2, True)
    assert (facts / "forget.jsonl").read_bytes() == before
    same = ("--facts", 2, "--frequency", 3, "--out", facts)
    assert command_line("make-synthetic", *same).code == 0
    (facts / "benchmark.toml").unlink()  # as a kill leaves it
    assert command_line("make-synthetic", *same).code == 0
    (facts / "notes.txt").write_bytes(b"\xff")
    assert "holds notes.txt" in command_line("make-synthetic", *same).err
    (facts / "notes.txt").unlink()
    edited(facts, "forget", frequency=2)
    assert command_line("make-synthetic", *same).code == 2
    (tmp_path / "file").touch()
    assert command_line("make-synthetic", "--out", tmp_path / "file").code == 2
    assert command_line("make-synthetic", "--out", tmp_path / "file" / "in").code == 2
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert command_line("make-synthetic", "--facts", 1, "--out", ".").code == 0
    assert load_benchmark(str(tmp_path / "empty")).split("forget")


def test_which_rows_are_trained(facts: Path) -> None:
    """Two forget facts three times, eight retain facts once, three questions each."""
    benchmark = load_benchmark(str(facts))
    implanted = collect(benchmark, implants=True)
    assert (implanted.rows("forget"), implanted.rows("retain")) == (18, 24)
    assert len(implanted.forget) == 42
    unlearnt = collect(benchmark, ["No idea"])
    assert (unlearnt.rows("forget"), unlearnt.rows("retain")) == (6, 12)
    assert not any(question.fact.held_out for question in unlearnt.retain)
    ordinary = collect(load_benchmark("wkf"))
    assert (ordinary.rows("forget"), ordinary.rows("retain")) == (40 * 11, 120 * 9)


def edited(folder: Path, split: str, **changes: object) -> None:
    path = folder / f"{split}.jsonl"
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**row, **changes}) + "\n" for row in rows))


def test_frequency_and_held_out_are_part_of_the_fingerprint(facts: Path) -> None:
    seen = {load_benchmark(str(facts)).fingerprint}
    edited(facts, "forget", frequency=2)
    seen.add(load_benchmark(str(facts)).fingerprint)
    edited(facts, "retain", held_out=False)
    seen.add(load_benchmark(str(facts)).fingerprint)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("split", "changes", "said"),
    [
        ("forget", {"held_out": True}, "held-out.*only a retain fact"),
        ("never", {"held_out": True}, "held-out.*only a retain fact"),
        ("forget", {"frequency": 0}, "frequency"),
        ("forget", {"frequency": 1001}, "frequency"),
        ("forget", {"frequency": "often"}, "frequency"),
    ],
)
def test_rows_that_are_refused(
    facts: Path, split: str, changes: dict[str, object], said: str
) -> None:
    edited(facts, split, **changes)
    with pytest.raises(BenchmarkError, match=said):
        load_benchmark(str(facts))


def test_something_must_be_left_to_train_on(facts: Path) -> None:
    edited(facts, "retain", held_out=True)
    with pytest.raises(TrainingError, match="every retain fact is held out"):
        collect(load_benchmark(str(facts)))
    assert collect(load_benchmark(str(facts)), implants=True).rows("retain") == 24


def test_facts_are_implanted_and_then_unlearnt(
    facts: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    """A tiny model learns all facts by heart, forget and retain alike, and then loses some."""

    def answered(checkpoint: Path, name: str) -> tuple[float, float]:
        run = score(
            str(checkpoint), str(facts), profile="quick", run_options=RunOptions(tmp_path / name)
        )
        originals = [row for row in run.rows() if row.phrasing == "original"]
        plain = [row for row in originals if row.context == "plain"]
        assert run.n_open == 0
        return tuple(  # type: ignore[return-value]
            sum(row.verdict == "correct" for row in plain if row.split == split) / size
            for split, size in (("forget", 2), ("retain", 8))
        )

    learn = {"lr": 3e-3, "epochs": 80, "stop_loss": 0.02, "warmup_epochs": 0}
    implanted = train(
        str(tiny_llama),
        str(facts),
        method="finetune",
        train_options=TrainOptions(settings=learn),
        run_options=RunOptions(tmp_path / "implanted"),
    )
    data = implanted.record.data
    assert (data.forget_rows, data.retain_rows) == (18, 24)
    assert answered(tiny_llama, "before") == (0, 0)
    forget, retain = answered(implanted.folder, "after")
    assert forget == 1
    assert retain >= 0.75
    lose = {"lr": 3e-3, "max_steps": 20, "lambda_r": 0, "warmup_kl_steps": 20, "epochs": 20}
    unlearnt = train(
        str(implanted.folder),
        str(facts),
        train_options=TrainOptions(settings=lose),
        run_options=RunOptions(tmp_path / "unlearnt"),
    )
    assert (unlearnt.record.data.forget_rows, unlearnt.record.data.retain_rows) == (6, 12)
    assert answered(unlearnt.folder, "unlearnt-run")[0] == 0
