"""`known-by.csv`: what base runs answer, kept beside the benchmark, and what is said of topics."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from unlearnbench.api.known_by import write_known_by
from unlearnbench.api.submissions import accepted_bases, submit_base
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.contents import contents_of
from unlearnbench.benchmark.known_by import KnownBy, known_by_csv, read_known_by
from unlearnbench.errors import BenchmarkError, SubmissionError
from unlearnbench.paths import content_root
from unlearnbench.submissions.bases import read_base
from unlearnbench.submissions.known import known_row

ROW = KnownBy(
    model="some, model",
    checkpoint="a" * 64,
    source='OWNER/NAME@1 "main"',
    version="0.1.0",
    date="2026-11-27",
    judge="rules",
    judge_identity="b" * 12,
    profile="standard",
    facts=4,
    original=("forget-0", "forget-1"),
    reworded=("forget-3",),
)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    other = replace(ROW, model="another", original=(), reworded=())
    newer = replace(ROW, date="2026-12-01", reworded=())
    (tmp_path / "known-by.csv").write_text(known_by_csv([ROW, other, newer]), "utf-8")
    assert read_known_by(tmp_path) == (other, newer)
    assert read_known_by(tmp_path / "editions" / "0.0.1") == (other, newer)
    assert read_known_by(tmp_path / "elsewhere") == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model,checkpoint\nx,y\n",
        known_by_csv([ROW]).replace("a" * 64, "short"),
        known_by_csv([ROW]).replace(",4,", ",four,"),
        known_by_csv([ROW]) + "one,cell\n",
        "\ufffd\x00",
    ],
    ids=["empty", "columns", "fingerprint", "count", "cells", "bytes"],
)
def test_a_damaged_table_is_refused(text: str, benchmark_folder: Path) -> None:
    (benchmark_folder / "known-by.csv").write_text(text, "utf-8")
    with pytest.raises(BenchmarkError, match=r"known-by\.csv"):
        contents_of(load_benchmark(str(benchmark_folder)))


def test_show_prints_who_knows_what(benchmark_folder: Path, command_line: CommandLine) -> None:
    before = load_benchmark(str(benchmark_folder)).fingerprint
    rows = [ROW, replace(ROW, version="0.0.9", model="of another version")]
    (benchmark_folder / "known-by.csv").write_text(known_by_csv(rows), "utf-8")
    assert load_benchmark(str(benchmark_folder)).fingerprint == before
    shown = command_line("show", "benchmark", benchmark_folder)
    line = next(line for line in shown.out.splitlines() if "some, model" in line)
    assert [cell in line for cell in ("2 of 4", "3 of 4", "rules", "2026-11-27")] == [True] * 4
    assert "of another version" not in shown.out
    assert "answered by none of them: 1 forget facts (forget-2)" in shown.out
    record = json.loads(command_line("show", "benchmark", benchmark_folder, "--json").out)
    assert record["known_by"][0]["original"] == ["forget-0", "forget-1"]
    assert record["unknown"] == ["forget-2"]


def test_the_tables_that_ship_are_those_of_the_bases_that_ship() -> None:
    """Fails after new or newly judged bases: `unlearnbench leaderboard known-by`."""
    for folder in accepted_bases(None).folders:
        base = read_base(folder)
        table = read_known_by(content_root() / "benchmarks" / base.benchmark.id)
        assert known_row(base) in table, folder


def test_a_base_run_in_a_checkout_is_put_into_the_table(
    scripted_runs: dict[str, Path], tmp_path: Path, command_line: CommandLine
) -> None:
    checkout = tmp_path / "checkout"
    table = checkout / "benchmarks" / "wkf"
    table.mkdir(parents=True)
    shutil.copy(content_root() / "benchmarks" / "wkf" / "benchmark.toml", table)
    bases = checkout / "leaderboard" / "bases"
    for name, known in (("knows-all", 40), ("forgets-a", None)):
        submit_base(scripted_runs[name], "a package", "A. Tester", out=bases / name)
        row = next(row for row in read_known_by(table) if row.model == name)
        if known is not None:
            assert (len(row.original), row.reworded, row.facts) == (known, (), known)
    written = (table / "known-by.csv").read_bytes()
    (table / "known-by.csv").unlink()
    again = ("leaderboard", "known-by", "--bases", bases, "--out", checkout / "benchmarks")
    assert f"known by: {table / 'known-by.csv'}" in command_line(*again).out
    assert (table / "known-by.csv").read_bytes() == written


def test_a_base_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="no such folder"):
        write_known_by(tmp_path / "none", tmp_path)
    (tmp_path / "bases" / "bad").mkdir(parents=True)
    (tmp_path / "bases" / "bad" / "base.json").write_text("{}")
    with pytest.raises(SubmissionError, match="bad"):
        write_known_by(tmp_path / "bases", tmp_path)


def test_topics_say_what_is_forgotten(benchmark_folder: Path, command_line: CommandLine) -> None:
    toml = benchmark_folder / "benchmark.toml"
    plain, before = toml.read_text("utf-8"), load_benchmark(str(benchmark_folder)).fingerprint
    toml.write_text(f"{plain}[topics]\n", "utf-8")
    assert load_benchmark(str(benchmark_folder)).fingerprint == before
    toml.write_text(f'{plain}[topics]\nthings = "What things are called."\n', "utf-8")
    told = load_benchmark(str(benchmark_folder))
    assert (told.topics, told.fingerprint == before) == (
        {"things": "What things are called."},
        False,
    )
    assert (
        "things: What things are called." in command_line("show", "benchmark", benchmark_folder).out
    )
    toml.write_text(f'{plain}[topics]\nother = "Nothing."\n', "utf-8")
    with pytest.raises(BenchmarkError, match="other is no topic of a forget fact") as caught:
        load_benchmark(str(benchmark_folder))
    assert caught.value.rule == "unknown-topic"
