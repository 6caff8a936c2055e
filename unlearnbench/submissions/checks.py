"""What speaks against something that could be read: each check yields its reasons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from unlearnbench.errors import RunError, UnlearnbenchError
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Judge
from unlearnbench.protocol.judging import judge_readings, to_judge
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.identity import departures
from unlearnbench.runs.run import Run
from unlearnbench.submissions.attack_checks import left_out, summed_up
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
    found = {result.key: result for result in judge_readings(rules, list(seen.values()))}
    for item in items:
        mine = found[seen[item.question, item.answer, item.aliases, item.readings].key]
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
    found = run.scores
    if set(found) != set(claim.scores):
        odd = sorted(set(found) ^ set(claim.scores))[0]
        yield Refusal("scores", where, f"{odd} is claimed or had, not both")
        return
    for name, score in found.items():
        said = claim.scores[name]
        mine = (score.low, score.high, score.n, score.interval.low, score.interval.high)
        if mine != (said.low, said.high, said.n, *said.interval) or said.value != score.low:
            what = f"claimed {said.value}, the verdicts give {score.low}"
            yield Refusal("scores", f"{where}, {name}", what)


def about_attacks(
    attacks: Mapping[str, Any], identity: ClaimedIdentity, facts: Collection[str], judge_of: JudgeOf
) -> Iterator[Refusal]:
    """Attack records are of this checkpoint and benchmark, whole, and judged by a listed judge.

    `facts` are the ids of the forget facts.
    """
    for kind, record in attacks.items():
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
        elif about.get("limit") is not None:
            yield Refusal("attack", where, f"only {about['limit']!r} facts were asked"[:100])
        elif not _listed(about, judge_of):
            yield Refusal("attack", where, "judged by no listed judge of this version")
        else:
            yield from _summary(kind, record, facts, where)


def _listed(about: Mapping[str, Any], judge_of: JudgeOf) -> bool:
    try:
        return judge_of(str(about.get("judge"))).identity == about.get("judge_identity")
    except UnlearnbenchError:
        return False


def _summary(
    kind: str, record: Mapping[str, Any], facts: Collection[str], where: str
) -> Iterator[Refusal]:
    """No point is left out, and what a record sums up follows from its points."""
    try:
        lacks = left_out(kind, record, facts)
        expected = None if lacks else summed_up(kind, record)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        StopIteration,
        RunError,
    ) as error:
        yield Refusal("attack", where, f"not the shape of a record ({error!r})"[:200])
        return
    if lacks is not None:
        yield Refusal("attack", where, lacks[:200])
        return
    stored = record["summary"] if kind == "relearn" else record["union"]
    if sha256_json(expected) != sha256_json(stored):
        yield Refusal("attack", where, "its summary does not follow from its points")
