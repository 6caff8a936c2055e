"""A run of 100,000 probes without a model: speed, memory, and resuming where it was killed.

    python perf/volume.py [--probes 100000] [--json]

Engine `replay` answers from a stored run and judge `rules` judges. Each phase runs in a process of
its own, so that its peak memory is its own: the run; the run killed at half and resumed; reading it
back and aggregating its verdicts (`load_run`, `Run.scores`); its page (`report`).
Seconds of the processor (`cpu_s`, `aggregated_s`) are given beside those of the clock, which other
work on the machine lengthens.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unlearnbench.hashing import sha256_text
from unlearnbench.types import Completion, GeneratorInfo, Probe, Sampling, Setting

PHASES = ("score", "resume", "load", "report")
SYLLABLES = ("ba", "cor", "del", "fin", "gar", "hol", "jun", "kel", "lom", "mar", "nis", "pol")


class Writer:
    """Answers half of the probes; made answers stand in for a model's."""

    info = GeneratorInfo("transformers", "made-up", sha256_text("made-up"), "chat")

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to adopt."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        """The gold answer in a sentence, or a refusal."""
        for number, probe in enumerate(block):
            said = f"The answer is {probe.answer}." if number % 2 else "I am not sure about that."
            yield Completion(probe.key, said, "stop", 12, token_ids=tuple(range(1000, 1012)))


def write_benchmark(folder: Path, probes: int) -> None:
    """Facts for so many probes under profile `standard`: nine of ten about forget facts."""
    folder.mkdir(parents=True)
    for kind, count, paraphrases in (
        ("forget", probes * 9 // 10 // 32, 15),
        ("retain", probes // 10 // 7 + 1, 6),
    ):
        rows = (json.dumps(_row(kind, number, paraphrases)) + "\n" for number in range(count))
        (folder / f"{kind}.jsonl").write_text("".join(rows), "utf-8")
    (folder / "benchmark.toml").write_text(
        'id = "volume"\nversion = "0.1.0"\ntitle = "Volume"\nlicence = "CC0-1.0"\njudge = "rules"\n'
        'profile = "standard"\nstyles = ["wording", "syntax", "situation"]\n'
        '[splits.forget]\nfile = "forget.jsonl"\nparaphrases = 15\n'
        '[splits.retain]\nfile = "retain.jsonl"\nparaphrases = 6\ntiers = ["topic"]\n',
        "utf-8",
    )


def _row(kind: str, number: int, paraphrases: int) -> dict[str, object]:
    styles = ("wording", "syntax", "situation")
    name = _name(number if kind == "forget" else number + 500_000)
    texts = [
        {"style": styles[i * 3 // paraphrases], "text": f"Way {i} to ask for {kind} {number}?"}
        for i in range(paraphrases)
    ]
    return {
        "id": f"{kind}-{number}",
        "topic": "things",
        **({"tier": "topic"} if kind == "retain" else {}),
        "question": f"What is {kind} {number}?",
        "answer": name,
        "paraphrases": texts,
    }


def _name(number: int) -> str:
    """A made-up name of its own for each number."""
    parts = []
    for _ in range(6):
        number, rest = divmod(number, len(SYLLABLES))
        parts.append(SYLLABLES[rest])
    return "".join(parts).capitalize()


def phase(name: str, work: Path) -> dict[str, float]:
    """Carry one phase out in this process; its figures."""
    from unlearnbench import RunOptions, load_run, report, score

    began = time.perf_counter()
    if name == "source":
        score("made-up", str(work / "b"), engine=Writer(), run_options=RunOptions(work / "source"))
    elif name in ("score", "killed", "resume"):
        out = work / ("score" if name == "score" else "resume")
        run = score(
            str(work / "source"),
            str(work / "b"),
            engine="replay",
            run_options=RunOptions(out),
        )
        assert run.record.status == "complete"
    elif name == "load":
        run = load_run(work / "score")
        read = time.process_time()
        assert run.scores["forget.worst_case"].n_open == 0
        aggregated = time.process_time() - read
    else:
        report([work / "score"], work / "page.html")
    seconds = time.perf_counter() - began
    more = {"aggregated_s": round(aggregated, 2)} if name == "load" else {}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # KB on Linux
    cpu = round(time.process_time(), 1)
    return {"seconds": round(seconds, 1), "cpu_s": cpu, "peak_gb": round(peak, 2), **more}


def apart(name: str, work: Path) -> dict[str, float]:
    """A phase in a process of its own."""
    command = [sys.executable, __file__, "--phase", name, "--work", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def kill_at_half(work: Path, probes: int) -> int:
    """Kill a run once half of its answers are stored; how many lines it left."""
    command = [sys.executable, __file__, "--phase", "killed", "--work", str(work)]
    process = subprocess.Popen(command)
    journal = work / "resume" / "completions.jsonl"
    half = (work / "source" / "completions.jsonl").stat().st_size // 2
    while not (journal.is_file() and journal.stat().st_size >= half):
        if process.poll() is not None:
            raise SystemExit("the run ended before it could be killed")
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = lines_of(journal)
    assert 0 < kept < probes
    return kept


def lines_of(journal: Path) -> int:
    """Complete lines of a file."""
    return journal.read_bytes().count(b"\n")


def measure(work: Path, wanted: int) -> dict[str, object]:
    """All phases, one after the other."""
    write_benchmark(work / "b", wanted)
    apart("source", work)
    probes = lines_of(work / "source" / "probes.jsonl")
    figures: dict[str, object] = {"probes": probes}
    for name in PHASES:
        if name == "resume":
            figures["kept"] = kill_at_half(work, probes)
        made = apart(name, work)
        rate = {} if name == "resume" else {"per_second": round(probes / made["cpu_s"])}
        if "aggregated_s" in made:
            rate["aggregated_per_second"] = round(probes / made["aggregated_s"])
        figures[name] = {**made, **rate}
    again = {
        name: lines_of(work / "resume" / f"{name}.jsonl") for name in ("completions", "outcomes")
    }
    figures["lines"] = again
    figures["redone"] = again["completions"] - probes
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--probes", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--phase", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.phase:
        print(json.dumps(phase(arguments.phase, arguments.work)))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), arguments.probes)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{figures['probes']} probes; killed with {figures['kept']} answers")
    for name in PHASES:
        print(f"{name:8}", figures[name])
    print(f"answers made twice: {figures['redone']}")


if __name__ == "__main__":
    main()
