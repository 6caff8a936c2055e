"""Reasons to doubt a claim or a record that parsed: each check yields its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta

from unlearnbench.errors import UnlearnbenchError
from unlearnbench.interfaces import Judge
from unlearnbench.protocol.judging import judge_readings, to_judge
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.identity import departures
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema.identity import AttackIdentity
from unlearnbench.submissions.attack_checks import AttackRecords, adds_up, left_out
from unlearnbench.submissions.attacks import Attacks
from unlearnbench.submissions.schema import ClaimedIdentity, RunClaim
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Judgement

JudgeOf = Callable[[str], Judge]
CLOCK_SLACK = timedelta(hours=24)


def about_times(claim: RunClaim, sent: str, where: str) -> Iterator[Refusal]:
    """Begun, finished and sent follow each other, up to a day of clocks that go wrong."""
    begun, done = (datetime.fromisoformat(t) for t in (claim.created, claim.finished))
    if not begun <= done <= datetime.fromisoformat(sent) + CLOCK_SLACK:
        yield Refusal("times", where, "begun, finished, submitted: not in order")
    if done > datetime.now(UTC) + CLOCK_SLACK:
        yield Refusal("times", where, "finished in the future")


def about_protocol(claim: RunClaim, where: str) -> Iterator[Refusal]:
    """Prompts and decoding are the protocol's, as far as the engine's settings tell."""
    changes = departures(claim.settings)
    if changes:
        yield Refusal("protocol", where, f"not the protocol: {', '.join(changes)}")


def about_sending(sent: str, where: str) -> Iterator[Refusal]:
    """Nothing is sent from the future."""
    if datetime.fromisoformat(sent) > datetime.now(UTC) + CLOCK_SLACK:
        yield Refusal("times", where, "submitted in the future")


def about_judge(claim: RunClaim, run: Run, judge_of: JudgeOf, where: str) -> Iterator[Refusal]:
    """The judge is a listed one of this version, and no certain finding of the rules is missing."""
    identity = claim.identity
    try:
        judge = judge_of(identity.judge)
    except UnlearnbenchError as error:
        yield Refusal("judge", where, str(error)[:200])
        return
    if judge.identity != identity.judge_identity:
        what = f"{identity.judge} of this version is another judge; judge the run again"
        yield Refusal("judge", where, what)
        return
    yield from _verdicts(run, judge, judge_of("rules"))


def _verdicts(run: Run, judge: Judge, rules: Judge) -> Iterator[Refusal]:
    """All verdicts of the rules again; of another judge, those that the rules are certain of."""
    exact = judge.name == "rules"
    items = [
        item for block in Plan(run.probes).blocks() for item in to_judge(block, run.completions, {})
    ]
    # What the rules look at; many answers of a fact are the same, and are looked at once.
    seen = {(i.question, i.answer, i.aliases, i.readings): i for i in items}
    certain = {result.key: result for result in judge_readings(rules, list(seen.values()))}
    for item in items:
        mine = certain[seen[item.question, item.answer, item.aliases, item.readings].key]
        theirs = run.judgements[item.key]
        if not isinstance(mine, Judgement) or not isinstance(theirs, Judgement):
            continue
        if mine.verdict == theirs.verdict or not (exact or mine.verdict == "correct"):
            continue
        what = f"called {theirs.verdict}, which is {mine.verdict}: {mine.raw[:120]}"
        yield Refusal("verdict", f"{run.path.name}/outcomes.jsonl, {item.key}", what)
        return


def about_scores(claim: RunClaim, run: Run, where: str) -> Iterator[Refusal]:
    """Every score again from the raw verdicts, equal to the last digit."""
    scores = run.scores
    if set(scores) != set(claim.scores):
        odd = sorted(set(scores) ^ set(claim.scores))[0]
        yield Refusal("scores", where, f"{odd} is claimed or had, not both")
        return
    for name, score in scores.items():
        stated = claim.scores[name]
        mine = (score.low, score.high, score.n, score.interval.low, score.interval.high)
        if (
            mine != (stated.low, stated.high, stated.n, *stated.interval)
            or stated.value != score.low
        ):
            what = f"claimed {stated.value}, the verdicts give {score.low}"
            yield Refusal("scores", f"{where}, {name}", what)


def about_attacks(
    attacks: Attacks, identity: ClaimedIdentity, facts: Collection[str], judge_of: JudgeOf
) -> Iterator[Refusal]:
    """Attack records are of this checkpoint and benchmark, whole, and judged by a listed judge.

    `facts` are the ids of the forget facts.
    """
    for record in attacks.records:
        reason = _doubt(record, identity, facts, judge_of)
        if reason is not None:
            yield Refusal("attack", f"{record.kind}.json", reason[:200])


def _doubt(
    record: AttackRecords, identity: ClaimedIdentity, facts: Collection[str], judge_of: JudgeOf
) -> str | None:
    """The first reason why an attack record does not count."""
    about = record.identity
    if about.checkpoint != identity.checkpoint:
        return "of another checkpoint"
    if about.benchmark_fingerprint != identity.benchmark_fingerprint:
        return "of another benchmark"
    if record.status != "complete" or record.n_open:
        return "not complete"
    if about.limit is not None:
        return f"only {about.limit} facts were asked"
    if not _listed(about, judge_of):
        return "judged by no listed judge of this version"
    missing = left_out(record, facts)
    if missing is not None:
        return missing
    return None if adds_up(record) else "its summary does not follow from its points"


def _listed(about: AttackIdentity, judge_of: JudgeOf) -> bool:
    try:
        return judge_of(about.judge).identity == about.judge_identity
    except UnlearnbenchError:
        return False
