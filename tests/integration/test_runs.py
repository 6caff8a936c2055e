"""Run folders under faults: nothing is lost, and no failure looks like forgetting."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import models
from tests.reliability.commands import Zygote
from tests.scripted import begun
from unlearnbench import load_run, rejudge, score
from unlearnbench.benchmark import load_benchmark
from unlearnbench.errors import RunError
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.protocol.evaluate import Job, evaluate
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.codec import completion_from, completion_record
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.journal import Journal
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    JudgeItem,
    Judgement,
    Probe,
    ProbeKey,
    Sampling,
    Setting,
)
from unlearnbench.types.options import EngineOptions, RunOptions

SMALL_BLOCKS = "import unlearnbench.protocol.plan as p; p.BLOCK_PROBES = 32; "


class Knows:
    """Answers every question rightly, except where told to fail, leave out or raise."""

    def __init__(self, fail: float = 0.0, omit: float = 0.0) -> None:
        self.fail, self.omit, self.chance = fail, omit, random.Random(3)

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo("knows", "knows", "f" * 64, "chat")

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to adopt."""

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        for probe in block:
            draw = self.chance.random()
            if draw < self.fail:
                yield Failure(probe.key, "generate", "broke")
            elif draw >= self.fail + self.omit:
                yield Completion(probe.key, f"It is {probe.answer}.", "stop", 4)


class HalfJudge(RulesJudge):
    """Fails on every other item."""

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        yield from super().judge(items[::2])


def job(benchmark: Path, out: Path, generator: Knows, judge: RulesJudge) -> Job:
    plan = make_plan(load_benchmark(str(benchmark)), get_profile("standard"), "chat")
    record = begun(generator, judge, plan)
    return Job(plan, generator, judge, Sampling(), RunFolder(out), record)


@pytest.mark.parametrize(
    ("generator", "judge"),
    [
        (Knows(fail=0.4), RulesJudge()),
        (Knows(omit=0.4), RulesJudge()),
        (Knows(), HalfJudge()),
        (Knows(fail=1.0), RulesJudge()),
    ],
)
def test_failures_leave_facts_open_until_they_are_closed(
    benchmark_folder: Path, tmp_path: Path, generator: Knows, judge: RulesJudge
) -> None:
    evaluate(job(benchmark_folder, tmp_path / "run", generator, judge), lambda stage, done: None)
    broken = load_run(tmp_path / "run")
    assert broken.n_open > 0
    assert all(s.high == 1.0 for s in broken.scores.values())
    evaluate(
        job(benchmark_folder, tmp_path / "run", Knows(), RulesJudge()), lambda stage, done: None
    )
    healed = load_run(tmp_path / "run")
    assert healed.n_open == 0
    assert healed.scores["forget.worst_case"].value == 1.0


def test_a_verdict_on_a_changed_answer_does_not_count(
    benchmark_folder: Path, tmp_path: Path
) -> None:
    evaluate(
        job(benchmark_folder, tmp_path / "run", Knows(), RulesJudge()), lambda stage, done: None
    )
    path = tmp_path / "run" / "completions.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["text"] = "No idea"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert load_run(tmp_path / "run").n_open == 1


def test_a_torn_last_line_is_cut_at_every_byte(tmp_path: Path) -> None:
    whole = b'{"a": 1}\n{"b": "\xc3\xa9"}\n'
    for cut in range(len(whole) + 1):
        journal = Journal(tmp_path / f"{cut}.jsonl")
        journal.path.write_bytes(whole[:cut])
        journal.repair()
        journal.append([{"c": 3}])
        kept = [{"a": 1}, {"b": "é"}][: whole[:cut].count(b"\n")]
        assert list(journal.read()) == [*kept, {"c": 3}]


def test_answers_without_a_manifest_are_refused(benchmark_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    evaluate(job(benchmark_folder, out, Knows(), RulesJudge()), lambda stage, done: None)
    (out / "run.json").unlink()
    with pytest.raises(RunError, match=r"no run\.json"):
        evaluate(job(benchmark_folder, out, Knows(), RulesJudge()), lambda stage, done: None)


def words(model: Path, benchmark: Path, out: Path) -> list[str]:
    return ["score", str(model), "--benchmark", str(benchmark), "--out", str(out), "--json"]


def command(model: Path, benchmark: Path, out: Path) -> list[str]:
    """The command in a process that can be changed before it starts."""
    code = SMALL_BLOCKS + "from unlearnbench.cli.main import main; main()"
    return [sys.executable, "-c", code, *words(model, benchmark, out)]


def scores_of(out: Path) -> object:
    return json.loads((out / "run.json").read_text())["scores"]


def lines_of(path: Path) -> list[str]:
    return sorted(path.read_text().splitlines())


def test_a_killed_run_ends_as_one_that_was_not(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, zygote: Zygote
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    code, told = zygote.run(words(tiny_llama, benchmark_folder, whole), whole)
    assert code == 0, told
    asked, chance, kills = words(tiny_llama, benchmark_folder, killed), random.Random(5), 0
    for _ in range(5):
        after = chance.random() * 0.3
        code, told = zygote.run(asked, killed, kill_after=after, once="completions.jsonl")
        assert code in (0, -signal.SIGKILL), told
        kills += code != 0
    assert kills
    code, told = zygote.run(asked, killed)
    assert code == 0, told
    assert scores_of(killed) == scores_of(whole)
    for name in ("completions.jsonl", "outcomes.jsonl"):
        assert lines_of(killed / name) == lines_of(whole / name)


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, zygote: Zygote
) -> None:
    out = tmp_path / "run"
    asked = words(tiny_llama, benchmark_folder, out)
    code, told = zygote.run(asked, tmp_path)
    assert code == 0, told
    expected = scores_of(out)
    kept = 0
    for name in ("completions.jsonl", "outcomes.jsonl"):
        lines = (out / name).read_bytes().splitlines(keepends=True)[:40]
        (out / name).write_bytes(b"".join(lines))
        kept = max(kept, len(b"".join(lines)))
    code, told = zygote.run(asked, tmp_path, fault={"bytes": kept + 500, "error": "EFBIG"})
    assert code == 2, told
    assert "cannot write" in told
    assert "Traceback" not in told
    code, told = zygote.run(asked, tmp_path)
    assert code == 0, told
    assert scores_of(out) == expected


def test_an_interrupt_says_where_the_run_lies(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    line = command(tiny_llama, benchmark_folder, out)
    # A tiny model would be done before the signal comes.
    line[2] = (
        "import time; from unlearnbench.runs.journal import Journal as J; append = J.append; "
        "J.append = lambda self, records: (time.sleep(1), append(self, records))[1]; "
    ) + line[2]
    process = subprocess.Popen(
        line,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests themselves run in the background, SIGINT is ignored and inherited so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (out / "run.json").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130, told
    assert str(out) in told


def test_the_whole_way_from_python(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    options = EngineOptions(dtype="float32")
    run = score(
        str(tiny_llama),
        str(benchmark_folder),
        engine_options=options,
        run_options=RunOptions(tmp_path / "run"),
    )
    table = run.to_pandas()
    assert len(table) == len(run.probes) == 4 * 32 + 5 * 7
    assert {"fact", "phrasing", "context", "response", "verdict"} <= set(table.columns)
    again = rejudge(run.path, f"replay:{run.path}", run_options=RunOptions(tmp_path / "again"))
    assert again.scores == run.scores
    with pytest.raises(RunError, match="seed"):
        score(
            str(tiny_llama),
            str(benchmark_folder),
            engine_options=options,
            run_options=RunOptions(tmp_path / "run"),
            seed=1,
        )


def test_another_checkpoint_does_not_go_on_in_a_folder(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, zygote: Zygote
) -> None:
    other = models.save(tmp_path / "other", "llama", seed=7)
    out = tmp_path / "run"
    code, told = zygote.run(words(tiny_llama, benchmark_folder, out), tmp_path)
    assert code == 0, told
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, told = zygote.run(words(other, benchmark_folder, out), tmp_path)
    assert code == 2
    assert "checkpoint: the folder has" in told
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_two_processes_do_not_share_a_folder(benchmark_folder: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.locked(), pytest.raises(RunError, match="in use by another process"):
        evaluate(
            job(benchmark_folder, folder.path, Knows(), RulesJudge()), lambda stage, done: None
        )


def test_a_folder_that_cannot_be_written_is_one_line(
    tiny_llama: Path, benchmark_folder: Path
) -> None:
    # /proc takes no new folders, whoever asks; permissions would not stop the superuser.
    done = subprocess.run(
        command(tiny_llama, benchmark_folder, Path("/proc/unlearnbench")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_shows_its_traceback_and_where_the_run_lies(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    line = command(tiny_llama, benchmark_folder, tmp_path / "run")
    breaks = (
        "from unlearnbench.judging.rules.judge import RulesJudge as J; "
        "J.judge = lambda self, items: 1 / 0; "
    )
    line[2] = breaks + line[2]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "ZeroDivisionError" in done.stderr
    assert str(tmp_path / "run") in done.stderr.splitlines()[-1]
    assert load_run(tmp_path / "run").n_open > 0


KEYS = st.builds(
    ProbeKey,
    st.text("ab-9", min_size=1, max_size=6),
    st.sampled_from(["original", "wording-1", "situation-5"]),
    st.sampled_from(["plain", "icr"]),
    st.integers(0, 3),
)
TEXT = st.text(max_size=30)


@given(
    st.builds(Completion, KEYS, TEXT, st.sampled_from(["stop", "length"]), st.integers(0, 50))
    | st.builds(Failure, KEYS, st.sampled_from(["generate"]), TEXT)
)
def test_completions_come_back_as_they_were_stored(result: Completion | Failure) -> None:
    assert completion_from(json.loads(json.dumps(completion_record(result)))) == result
