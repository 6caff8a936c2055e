"""Every identity that something stored is matched by, as one table.

`python -m tests.golden` writes the table; do so only where an identity is meant to change.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from unlearnbench.attacks.catalog import PROFILES as RELEARN_PROFILES
from unlearnbench.attacks.catalog import get_relearn_profile
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.judging.catalogue import NoTransport, shipped_judge, shipped_judges
from unlearnbench.judging.llm.definition import load_definition
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.codec import completion_record, outcome_record, probe_record
from unlearnbench.types import (
    Completion,
    Failure,
    Indirect,
    Judgement,
    Probe,
    ProbeKey,
    Source,
)

TABLE = Path(__file__).parent / "fixtures" / "golden" / "fingerprints.json"
BENCHMARKS = ("wkf", "wkf@0.4.0", "lkf", "lkf@1.0.0")
JUDGES = ("rules", "gemini", "gemini-3", "openai", "openai:gpt-5-mini", "jury")


def fingerprints() -> dict[str, str]:
    """Name of what is identified, to its identity."""
    found: dict[str, str] = {}
    for name in BENCHMARKS:
        benchmark = load_benchmark(name)
        found[f"benchmark {name}"] = benchmark.fingerprint
        for profile in PROFILES.values():
            if profile.beyond is not None:
                if not all(row.reverse_responses for row in benchmark.forms):
                    continue
                benchmark = replace(benchmark, indirect=_indirect(benchmark))
            for form in ("chat", "raw"):
                for seed in (0, 7):
                    plan = make_plan(benchmark, profile, form, seed, 6)
                    found[f"plan {name} {profile.name} {form} {seed}"] = plan.fingerprint
    for profile in PROFILES.values():
        found[f"profile {profile.name}"] = profile.fingerprint
    for name in RELEARN_PROFILES:
        for long in (False, True):
            relearn = get_relearn_profile(name, long)
            found[f"relearn profile {relearn.name}"] = relearn.fingerprint
    for name in JUDGES:
        found[f"judge {name}"] = _judge(name)
    return found | _lines()


def _indirect(benchmark: Benchmark) -> tuple[Indirect, ...]:
    """Indirect questions that stay as they are, whatever becomes of those that ship."""
    source = Source("A page", "A claim.")
    facts = benchmark.split("forget")
    return tuple(Indirect(f.id, f"And of {f.id}?", "This", ("That",), source) for f in facts)


def _judge(spec: str) -> str:
    """The identity of a listed judge, or of a shipped definition with a given model."""
    if spec in shipped_judges():
        return shipped_judge(spec).identity
    name, _, model = spec.partition(":")
    definition = load_definition(name)
    assert definition is not None
    return LLMJudge(definition.with_model(model) if model else definition, NoTransport()).identity


def _lines() -> dict[str, str]:
    """What the lines of a run's journals look like, to the byte."""
    key = ProbeKey("f-1", "syntax-2", "icr", 3)
    lines = {
        "answer": completion_record(Completion(key, "Paris", "stop", 4, "so", (1, 2))),
        "plain answer": completion_record(Completion(key, "Paris", "length", 4)),
        "failure": completion_record(Failure(key, "generate", "out of memory")),
        "verdict": outcome_record(Judgement(key, "correct", "a" * 64, "equal", "b" * 64)),
        "probe": probe_record(_probe(key)),
    }
    texts = {name: json.dumps(line, ensure_ascii=False) for name, line in lines.items()}
    return {f"line {n}": hashlib.sha256(t.encode()).hexdigest() for n, t in texts.items()}


def _probe(key: ProbeKey) -> Probe:
    return Probe(key, "forget", "capitals", None, "Q?", "A", ("B",), ("r-1",), (), "Q?\nA:")


if __name__ == "__main__":
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps(fingerprints(), indent=1) + "\n", "utf-8")
