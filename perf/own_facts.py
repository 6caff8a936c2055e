"""How long a stranger's table takes to a first score: `make-benchmark`, then `score`.

The sample table with its own paraphrases and the small model, each command in a process of its own,
start included; then a table of many made-up facts, made alone. `--json` ends with one line:
make_seconds, score_seconds, their _cpu_seconds, many_facts, many_seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = "smollm2-135m"
PARTS = ("ka", "lo", "mi", "ren", "tor", "vas", "pel", "din", "gar", "hol", "su", "ber")


def timed(*words: str) -> tuple[float, float]:
    """Seconds and CPU seconds of a command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "unlearnbench", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu


def word(draw: random.Random) -> str:
    """A made-up name."""
    return "".join(draw.choices(PARTS, k=3)).capitalize()


def write_many(path: Path, count: int) -> None:
    """A table of so many made-up facts."""
    draw = random.Random(0)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "answer", "topic"])
        for number in range(count):
            question = f"Who runs the {word(draw)} office, number {number}, in {word(draw)}?"
            rows.writerow([question, f"{word(draw)} {word(draw)}", f"topic-{number % 10}"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=1000, help="facts of the large table")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made, run = str(folder / "mine"), str(folder / "run")
        sample = ("sample-facts", "--paraphraser", "file:sample-facts", "--out", made, "-q")
        make, make_cpu = timed("make-benchmark", *sample)
        score, score_cpu = timed("score", MODEL, "--benchmark", made, "--out", run, "-q")
        table, large = folder / "many.csv", str(folder / "large")
        write_many(table, given.many)
        many, _ = timed("make-benchmark", str(table), "--paraphraser", "none", "--out", large, "-q")
    print(f"make-benchmark {make:.1f} s ({make_cpu:.1f} s of CPU), of 12 facts")
    print(f"score {score:.1f} s ({score_cpu:.1f} s of CPU), {MODEL}, profile standard")
    print(f"make-benchmark {many:.1f} s, of {given.many} facts, in their original wording")
    if given.json:
        figures = {"make_seconds": make, "make_cpu_seconds": make_cpu, "score_seconds": score}
        figures |= {"score_cpu_seconds": score_cpu, "many_facts": given.many, "many_seconds": many}
        print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
