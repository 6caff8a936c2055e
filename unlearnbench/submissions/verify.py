"""Check a submission without its model: everything that it claims is derived again.

Nothing of a submission is run, unpickled or followed; files are bounded before they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.errors import BenchmarkError, UnlearnbenchError
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Judge
from unlearnbench.protocol.evaluate import to_judge
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.protocol.run import Run
from unlearnbench.submissions.bundle import FILES, RANKABLE
from unlearnbench.submissions.records import read_completions, read_outcomes
from unlearnbench.submissions.schema import RunClaim, Submission
from unlearnbench.submissions.strict import Refusal, lines, parse, read_bytes, sha256, tree
from unlearnbench.types import Completion, Judgement

Part = Literal["run", "base"]
PARTS: tuple[Part, ...] = ("run", "base")
JudgeOf = Callable[[str], Judge]
CLOCK_SLACK = timedelta(hours=24)
SHARED_ANSWERS = 0.999
"""Two rows of different checkpoints do not answer this share of all probes to the letter."""


@dataclass(frozen=True)
class Checked:
    """A submission that was read: its claim, its runs rebuilt, its attacks' records."""

    folder: Path
    claim: Submission
    runs: Mapping[Part, Run]
    attacks: Mapping[str, Any]
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Verification:
    """`reasons` why a submission is refused; empty if it stands. `checked` if it could be read."""

    folder: Path
    reasons: Sequence[Refusal]
    checked: Checked | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def verify(folder: Path, judge_of: JudgeOf) -> Verification:
    """Check one submission.

    `judge_of` makes a listed judge by name. Never raises for what the submission holds.
    """
    try:
        checked = _read(folder)
    except Refusal as reason:
        return Verification(folder, [reason])
    reasons = [
        *_times(checked.claim),
        *_judges(checked, judge_of),
        *_scores(checked),
        *_attacks(checked),
    ]
    return Verification(folder, reasons, checked)


def _read(folder: Path) -> Checked:
    if folder.is_symlink() or not folder.is_dir():
        raise Refusal("not-a-folder", folder.name, "a submission is a folder")
    files = tree(folder, FILES)
    data = {name: read_bytes(path, name) for name, path in files.items()}
    _sums(data)
    claim = _claim(data["submission.json"])
    benchmark = _benchmark(claim)
    plans: dict[str, Plan] = {}
    runs = {
        part: _run(folder, part, getattr(claim, part), data, benchmark, plans) for part in PARTS
    }
    attacks = {
        kind: parse(data[f"{kind}.json"], f"{kind}.json")
        for kind in ("relearn", "stress")
        if f"{kind}.json" in data
    }
    answers = {
        str(key): result.text
        for key, result in runs["run"].completions.items()
        if isinstance(result, Completion)
    }
    return Checked(folder, claim, runs, attacks, answers)


def _sums(data: Mapping[str, bytes]) -> None:
    """`SHA256SUMS` names every other file, once, with its digest."""
    needed = FILES - {"relearn.json", "stress.json"}
    missing = sorted(needed - set(data))
    if missing:
        raise Refusal("missing-file", missing[0], "a submission needs it")
    listed: dict[str, str] = {}
    for line in data["SHA256SUMS"].decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if name in listed:
            raise Refusal("sums", "SHA256SUMS", f"{name!r} stands twice")
        listed[name] = digest
    others = set(data) - {"SHA256SUMS"}
    if set(listed) != others:
        odd = sorted(set(listed) ^ others)[0]
        raise Refusal("sums", "SHA256SUMS", f"{odd!r} is listed or there, but not both")
    for name in sorted(others):
        if sha256(data[name]) != listed[name]:
            raise Refusal("sums", name, "its sha256 is not the one in SHA256SUMS")


def _claim(data: bytes) -> Submission:
    found = parse(data, "submission.json")
    try:
        return Submission.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "its top"
        raise Refusal("schema", f"submission.json, {place[:80]}", first["msg"]) from error


def _benchmark(claim: Submission) -> Benchmark:
    """The benchmark that ships, if it is the very one that was asked."""
    identity = claim.run.identity
    if "/" in identity.benchmark or identity.benchmark.startswith("."):
        raise Refusal("benchmark", "submission.json", "a benchmark is named, not a path")
    try:
        benchmark = load_benchmark(identity.benchmark)
    except (BenchmarkError, UnlearnbenchError) as error:
        raise Refusal("benchmark", "submission.json", str(error)[:200]) from error
    if benchmark.fingerprint != identity.benchmark_fingerprint:
        what = f"{benchmark.id} {benchmark.version} is another than the one that was asked"
        raise Refusal("benchmark", "submission.json", what)
    return benchmark


def _run(
    folder: Path,
    part: Part,
    claim: RunClaim,
    data: Mapping[str, bytes],
    benchmark: Benchmark,
    plans: dict[str, Plan],
) -> Run:
    """The run behind a claim: the plan rendered here, the answers and verdicts as sent."""
    plan = _plan(part, claim, benchmark, plans)
    keys = {probe.key for probe in plan.probes}
    completions = read_completions(
        lines(data[f"{part}/completions.jsonl"], f"{part}/completions.jsonl"),
        keys,
        f"{part}/completions.jsonl",
        claim.identity.max_new_tokens,
    )
    outcomes = read_outcomes(
        lines(data[f"{part}/outcomes.jsonl"], f"{part}/outcomes.jsonl"),
        completions,
        f"{part}/outcomes.jsonl",
        claim.identity.judge_identity,
    )
    return Run(folder / part, claim.model_dump(), plan.probes, completions, outcomes)


def _plan(part: Part, claim: RunClaim, benchmark: Benchmark, plans: dict[str, Plan]) -> Plan:
    """The plan that the claim names, rendered here; `plans` keeps it for the other run."""
    identity, where = claim.identity, f"submission.json, {part}"
    profile = PROFILES.get(identity.profile)
    if profile is None or identity.profile not in RANKABLE:
        what = f"{identity.profile} is not ranked; {', '.join(RANKABLE)} is"
        raise Refusal("profile", where, what)
    if profile.fingerprint != identity.profile_fingerprint:
        raise Refusal("protocol", where, "made with another version of the protocol")
    if identity.benchmark_fingerprint != benchmark.fingerprint:
        raise Refusal("benchmark", where, "run and base were asked different benchmarks")
    if identity.max_new_tokens != profile.max_new_tokens:
        raise Refusal("protocol", where, f"{identity.max_new_tokens} new tokens were allowed")
    if identity.seed != 0:
        raise Refusal("protocol", where, "rows are ranked with seed 0, as everyone's")
    if identity.prompt_format not in plans:
        plan = make_plan(benchmark, profile, identity.prompt_format, identity.seed)
        plans[identity.prompt_format] = plan
        plans[f"sha256 {plan.fingerprint}"] = plan
    if plans.get(f"sha256 {identity.plan}") is not plans[identity.prompt_format]:
        raise Refusal("plan", where, "the prompts are not those that the protocol renders")
    return plans[identity.prompt_format]


def _times(claim: Submission) -> Iterator[Refusal]:
    now = datetime.now(UTC) + CLOCK_SLACK
    for part in PARTS:
        run: RunClaim = getattr(claim, part)
        where = f"submission.json, {part}"
        begun, done = (datetime.fromisoformat(t) for t in (run.created, run.finished))
        if not begun <= done <= datetime.fromisoformat(claim.created) + CLOCK_SLACK:
            yield Refusal("times", where, "begun, finished, submitted: not in order")
        if done > now:
            yield Refusal("times", where, "finished in the future")
    if datetime.fromisoformat(claim.created) > now:
        yield Refusal("times", "submission.json", "submitted in the future")


def _judges(checked: Checked, judge_of: JudgeOf) -> Iterator[Refusal]:
    """The judge is a listed one of this version, and no certain finding of the rules is missing."""
    for part in PARTS:
        identity = getattr(checked.claim, part).identity
        try:
            judge = judge_of(identity.judge)
        except UnlearnbenchError as error:
            yield Refusal("judge", f"submission.json, {part}", str(error)[:200])
            continue
        if judge.identity != identity.judge_identity:
            what = f"{identity.judge} of this version is another judge; judge the run again"
            yield Refusal("judge", f"submission.json, {part}", what)
            continue
        yield from _verdicts(part, checked.runs[part], judge, judge_of("rules"))


def _verdicts(part: Part, run: Run, judge: Judge, rules: Judge) -> Iterator[Refusal]:
    """All verdicts of the rules again; of another judge, those that the rules are certain of."""
    exact = judge.name == "rules"
    items = [
        item for block in Plan(run.probes).blocks() for item in to_judge(block, run.completions, {})
    ]
    # What the rules look at; many answers of a fact are the same, and are looked at once.
    seen = {(i.question, i.answer, i.aliases, i.response): i for i in items}
    found = {result.key: result for result in rules.judge(list(seen.values()))}
    for item in items:
        mine = found[seen[item.question, item.answer, item.aliases, item.response].key]
        theirs = run.judgements[item.key]
        if not isinstance(mine, Judgement) or not isinstance(theirs, Judgement):
            continue
        if mine.verdict == theirs.verdict or not (exact or mine.verdict == "correct"):
            continue
        what = f"called {theirs.verdict}, which is {mine.verdict}: {mine.raw[:120]}"
        yield Refusal("verdict", f"{part}/outcomes.jsonl, {item.key}", what)
        return


def _scores(checked: Checked) -> Iterator[Refusal]:
    """Every score again from the raw verdicts, equal to the last digit."""
    for part in PARTS:
        claim: RunClaim = getattr(checked.claim, part)
        found = checked.runs[part].scores
        if set(found) != set(claim.scores):
            odd = sorted(set(found) ^ set(claim.scores))[0]
            where = f"submission.json, {part}"
            yield Refusal("scores", where, f"{odd} is claimed or had, not both")
            continue
        for name, score in found.items():
            said = claim.scores[name]
            mine = (score.low, score.high, score.n, score.interval.low, score.interval.high)
            if mine != (said.low, said.high, said.n, *said.interval) or said.value != score.low:
                what = f"claimed {said.value}, the verdicts give {score.low}"
                yield Refusal("scores", f"submission.json, {part}, {name}", what)


def _attacks(checked: Checked) -> Iterator[Refusal]:
    """Attack records are of this checkpoint and benchmark, and complete."""
    identity = checked.claim.run.identity
    for kind, record in checked.attacks.items():
        where = f"{kind}.json"
        about = record.get("identity") if isinstance(record, dict) else None
        if not isinstance(about, dict) or record.get("kind") != kind:
            yield Refusal("attack", where, f"not a record of {kind}")
        elif about.get("checkpoint") != identity.checkpoint:
            yield Refusal("attack", where, "of another checkpoint")
        elif about.get("benchmark_fingerprint") != identity.benchmark_fingerprint:
            yield Refusal("attack", where, "of another benchmark")
        elif record.get("status") != "complete" or record.get("n_open") != 0:
            yield Refusal("attack", where, "not complete")
        else:
            yield from _summary(kind, record, where)


def _summary(kind: str, record: Mapping[str, Any], where: str) -> Iterator[Refusal]:
    """What a record sums up follows from its own points."""
    from unlearnbench.submissions.attacks import summed_up

    try:
        expected = summed_up(kind, record)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        yield Refusal("attack", where, f"not the shape of a record ({error!r})"[:200])
        return
    stored = record["summary"] if kind == "relearn" else record["union"]
    if sha256_json(expected) != sha256_json(stored):
        yield Refusal("attack", where, "its summary does not follow from its points")


def copies(checked: Checked, others: Sequence[Checked]) -> Iterator[Refusal]:
    """Other rows that this one's answers are taken from, or that took its answers."""
    for other in others:
        if other.folder == checked.folder:
            continue
        mine, theirs = checked.claim.run.identity, other.claim.run.identity
        if mine.benchmark_fingerprint != theirs.benchmark_fingerprint:
            continue
        same = sum(other.answers.get(key) == text for key, text in checked.answers.items())
        share = same / len(checked.answers)
        if share >= SHARED_ANSWERS and (
            mine.checkpoint != theirs.checkpoint or checked.claim.submitter != other.claim.submitter
        ):
            what = f"{share:.1%} of its answers are those of {other.folder.name}, to the letter"
            yield Refusal("copy", "run/completions.jsonl", what)
