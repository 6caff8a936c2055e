"""Ordinary faults leave with 2 and a cause: files in a wrong place or shape, streams, text."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import report_samples as samples
from tests.conftest import CommandLine
from unlearnbench.benchmark import load_benchmark
from unlearnbench.cli.faults import ordinary
from unlearnbench.errors import BenchmarkError, RunError, UnreadableError
from unlearnbench.files import reading
from unlearnbench.runs.attacks import read_finished, read_stress
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.schema.run import Purpose
from unlearnbench.runs.stored import load_judged


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "unlearnbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


# The one reader.

SHAPES: dict[str, tuple[bytes, str]] = {
    "twice": (b'{"a": 1, "b": 2, "a": 3}', "'a' appears twice"),
    "deep": (b"[" * 100_000 + b"]" * 100_000, "nested deeper than 64"),
    "deep, open": (b'{"a":' * 5000, "nested deeper than 64"),
    "long number": (b'{"a": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
    "large number": (b'{"a": 1e999}', "too large a number"),
    "no number": (b'{"a": NaN}', "NaN is not a number"),
    "half a character": (b'{"a": "\\ud800"}', "half of a character"),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
    "nothing": (b"", "not JSON"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_json_is_refused_with_file_and_fault(name: str, tmp_path: Path) -> None:
    data, fault = SHAPES[name]
    path = tmp_path / "file.json"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=fault) as caught:
        reading.read_object(path)
    assert caught.value.where == str(path)


def test_brackets_in_strings_are_no_depth() -> None:
    assert reading.parse_json(json.dumps({"a": '\\"[' * 500}), "x")["a"].count("[") == 500
    assert reading.parse_json("[" * 64 + "]" * 64, "x")


def test_records_of_ours_may_hold_what_happened() -> None:
    found = reading.parse_json('{"loss": NaN, "path": "\\udcff"}', "x", lenient=True)
    assert found["loss"] != found["loss"]
    assert found["path"] == "\udcff"


def test_a_byte_order_mark_is_dropped(benchmark_folder: Path) -> None:
    before = load_benchmark(str(benchmark_folder)).fingerprint
    for path in benchmark_folder.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_benchmark(str(benchmark_folder)).fingerprint == before


def test_a_doubled_key_in_a_row_is_named(benchmark_folder: Path) -> None:
    rows = benchmark_folder / "forget.jsonl"
    text = rows.read_text().split("\n")
    text[1] = text[1].replace('"answer":', '"answer": "Another", "answer":')
    rows.write_text("\n".join(text))
    with pytest.raises(BenchmarkError, match=r"forget.jsonl:2: invalid-json: .*'answer' appears"):
        load_benchmark(str(benchmark_folder))


# What may lie where a file should.

Place = Callable[[Path], object]
PLACES: dict[str, Place] = {
    "folder": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "circle of links": lambda path: path.symlink_to(path),
    "empty": lambda path: path.touch(),
}


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("run.json", ("show", "run", ".")),
        ("run.json", ("judge", ".", "--judge", "rules")),
        ("stress.json", ("report", ".")),
        ("benchmark.toml", ("show", "benchmark", ".")),
        ("judge.toml", ("calibrate", "./.")),
        ("items.jsonl", ("calibrate", "rules", "--items", "items.jsonl")),
        ("log.json", ("tofu", "nowhere", "--retain-log", "log.json")),
    ],
)
def test_something_else_in_a_files_place(
    kind: str, name: str, command: tuple[str, ...], tmp_path: Path, in_process: Any
) -> None:
    PLACES[kind](tmp_path / name)
    code, error = in_process(*command)
    assert (code, len(error.splitlines())) == (2, 1), error
    assert "Traceback" not in error


@pytest.fixture
def in_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> Callable[..., tuple[int, str]]:
    """The command line in a folder of its own; its exit code and what it says of its error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str]:
        printed = command_line(*arguments)
        return printed.code, printed.err.strip()

    return call


MISTAKES = [
    (("show", "benchmark", "{here}"), "no benchmark.toml"),
    (("show", "benchmark", ""), "unknown-benchmark"),
    (("train", "--benchmark", "wkf", "--benchmark", "lkf"), "--benchmark is given 2 times"),
    (("score", "x", "--judge", "rules", "--judge=rules"), "--judge is given 2 times"),
    (("score", "x", "--batch-size", "9" * 5000), "--batch-size"),
    (("leaderboard", "serve", "--port", "65536"), "--port"),
    (("leaderboard", "serve", "--port", "-1"), "--port"),
    (("show", "run", "x" * 5000), "shorter path"),
    (("show", "run", "a\nb\x1b[31m"), "[U+001B]"),
    (("score", "[/red]"), "[/red]"),
    (("train", "--base", "x", "--method", "[/]"), "'[/]'"),
    (("judge", "{here}", "--judge", "rules"), "not a run folder"),
]


@pytest.mark.parametrize(("arguments", "says"), MISTAKES, ids=lambda x: str(x)[:40])
def test_a_mistake(arguments: tuple[str, ...], says: str, tmp_path: Path, in_process: Any) -> None:
    code, error = in_process(*(a.replace("{here}", str(tmp_path)) for a in arguments))
    assert (code, len(error.splitlines())) == (2, 1), error
    assert says in error


def test_a_port_in_use(tmp_path: Path, in_process: Any) -> None:
    import socket

    (tmp_path / "index.html").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, error = in_process("leaderboard", "serve", ".", "--port", str(taken.getsockname()[1]))
    assert (code, "choose another" in error) == (2, True), error


# What is stored of a run.


@pytest.fixture
def stored(scripted_runs: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(scripted_runs["limited"], tmp_path / "run"))


def test_every_field_of_a_run_is_needed_or_not(stored: Path) -> None:
    """Each field taken away or mistaken is named, or nothing asks for it."""
    path = stored / "run.json"
    whole = json.loads(path.read_text())
    named: set[str] = set()
    for part in (None, "identity", "generator", "judge"):
        for name in whole if part is None else whole[part]:
            for value in ("absent", None, {"a": 1}, "word", 10**20):
                changed = json.loads(json.dumps(whole))
                place = changed if part is None else changed[part]
                if value == "absent":
                    del place[name]
                else:
                    place[name] = value
                path.write_text(json.dumps(changed))
                named |= _named(stored, "shown")
                named |= _named(stored, "judged again")
                named |= _named(stored, "submitted")
    assert named >= {"plan", "judge_identity", "checkpoint", "settings", "scores", "finished"}


def _named(folder: Path, purpose: Purpose) -> set[str]:
    """The last word of the field that is complained of, if one is."""
    try:
        RunFolder(folder).record().check(purpose, folder)
    except RunError as error:
        assert str(folder) in str(error)
        field = re.search(r"run\.json: ([\w.]+): ", str(error))
        return {field[1].rpartition(".")[2]} if field else set()
    return set()


def test_a_part_of_an_attack_is_no_score_run(stored: Path, in_process: Any) -> None:
    path = stored / "run.json"
    record = json.loads(path.read_text())
    del record["identity"]["benchmark"]
    path.write_text(json.dumps(record))
    for command in (("show", "run"), ("judge", "--judge", "rules"), ("report",)):
        code, error = in_process(*command, str(stored))
        assert (code, "part of a stress or relearning run" in error) == (2, True), error


def test_an_attack_that_was_cut_off_is_not_shown(tmp_path: Path) -> None:
    record = samples.stress_record("m", {"a": True}, {})
    del record["union"], record["baseline"]
    samples.write_record(tmp_path, {**record, "status": "running"})
    assert read_stress(tmp_path).status == "running"
    with pytest.raises(RunError, match="was not finished; give the same command again"):
        read_finished(tmp_path, "stress")


@pytest.mark.parametrize("name", ["completions.jsonl", "outcomes.jsonl", "probes.jsonl"])
@pytest.mark.parametrize(
    "line", ["[]", "{}", "[" * 9999, '{"fact": 1e999}', '{"fact": []}', "\ufeff{", "\udcff", ""]
)
def test_a_damaged_line_is_named(name: str, line: str, stored: Path) -> None:
    with (stored / name).open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape") + b"\n")
    with pytest.raises(RunError, match=name):
        load_judged(stored)


# Streams, locales, memory.


@pytest.mark.parametrize(
    ("shell", "code"),
    [
        ("{u} show benchmark wkf > /dev/full", 2),
        ("{u} show benchmark wkf --json | true; exit ${{PIPESTATUS[0]}}", 0),
        ("{u} show benchmark wkf >&-", 0),
        ("{u} show run nowhere 2>&-", 2),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {u} show run {run} --leaks", 0),
        ("env -i {u} show run {run}", 0),
    ],
)
def test_odd_streams(shell: str, code: int, scripted_runs: dict[str, Path]) -> None:
    program = f"{sys.executable} -m unlearnbench"
    text = shell.format(u=program, run=scripted_runs["limited"])
    home = Path(__file__).parents[2]
    done = subprocess.run(["bash", "-c", text], capture_output=True, cwd=home, timeout=120)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr


FAULTS: list[tuple[BaseException, str | None]] = [
    (MemoryError(), "out of memory; use a smaller"),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …"), "out of memory"),
    (OSError(errno.EROFS, "Read-only file system", "/x"), "/x: Read-only file system; the disk"),
    (PermissionError(errno.EACCES, "Permission denied", "x"), "x: Permission denied; check"),
    (OSError("it has no errno"), "it has no errno"),
    (KeyError("x"), None),
    (RecursionError(), None),
    (RuntimeError("an odd shape"), None),
]


@pytest.mark.parametrize(("error", "says"), FAULTS, ids=lambda x: repr(x)[:30])
def test_ordinary_faults_are_told_from_bugs(error: BaseException, says: str | None) -> None:
    found = ordinary(error)
    assert (found is None) == (says is None)
    assert says is None or (found is not None and says in found)


def test_too_little_memory_is_said(tmp_path: Path) -> None:
    """A limit on the process's memory, as a small machine or a container sets."""
    rows = tmp_path / "items.jsonl"
    rows.write_bytes(b'{"a": "' + b"x" * (150 * 2**20) + b'"}')
    program = f"{sys.executable} -m unlearnbench calibrate rules --items {rows}"
    done = subprocess.run(["bash", "-c", f"ulimit -v 450000; {program}"], capture_output=True)
    assert done.returncode == 2, done.stderr[-500:]
    assert b"out of memory" in done.stderr
