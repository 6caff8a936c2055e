"""How often is judge `rules` wrong on the rows of the board, by somebody's reading?

    python perf/reading.py draw OUT.txt     # 300 verdicts, without the verdicts, to be read
    python perf/reading.py tally            # error rates of the reading that is stored

Half of the sample are answers that were called correct and half that were called incorrect, each
drawn with the weight that it has in the rows, none twice. The stored labels are `yes` (the answer
is given), `no`, and `mention` (the answer's words are there and do not answer).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from unlearnbench.benchmark import load_benchmark
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.scoring.intervals import wilson

ROOT = Path(__file__).parents[1]
ROWS, READING = ROOT / "leaderboard" / "submissions", ROOT / "judges" / "readings" / "wkf-1.jsonl"
EACH, SEED = 150, 20261127


@dataclass(frozen=True)
class Judged:
    """One verdict of a row: where it stands, what was asked, and the response."""

    row: str
    fact: str
    phrasing: str
    context: str
    verdict: str
    question: str
    gold: tuple[str, ...]
    response: str


def judged() -> list[Judged]:
    """Every verdict of every row, in the order of the files."""
    plan = make_plan(load_benchmark("wkf"), get_profile("standard"), "chat")
    asked = {(p.key.fact, p.key.phrasing, p.key.context): p for p in plan.probes}
    found = []
    for row in sorted(ROWS.iterdir()):
        texts = {}
        for line in (row / "run/completions.jsonl").read_text("utf-8").splitlines():
            told = json.loads(line)
            texts[told["fact"], told["phrasing"], told["context"]] = told["text"]
        for line in (row / "run/outcomes.jsonl").read_text("utf-8").splitlines():
            told = json.loads(line)
            key = told["fact"], told["phrasing"], told["context"]
            probe = asked[key]
            gold = (probe.answer, *probe.aliases)
            question = probe.question
            found.append(Judged(row.name, *key, told["verdict"], question, gold, texts[key]))
    return found


def sample(verdicts: list[Judged]) -> list[Judged]:
    """The sample, in random order; a response to a fact is drawn once."""
    draw, chosen = random.Random(SEED), []
    for verdict in ("correct", "incorrect"):
        places: dict[tuple[str, str], list[Judged]] = {}
        for item in verdicts:
            if item.verdict == verdict:
                places.setdefault((item.fact, item.response), []).append(item)
        keys = sorted(places)
        weights = [len(places[key]) for key in keys]
        drawn: dict[tuple[str, str], None] = {}
        while len(drawn) < EACH:
            drawn[draw.choices(keys, weights)[0]] = None
        chosen += [draw.choice(places[key]) for key in drawn]
    draw.shuffle(chosen)
    return chosen


def write(items: list[Judged], out: Path) -> None:
    """What a reader gets: numbered items without their verdicts."""
    texts = [
        f"#{n}\nquestion: {i.question}\nasked as: {i.phrasing}\nanswer: {' | '.join(i.gold)}\n"
        f"response: {i.response!r}\n"
        for n, i in enumerate(items)
    ]
    out.write_text("\n".join(texts), "utf-8")


def tally(items: list[Judged]) -> None:
    """Error rates of the stored labels, which must be of these items."""
    read = [json.loads(line) for line in READING.read_text("utf-8").splitlines()]
    counts: Counter[tuple[str, str]] = Counter()
    for item, label in zip(items, read, strict=True):
        if (item.row, item.fact, item.phrasing, item.context) != tuple(label["where"]):
            raise SystemExit(f"{READING}: {label['where']} is not in the sample: the rows changed")
        counts[item.verdict, label["label"]] += 1
    print(dict(counts))
    for name, verdict, wrong in (
        ("called correct, not given", "correct", ("no", "mention")),
        ("called correct, not even mentioned", "correct", ("no",)),
        ("called incorrect, given", "incorrect", ("yes",)),
    ):
        k = sum(counts[verdict, label] for label in wrong)
        rate = wilson(k, EACH)
        print(f"{name}: {k} of {EACH}, {k / EACH:.1%} ({rate.low:.1%} to {rate.high:.1%})")


def main() -> None:
    """Draw or tally."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("draw", "tally"))
    parser.add_argument("out", nargs="?", type=Path, default=Path("reading.txt"))
    arguments = parser.parse_args()
    items = sample(judged())
    if arguments.what == "draw":
        write(items, arguments.out)
    else:
        tally(items)


if __name__ == "__main__":
    main()
