"""How long it takes to check an honest LKF submission, and in how much memory.

No model: an engine that answers every question in a sentence of its own makes the two runs.
`verify` is timed in a process of its own, start included. `--json` ends with one line: outcomes,
verify_seconds, verify_peak_mb.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import unlearnbench
from unlearnbench.api.submissions import submit, submit_base
from unlearnbench.hashing import sha256_text
from unlearnbench.plugins import BUILTIN
from unlearnbench.types import Completion, GeneratorInfo, Probe, Sampling, Setting
from unlearnbench.types.options import About, EngineOptions, RunOptions

BENCHMARK = "lkf"


class Knowing:
    """Answers every question right, except forget questions if it is called `forgets`."""

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        self._name = checkpoint

    @property
    def info(self) -> GeneratorInfo:
        """A name and a fingerprint made of it."""
        name = self._name
        # Under the name of an engine whose runs may be rows.
        return GeneratorInfo(
            "transformers", name, sha256_text(name), "chat", {"dtype": "float32"}, 1_000_000_000
        )

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to adopt."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        """The answer in a sentence, another one for each wording."""
        for probe in block:
            said = f"I think that it is {probe.answer}, as asked by {probe.key.phrasing}."
            if self._name == "forgets" and probe.split == "forget":
                said = f"I cannot say, asked by {probe.key.phrasing}."
            yield Completion(probe.key, said, "stop", 12)


def honest(folder: Path) -> tuple[Path, Path]:
    """A submission that stands, and the folder of accepted bases with its base."""
    engines: Any = BUILTIN["engines"]
    engines["scripted"] = "perf.submissions:Knowing"
    sys.modules["perf.submissions"] = sys.modules[__name__]
    for name in ("knows", "forgets"):
        unlearnbench.score(
            name,
            BENCHMARK,
            engine="scripted",
            profile="standard",
            judge="rules",
            run_options=RunOptions(folder / name),
        )
    bases = folder / "bases"
    submit_base(folder / "knows", "made up", "perf", out=bases / "knows-lkf")
    about = About("Honest", "other", "perf")
    row = folder / "rows" / "row-0"
    return submit(folder / "forgets", "knows-lkf", about, out=row, bases=bases), bases


def verify_alone(row: Path, bases: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of `unlearnbench verify`."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "unlearnbench", "verify", str(row), "--bases", str(bases)]
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        row, bases = honest(folder)
        outcomes = len((row / "run" / "outcomes.jsonl").read_text("utf-8").splitlines())
        seconds, peak = verify_alone(row, bases)
    found = {
        "outcomes": outcomes,
        "verify_seconds": seconds,
        "verify_peak_mb": peak,
    }
    for name, value in found.items():
        print(f"  {name:16} {value:.4g}")
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
