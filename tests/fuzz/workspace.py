"""Valid examples of every file that is parsed, made once, small, in a folder of their own."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tests import report_samples as samples
from tests.conftest import ABOUT, write_benchmark
from unlearnbench.types.options import RunOptions

FACTS = 1
BENCHMARK_TAIL = """forms = "forms.jsonl"
[relearn.near]
file = "near.jsonl"
kind = "pairs"
rows = 1
[relearn.prose]
file = "prose.jsonl"
kind = "prose"
rows = 1
[relearn.half]
file = "half.jsonl"
kind = "half"
rows = 1
"""
JUDGE = """provider = "openai"
title = "A judge"
model = "a-model"
rubric_version = "2"
temperature = 0.5
max_output_tokens = 100
seed = 1
structured = true
members = []
[price]
input = 1.0
output = 4.0
listed = "2026-01-01"
"""
ITEM = {
    "question": "Who?",
    "answer": "Ada",
    "aliases": ["A."],
    "response": "It was Ada",
    "correct": True,
    "category": "c",
}


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the examples lie. Each target writes its changed file in its own folder's place."""

    root: Path

    def __truediv__(self, name: str) -> Path:
        return self.root / name


def make() -> Workspace:
    """All examples, on a disk in memory where there is one."""
    memory = Path("/dev/shm")
    root = Path(
        tempfile.mkdtemp(prefix="fuzz-", dir=memory if os.access(memory, os.W_OK) else None)
    )
    space = Workspace(root)
    benchmark = write_benchmark(space / "content/benchmarks/tiny", FACTS, 3)
    _beside(benchmark)
    judge = space / "judge"
    judge.mkdir()
    (judge / "judge.toml").write_text(JUDGE)
    (judge / "prompt.md").write_text("Judge.")
    (space / "items.jsonl").write_text(json.dumps(ITEM) + "\n" + json.dumps(ITEM) + "\n")
    _runs(space)
    _attacks(space)
    _training(space)
    return space


@contextmanager
def content(space: Workspace) -> Iterator[None]:
    """While this holds, the tiny benchmark is one that ships."""
    target = "unlearnbench.benchmark.editions.content_root"
    with mock.patch(target, lambda: space / "content"):
        yield


def _beside(benchmark: Path) -> None:
    toml = benchmark / "benchmark.toml"
    head, _, splits = toml.read_text().partition("[splits.forget]")
    forms, _, relearn = BENCHMARK_TAIL.partition("\n")
    indirect = 'indirect = "indirect.jsonl"'
    toml.write_text(f"{head}{forms}\n{indirect}\n[splits.forget]{splits}{relearn}")
    rows = [
        {
            "fact": f"forget-{n}",
            "cloze": f"The thing {n} is ____.",
            "distractors": ["One", "Two", "Three"],
            "reverse_question": "Which thing?",
            "reverse_answer": f"thing {n}",
        }
        for n in range(FACTS)
    ]
    near = {"id": "a", "topic": "things", "question": "What else?", "answer": "Something"}
    prose = {"id": "a", "topic": "things", "text": "Some text about other things."}
    follows = [
        {"fact": f"forget-{n}", "question": f"Who made thing {n}?", "answer": "Ada"}
        | {"source": {"title": "Things", "claim": "Ada made it."}}
        for n in range(FACTS)
    ]
    files = {
        "forms": rows,
        "indirect": follows,
        "near": [near],
        "prose": [prose],
        "half": [{"fact": "forget-0"}],
    }
    for name, found in files.items():
        text = "".join(json.dumps(row) + "\n" for row in found)
        (benchmark / f"{name}.jsonl").write_text(text)


def _runs(space: Workspace) -> None:
    """Scored runs, an accepted base run, a submission, and an attestation about it."""
    import unlearnbench
    from unlearnbench.api.attestations import attest
    from unlearnbench.api.submissions import submit, submit_base
    from unlearnbench.plugins import BUILTIN
    from unlearnbench.types.options import About

    engines: Any = BUILTIN["engines"]
    engines["scripted"] = "tests.scripted:ScriptedEngine"
    with content(space):
        for name in ("knows-all", "forgets-a", "again/forgets-a"):
            out = space / f"runs/{name}"
            unlearnbench.score(
                Path(name).name, "tiny", engine="scripted", run_options=RunOptions(out)
            )
        row, bases = space / "board/submissions/row", space / "board/bases"
        submit_base(space / "runs/knows-all", "a package", "A. Tester", out=bases / "base")
        submit(space / "runs/forgets-a", "base", About(*ABOUT), out=row, bases=bases)
        attest(row, [space / "runs/again/forgets-a"], "B. Person", bases=bases)
    del engines["scripted"]


def _attacks(space: Workspace) -> None:
    base = {"a": False, "b": True, "c": None}
    doors = {"x/y": samples.door({"a": True, "b": True}), "z": samples.door({}, note="left out")}
    samples.write_record(space / "stress", samples.stress_record("m", base, doors))
    curve = [samples.point(0, 1), samples.point(2, 3, n_open=1)]
    record = samples.relearn_record("m", {"disjoint": samples.arm(curve)})
    from unlearnbench.attacks.relearn.summary import summarise
    from unlearnbench.runs.schema import RelearnRecord

    made = RelearnRecord.from_disk(record, space / "relearn.json")
    assert made.first is not None
    record["summary"] = summarise(made.arms, None, made.first).model_dump(mode="json")
    samples.write_record(space / "relearn", record)


def _training(space: Workspace) -> None:
    from unlearnbench.runs.schema import ModelRef, TrainingData, TrainingRecord
    from unlearnbench.tofu.record import TofuRecord, write_tofu
    from unlearnbench.training.record import write_record

    record = TrainingRecord(
        method="npo",
        parameters={"beta": 0.1},
        settings={"lr": 1e-5, "seed": 0},
        base=ModelRef(name="base", fingerprint="f" * 64),
        data=TrainingData(
            benchmark="tiny",
            version="0.1.0",
            fingerprint="b" * 64,
            forget_rows=8,
            retain_rows=8,
        ),
        versions={"torch": "2"},
        device="cpu",
        steps=3,
        stopped="end of schedule",
        curves=({"step": 1.0, "loss": 0.5, "forget": 0.1, "retain": 0.2},),
        seconds=1.0,
        peak_memory=10,
        notes=("a note",),
    )
    folder = space / "trained"
    folder.mkdir()
    write_record(folder, record)
    definitions = {"end_token": True, "truth_ratio": "geometric"}
    log = TofuRecord(
        "s", "f", "d", "m", "c", "float32", {}, {"f": 0.5}, {"min_k": 0.5}, [], definitions, []
    )
    write_tofu(log, space / "log.json")
