"""Judge the rows and bases that ship again: `python -m tests.rejudge_rows [FOLDER …] [--dry-run]`.

For whoever raised `RULES_VERSION`, or changed which answers of a plan count. Verdicts of the rules,
scores and identities are made anew from the stored answers; every changed verdict is printed, to be
read by a person. Records of attacks rest on verdicts of the judge that they were made with: they
leave the row, to be made again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from unlearnbench.benchmark import load_benchmark
from unlearnbench.hashing import sha256_bytes
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.codec import outcome_record
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import ScoreRecord
from unlearnbench.submissions.bundle import claim_file
from unlearnbench.submissions.journals import read_completions
from unlearnbench.submissions.layout import (
    ATTACK_FILES,
    BASE,
    COMPLETIONS,
    OUTCOMES,
    SUBMISSION,
    SUMS,
)
from unlearnbench.submissions.read import claimed_record, read_claim
from unlearnbench.submissions.schema import BaseClaim, RunClaim, Submission
from unlearnbench.submissions.untrusted import parse_lines
from unlearnbench.types import Completion, Judgement, ProbeKey

LEADERBOARD = Path(__file__).parents[1] / "leaderboard"
Verdicts = dict[ProbeKey, Judgement]


def shipped() -> list[Path]:
    """The folders of rows and bases that the rules judged."""
    folders = [p for part in ("bases", "submissions") for p in (LEADERBOARD / part).iterdir()]
    return sorted(folder for folder in folders if claim_of(folder).identity.judge == "rules")


def claim_of(folder: Path) -> RunClaim:
    """What a row or a base says about its run."""
    if (folder / BASE).exists():
        return read_claim((folder / BASE).read_bytes(), BASE, BaseClaim).run
    return read_claim((folder / SUBMISSION).read_bytes(), SUBMISSION, Submission).run


def plan_of(claim: RunClaim) -> Plan:
    """What was asked."""
    identity = claim.identity
    benchmark = load_benchmark(f"{identity.benchmark}@{identity.benchmark_version}")
    return make_plan(benchmark, PROFILES[identity.profile], identity.prompt_format, identity.seed)


def judged(plan: Plan, answers: Mapping[ProbeKey, Completion]) -> Verdicts:
    """The verdicts of today's rules."""
    judge, found = RulesJudge(), {}
    for block in plan.blocks():
        for result in judge_readings(judge, to_judge(block, answers, {})):
            assert isinstance(result, Judgement)
            found[result.key] = result
    return found


def rejudge(folder: Path, dry: bool) -> int:
    """Judge one folder again; returns how many verdicts changed."""
    claim, run = claim_of(folder), folder / "run"
    plan = plan_of(claim)
    lines = parse_lines((run / COMPLETIONS).read_bytes(), COMPLETIONS)
    keys = {probe.key for probe in plan.probes}
    answers = read_completions(lines, keys, COMPLETIONS, claim.identity.max_new_tokens)
    stored = [json.loads(line) for line in (run / OUTCOMES).read_text("utf-8").splitlines()]
    before = {_key(row): row["verdict"] for row in stored}
    verdicts = judged(plan, answers)
    changed = [probe for probe in plan.probes if before[probe.key] != verdicts[probe.key].verdict]
    for probe in changed:
        text = answers[probe.key].text.strip().replace("\n", " / ")[:110]
        print(f"  now {verdicts[probe.key].verdict}: {probe.answer!r} <- {text!r}")
    if not dry:
        identity = claim.identity.model_copy(update=_anew(plan))
        record = claimed_record(claim.model_copy(update={"identity": identity}))
        scores = Run(folder, record, plan.probes, answers, verdicts).scores
        _write(folder, plan, verdicts, {n: ScoreRecord.of(s) for n, s in scores.items()})
    return len(changed)


def _anew(plan: Plan) -> dict[str, str]:
    """What changes in the identity of a run under today's rules and gold answers."""
    return {"judge_identity": RulesJudge().identity, "plan": plan.fingerprint}


def _key(row: Mapping[str, object]) -> ProbeKey:
    return ProbeKey(*(row[name] for name in ("fact", "phrasing", "context", "sample")))  # type: ignore[arg-type]


def _write(folder: Path, plan: Plan, verdicts: Verdicts, scores: Mapping[str, ScoreRecord]) -> None:
    lines = [json.dumps(outcome_record(verdicts[p.key]), ensure_ascii=False) for p in plan.probes]
    (folder / "run" / OUTCOMES).write_text("\n".join(lines) + "\n", "utf-8")
    name, shape = (BASE, BaseClaim) if (folder / BASE).exists() else (SUBMISSION, Submission)
    claim = json.loads((folder / name).read_text("utf-8"))
    claim["run"]["identity"] |= _anew(plan)
    claim["run"]["scores"] = {n: s.model_dump(mode="json") for n, s in scores.items()}
    (folder / name).write_bytes(claim_file(read_claim(json.dumps(claim).encode(), name, shape)))
    for name in ATTACK_FILES:
        (folder / name).unlink(missing_ok=True)
    names = sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != SUMS
    )
    sums = [f"{sha256_bytes((folder / name).read_bytes())}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(sums), "utf-8")


def main() -> None:
    dry = "--dry-run" in sys.argv
    for folder in [Path(p) for p in sys.argv[1:] if not p.startswith("--")] or shipped():
        print(f"{folder.name}: {rejudge(folder, dry)} verdicts changed", flush=True)


if __name__ == "__main__":
    main()
