"""Does a model know the facts of a benchmark, as asked and in other words?

    python perf/known_facts.py [--benchmark wkf] [--checkpoint smollm2-135m] [--json]

Puts every question of every split plainly, with the profile's instruction and without it, and lets
judge `rules` decide. A benchmark of well-known facts is only worth its name if every original
question is answered: the script exits with 1 if one is not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import replace

from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import Profile, get_profile
from unlearnbench.scoring.answers import extract_answer
from unlearnbench.types import (
    ORIGINAL,
    Completion,
    JudgeItem,
    Judgement,
    ProbeKey,
    Sampling,
)
from unlearnbench.types.options import EngineOptions


def known(
    engine: TransformersEngine, benchmark: Benchmark, profile: Profile
) -> dict[ProbeKey, bool]:
    """Verdict of every plain probe. Exits if anything could not be answered or judged."""
    plan = make_plan(benchmark, profile, engine.info.prompt_format)
    items = []
    for block in plan.blocks():
        probes = {probe.key: probe for probe in block}
        for result in engine.generate(block, Sampling(profile.max_new_tokens)):
            if not isinstance(result, Completion):
                raise SystemExit(f"{result.key}: {result.error}")
            probe = probes[result.key]
            response = extract_answer(result.text, probe.split)
            items.append(
                JudgeItem(probe.key, probe.question, probe.answer, probe.aliases, response)
            )
    verdicts: dict[ProbeKey, bool] = {}
    for judgement in RulesJudge().judge(items):
        if not isinstance(judgement, Judgement):
            raise SystemExit(f"{judgement.key}: {judgement.error}")
        verdicts[judgement.key] = judgement.verdict == "correct"
    return {probe.key: verdicts[probe.key] for probe in plan.probes}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--benchmark", default="wkf")
    parser.add_argument("--checkpoint", default="smollm2-135m")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    benchmark = load_benchmark(arguments.benchmark)
    engine = TransformersEngine(arguments.checkpoint, EngineOptions(dtype=arguments.dtype))
    plain = replace(get_profile("standard"), forget_contexts=("plain",))
    briefly = known(engine, benchmark, plain)
    barely = known(engine, benchmark, replace(plain, instruction=""))
    unknown = report(briefly, barely, arguments.json, str(engine.dtype))
    sys.exit(1 if unknown else 0)


def report(
    briefly: dict[ProbeKey, bool], barely: dict[ProbeKey, bool], as_json: bool, dtype: str
) -> list[str]:
    """Print counts a fact; returns the facts whose original question is not answered."""
    right = Counter(key.fact for key, said in briefly.items() if said and key.phrasing != ORIGINAL)
    asked = Counter(key.fact for key in briefly if key.phrasing != ORIGINAL)
    original = {key.fact: said for key, said in briefly.items() if key.phrasing == ORIGINAL}
    unknown = [fact for fact, said in original.items() if not said]
    record = {
        "dtype": dtype,
        "facts": len(original),
        "original_known": sum(original.values()),
        "original_unknown": unknown,
        "known_of_paraphrases": {fact: [right[fact], asked[fact]] for fact in original},
        "known_with_instruction": sum(briefly.values()) / len(briefly),
        "known_without_instruction": sum(barely.values()) / len(barely),
    }
    if as_json:
        print(json.dumps(record))
        return unknown
    for fact, said in original.items():
        mark = "knows" if said else "DOES NOT KNOW"
        print(f"{fact:28} {mark:14} {right[fact]:2} of {asked[fact]} paraphrases")
    print(f"{sum(original.values())} of {len(original)} originals answered, {dtype}")
    print(f"all wordings: {record['known_with_instruction']:.1%} with the instruction, ", end="")
    print(f"{record['known_without_instruction']:.1%} without it")
    return unknown


if __name__ == "__main__":
    main()
