"""Choose a method's settings on training wordings, each method with the same budget.

    python perf/tune.py METHOD... --grid lr=1e-5,3e-5 [--set max_steps=60] [--out DIR] [--json]

For each value of the grid a model is trained on WKF and asked WKF's facts in wordings that it was
trained with, never in those of the evaluation (profile `quick`: each fact's question and three
training wordings). The value is kept whose harmonic mean of forgetting (1 - worst case) and utility
(retain, as a share of the base's) is highest.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

from unlearnbench import score, train
from unlearnbench.benchmark import load_benchmark
from unlearnbench.runs.run import Run
from unlearnbench.types import Fact
from unlearnbench.types.options import RunOptions, TrainOptions, pairs

FORGET, RETAIN = 3, 1
"""Training wordings that are asked of each fact, beside its question."""


@dataclass(frozen=True)
class Tried:
    """One trained model on training wordings."""

    method: str
    value: str
    worst_case: float
    retain: float
    mean: float


def training_wordings(name: str, folder: Path) -> Path:
    """A benchmark whose evaluation paraphrases are the training wordings of benchmark `name`."""
    facts = load_benchmark(name)
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("forget", FORGET), ("retain", RETAIN)):
        rows = [
            json.dumps(_row(fact, facts.styles, count))
            for fact in facts.facts
            if fact.split == split
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    tiers = json.dumps(sorted({fact.tier for fact in facts.split("retain") if fact.tier}))
    lines = [
        f'id = "{name}-training"',
        f'version = "{facts.version}"',
        f'title = "Training wordings of {name}"',
        'licence = "CC-BY-4.0"',
        f'judge = "{facts.judge}"',
        'profile = "quick"',
        f"styles = {json.dumps(list(facts.styles))}",
        f'[splits.forget]\nfile = "forget.jsonl"\nparaphrases = {FORGET}\ntrain_paraphrases = 0',
        f'[splits.retain]\nfile = "retain.jsonl"\nparaphrases = {RETAIN}\ntrain_paraphrases = 0\n'
        f"tiers = {tiers}",
    ]
    (folder / "benchmark.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def _row(fact: Fact, styles: tuple[str, ...], count: int) -> dict[str, object]:
    texts = fact.train_paraphrases[:count]
    row: dict[str, object] = {
        "id": fact.id,
        "topic": fact.topic,
        "question": fact.question,
        "answer": fact.answer,
        "aliases": list(fact.aliases),
        "paraphrases": [
            {"style": style, "text": text}
            for text, style in zip(texts, cycle(styles), strict=False)
        ],
    }
    return row | ({"tier": fact.tier} if fact.tier else {})


def tried(options: argparse.Namespace, base: str, facts: Path) -> Iterator[Tried]:
    """Train and ask once for each method and value."""
    place = Path(options.out)
    before = _asked(base, facts, place / "base-run")
    setting, _, values = options.grid.partition("=")
    for method in options.methods:
        for value in values.split(","):
            folder = place / f"{method}-{setting}-{value}"
            changes = pairs([*options.set, f"{setting}={value}"])
            settings = TrainOptions(settings=changes, preset=options.preset)
            trained = train(
                base,
                "wkf",
                method=method,
                train_options=settings,
                run_options=RunOptions(out=folder),
            )
            run = _asked(str(trained.folder), facts, place / f"{folder.name}-run")
            yield _judged(method, value, run, before)


def _asked(checkpoint: str, facts: Path, out: Path) -> Run:
    return score(checkpoint, str(facts), run_options=RunOptions(out=out))


def _judged(method: str, value: str, run: Run, before: Run) -> Tried:
    worst = run.scores["forget.worst_case"].value
    retain = run.scores["retain.mean"].value
    kept = min(1.0, retain / before.scores["retain.mean"].value)
    forgotten = 1 - worst
    mean = 2 * forgotten * kept / (forgotten + kept) if forgotten + kept else 0.0
    return Tried(method, value, worst, retain, mean)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--grid", required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--preset")
    parser.add_argument("--base", default="smollm2-135m")
    parser.add_argument("--out", default="trained/tune")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    facts = training_wordings("wkf", Path(options.out) / "facts")
    results = []
    for result in tried(options, options.base, facts):
        results.append(result)
        if not options.json:
            print(
                f"{result.method} {options.grid.partition('=')[0]}={result.value}: worst case "
                f"{result.worst_case:.1%}, retain {result.retain:.1%}, mean {result.mean:.3f}",
                flush=True,
            )
    best = {
        method: max((r for r in results if r.method == method), key=lambda r: r.mean)
        for method in options.methods
    }
    if options.json:
        print(json.dumps([asdict(result) for result in best.values()], indent=2))
        return
    for result in best.values():
        print(f"kept: {result.method} {options.grid.partition('=')[0]}={result.value}")


if __name__ == "__main__":
    main()
