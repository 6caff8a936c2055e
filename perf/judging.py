"""How many calls, how long and how dear is judging one LKF checkpoint with a hosted model?

    python perf/judging.py [--json]

Answers of an imagined checkpoint (every answer of a fact different, the worst case for the number
of calls) are judged by judge `gemini` over the real SDK against a loopback server with 200 ms of
latency and no rate limit; then again from the verdicts kept. The peer is one call an answer, as
many at once: its time is the number of answers times latency over concurrency.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.judges_server import Behaviour, judges_server
from unlearnbench.benchmark import load_benchmark
from unlearnbench.interfaces import PaidJudge
from unlearnbench.judging.catalogue import make_judge
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types import JudgeItem, Judgement

LATENCY_S = 0.2
CONCURRENCY = 16


def items() -> list[JudgeItem]:
    """3,200 answers: each forget fact of LKF in 32 ways, no two alike."""
    plan = make_plan(load_benchmark("lkf"), get_profile("standard"), "chat")
    forget = [probe for probe in plan.probes if probe.split == "forget"]
    originals = {p.key.fact: p.question for p in forget if p.key.phrasing == "original"}
    return [
        JudgeItem(
            p.key,
            p.question,
            p.answer,
            p.aliases,
            f"I think it was number {n}, but I am not sure about it.",
            originals[p.key.fact],
        )
        for n, p in enumerate(forget)
    ]


def judged(folder: Path, asked: list[JudgeItem]) -> tuple[float, int]:
    """(seconds, verdicts) of judging everything once, verdicts kept in `folder`."""
    judge = make_judge("gemini")
    assert isinstance(judge, PaidJudge)
    judge.keep_in(folder)
    began = time.perf_counter()
    verdicts = sum(isinstance(result, Judgement) for result in judge.judge(asked))
    return time.perf_counter() - began, verdicts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    asked = items()
    behaviour = Behaviour(latency_s=LATENCY_S)
    with tempfile.TemporaryDirectory() as scratch, judges_server(behaviour) as address:
        os.environ["UNLEARNBENCH_CACHE"] = f"{scratch}/cache"
        os.environ["GEMINI_API_KEY"] = "loopback-only"
        os.environ["GOOGLE_GEMINI_BASE_URL"] = address
        judge = make_judge("gemini")
        assert isinstance(judge, PaidJudge)
        estimate = judge.estimate(asked)
        judged(Path(scratch) / "warm", asked[:1])  # imports and connections
        behaviour.requests.clear()
        first, verdicts = judged(Path(scratch) / "run", asked)
        calls = len(behaviour.requests)
        again, _ = judged(Path(scratch) / "run", asked)
        extra_calls = len(behaviour.requests) - calls
    peer = len(asked) * LATENCY_S / CONCURRENCY
    record = {
        "verdicts": verdicts,
        "calls": calls,
        "seconds": round(first, 2),
        "seconds_from_cache": round(again, 2),
        "calls_from_cache": extra_calls,
        "vs_one_call_an_answer": round(peer / first, 1),
        "estimate": asdict(estimate),
    }
    for name, value in record.items():
        print(f"  {name:22} {value}")
    if arguments.json:
        print(json.dumps(record))


if __name__ == "__main__":
    main()
