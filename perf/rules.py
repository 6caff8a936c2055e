"""How many answers a second does judge `rules` read on one core?

    python perf/rules.py [--json]

Answers are those of the stored rows of the board (a small model's, each fact in 32 wordings) and
the items of the calibration tables (every question another). Each is judged once, with caches
empty, by the processor's clock; loading the word lists is timed apart.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from unlearnbench.benchmark import load_benchmark
from unlearnbench.judging.calibrate import default_items, load_items
from unlearnbench.judging.rules.match import RuleMatch
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile

Item = tuple[str, str, tuple[str, ...], str]
ROWS = Path(__file__).parents[1] / "leaderboard" / "submissions"


def stored() -> list[Item]:
    """(question, answer, aliases, response) of stored answers to facts that are in WKF today."""
    plan = make_plan(load_benchmark("wkf"), get_profile("standard"), "chat")
    asked = {(probe.key.fact, probe.key.phrasing): probe for probe in plan.probes}
    items = []
    for path in sorted(ROWS.glob("*/run/completions.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            probe = asked.get((row["fact"], row["phrasing"]))
            if probe is not None:
                items.append((probe.question, probe.answer, tuple(probe.aliases), row["text"]))
    return items


def tables() -> list[Item]:
    """The same of the calibration tables."""
    items = [item for path in default_items() for item in load_items(path)]
    return [(item.question, item.answer, tuple(item.aliases), item.response) for item in items]


def rate(items: list[Item], decide: Callable[..., RuleMatch]) -> float:
    """Answers a second."""
    began = time.process_time()
    for item in items:
        decide(*item)
    return len(items) / (time.process_time() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    began = time.process_time()
    judge = importlib.import_module("unlearnbench.judging.rules.judge")
    loading = time.process_time() - began
    sets = {"stored rows": stored(), "calibration tables": tables()}
    found = {
        name: {"answers": len(items), "per_s": round(rate(items, judge.decide))}
        for name, items in sets.items()
    }
    if arguments.json:
        print(json.dumps({"loading_s": round(loading, 3), **found}))
        return
    print(f"loading: {loading:.2f} s")
    for name, one in found.items():
        print(f"{name}: {one['answers']:,} answers, {one['per_s']:,.0f} a second")


if __name__ == "__main__":
    main()
