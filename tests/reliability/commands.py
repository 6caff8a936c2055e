"""Commands under test, and what must be the same after a fault as without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMES = frozenset(["created", "finished", "seconds", "peak_memory", "cache_tokens"])
"""Fields that say when, how long and with how much free memory a run was begun; all others must be
the same, to the bit."""
UNCHECKED = frozenset(["SHA256SUMS"])
"""Digests over a file with a time in it; `verify` looks at them instead."""

WANTED = int(os.environ.get("UNLEARNBENCH_KILLS", "0"))
"""Kills at random instants in all; 0: the part that runs with the other tests."""
SEED = os.environ.get("UNLEARNBENCH_KILLS_SEED", "0")

_ROOT = Path(__file__).parents[2]


class Zygote:
    """The other end of `zygote.py`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.reliability.zygote"],
                cwd=_ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    @property
    def said(self) -> str:
        """What it wrote to standard error itself: while it imported everything."""
        return self._log.read_text("utf-8", "replace")

    def run(
        self,
        words: list[str],
        folder: Path,
        *,
        kill_after: float | None = None,
        once: str | None = None,
        fault: Mapping[str, Any] | None = None,
        errors: Path | None = None,
    ) -> tuple[int, str]:
        """Exit code (minus the signal) and what was printed; its errors elsewhere if so wished.

        It is killed `kill_after` seconds from its start, or from when a file that fits the pattern
        `once` lies in the folder.
        """
        log = folder.with_name(f"{folder.name}.log")
        log.write_text("")  # a kill may be faster than the child
        job = {"words": words, "folder": str(folder), "log": str(log), "once": once}
        job["errors"] = str(errors or log)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({**job, "kill_after": kill_after, "fault": fault})
        print(line, file=self._process.stdin, flush=True)
        answered = self._process.stdout.readline()
        assert answered, self.said
        answer = json.loads(answered)
        return int(answer["code"]), log.read_text("utf-8", "replace")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True)
class World:
    """What commands read: made once, never written to."""

    model: Path
    benchmark: Path
    run: Path
    answered: Path
    base: Path
    submissions: Path
    bases: Path
    jury: Path
    items: Path
    facts: Path


Words = Callable[[World], list[str]]


def _score(w: World) -> list[str]:
    return ["score", str(w.model), "--benchmark", str(w.benchmark), "--out", "out", "-q"]


def _judge(w: World) -> list[str]:
    return ["judge", str(w.run), "--judge", "rules", "--out", "out", "-q"]


def _train(w: World) -> list[str]:
    given = ["--base", str(w.model), "--benchmark", str(w.benchmark), "--out", "out", "-q"]
    settings = ["--max-steps", "6", "--batch-size", "2", "--lr", "1e-3", "--epochs", "6"]
    return ["train", *given, *settings, "--set", "save_every=2"]


def _train_lora(w: World) -> list[str]:
    return [*_train(w), "--lora", "4"]


def _sweep(w: World) -> list[str]:
    return [*_train(w), "--sweep", "lambda_r=0.1,1", "--profile", "quick"]


def _relearn(w: World) -> list[str]:
    given = [str(w.model), "--benchmark", str(w.benchmark), "--out", "out", "-q"]
    return ["relearn", *given, "--arm", "retain", "--limit", "1"]


def _stress(w: World) -> list[str]:
    given = [str(w.model), "--benchmark", str(w.benchmark), "--out", "out", "-q"]
    return ["stress", *given, "--only", "quantize", "--only", "sampling", "--limit", "1"]


def _submit(w: World) -> list[str]:
    given = [str(w.answered), "--base", str(w.base), "--name", "Row", "--method", "other"]
    return ["submit", *given, "--submitter", "A. Person", "--out", "out/row", *_bases(w)]


def _submit_base(w: World) -> list[str]:
    given = [str(w.base), "--source", "a package", "--by", "A. Tester"]
    return ["submit-base", *given, "--out", "out/base"]


def _bases(w: World) -> list[str]:
    return ["--bases", str(w.bases)]


def _board(w: World) -> list[str]:
    given = ["--submissions", str(w.submissions), "--out", "out", "--keep", "out/kept"]
    return ["leaderboard", "build", *given, *_bases(w)]


def _report(w: World) -> list[str]:
    return ["report", str(w.run), "--out", "out/report.html"]


def _jury(w: World) -> list[str]:
    return ["judge", str(w.run), "--judge", str(w.jury), "--out", "out", "-q"]


def _rejudge(w: World) -> list[str]:
    row = str(w.submissions / "row")
    return ["verify", row, "--rejudge", "rules", "--out", "out", "-q", *_bases(w)]


def _calibrate(w: World) -> list[str]:
    return ["calibrate", "rules", "--items", str(w.items), "--store", "out/result.json", "-q"]


def _make(w: World) -> list[str]:
    return ["make-benchmark", str(w.facts), "--paraphraser", "none", "--out", "out", "-q"]


def _synthetic(_: World) -> list[str]:
    return ["make-synthetic", "--facts", "2", "--out", "out", "-q"]


COMMANDS: Mapping[str, Words] = {
    "score": _score,
    "judge": _judge,
    "train": _train,
    "train-lora": _train_lora,
    "sweep": _sweep,
    "relearn": _relearn,
    "stress": _stress,
    "submit": _submit,
    "submit-base": _submit_base,
    "board": _board,
    "report": _report,
    "jury": _jury,
    "rejudge": _rejudge,
    "calibrate": _calibrate,
    "make": _make,
    "synthetic": _synthetic,
}


def content(folder: Path) -> dict[str, Any]:
    """All files below, by name: JSON without its times, everything else as bytes."""
    return {
        str(path.relative_to(folder)): _read(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in UNCHECKED
    }


def _read(path: Path) -> Any:
    return _timeless(json.loads(path.read_text())) if path.suffix == ".json" else path.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in TIMES}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of files that are not the same."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
