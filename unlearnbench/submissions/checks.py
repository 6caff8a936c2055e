"""Reasons to doubt a claim or a record that parsed: each check yields its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from unlearnbench.errors import UnlearnbenchError
from unlearnbench.interfaces import Judge
from unlearnbench.runs.asked import FULL, fewest_paraphrases
from unlearnbench.runs.identity import departures, was_not_compared
from unlearnbench.runs.judging import judge_readings
from unlearnbench.runs.run import Run
from unlearnbench.submissions.fields import CLOCK_SLACK
from unlearnbench.submissions.layout import ENGINES, NOT_COMPARED, SETTINGS
from unlearnbench.submissions.replies import check_replies, items_of
from unlearnbench.submissions.schema import RunClaim
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Judgement

JudgeOf = Callable[[str], Judge]


def check_times(claim: RunClaim, submitted: str, where: str) -> Iterator[Refusal]:
    """Start, end and submission must be in order; clocks may be off by a day."""
    started, finished = (datetime.fromisoformat(t) for t in (claim.created, claim.finished))
    if not started <= finished <= datetime.fromisoformat(submitted) + CLOCK_SLACK:
        yield Refusal("times", where, "start, end and submission are not in order")
    if finished > datetime.now(UTC) + CLOCK_SLACK:
        yield Refusal("times", where, "finished in the future")


def check_protocol(claim: RunClaim, where: str) -> Iterator[Refusal]:
    """Prompts and decoding must be the protocol's, as far as the engine's settings show."""
    changes = departures(claim.settings)
    if changes:
        yield Refusal("protocol", where, f"not the protocol: {', '.join(changes)}")
    unknown = sorted(set(claim.settings) - SETTINGS)
    if unknown:
        yield Refusal("settings", where, f"{unknown[0]!r}: no such setting of an engine")
    dtype = claim.settings.get("dtype", claim.identity.dtype)
    if dtype != claim.identity.dtype:
        yield Refusal("settings", where, f"dtype is {claim.identity.dtype} and {dtype!r}"[:120])


def check_run(
    claim: RunClaim,
    run: Run,
    replies: bytes | None,
    submitted: str,
    judge_of: JudgeOf | None,
    where: str,
) -> Iterator[Refusal]:
    """All that can be checked of a run that a model made and that was submitted at this time.

    `replies` is the file of a paid judge's replies, if there is one. Without `judge_of` the
    verdicts are not given again.
    """
    if claim.identity.engine not in ENGINES:
        what = f"{claim.identity.engine} makes no answers; send the run that they come from"
        yield Refusal("engine", where, what)
    if was_not_compared(claim.identity.engine, claim.settings):
        yield Refusal("engine", where, NOT_COMPARED)
    yield from check_judged_run(claim, run, replies, submitted, judge_of, where)


def check_judged_run(
    claim: RunClaim,
    run: Run,
    replies: bytes | None,
    submitted: str,
    judge_of: JudgeOf | None,
    where: str,
) -> Iterator[Refusal]:
    """All that can be checked of a run, wherever its answers are from; see `check_run`."""
    yield from check_times(claim, submitted, where)
    yield from check_protocol(claim, where)
    if (few := few_asked(run)) is not None:
        yield Refusal("paraphrases", where, few)
    if judge_of is not None:
        yield from check_judge(claim, run, replies, judge_of, where)
    yield from check_scores(claim, run, where)


def few_asked(run: Run) -> str | None:
    """Why a run asks too little to be ranked: fewer paraphrases than the protocol's; or None."""
    count = fewest_paraphrases(run.probes)
    if count is None or count >= FULL:
        return None
    return f"its forget facts are asked in {count} paraphrases, and {FULL} are ranked"


def check_sending(submitted: str, where: str) -> Iterator[Refusal]:
    """The time of submission must not be in the future."""
    if datetime.fromisoformat(submitted) > datetime.now(UTC) + CLOCK_SLACK:
        yield Refusal("times", where, "submitted in the future")


def check_judge(
    claim: RunClaim, run: Run, replies: bytes | None, judge_of: JudgeOf, where: str
) -> Iterator[Refusal]:
    """The judge must be a listed one of this version, agree with the rules, and if it is paid have
    given its verdicts in the replies.
    """
    identity = claim.identity
    try:
        judge = judge_of(identity.judge)
    except UnlearnbenchError as error:
        yield Refusal("judge", where, str(error)[:200])
        return
    if judge.identity != identity.judge_identity:
        what = f"judge {identity.judge} has changed in this version; judge the run again"
        yield Refusal("judge", where, what)
        return
    yield from _verdicts(run, judge, judge_of("rules"))
    yield from check_replies(run, judge, replies)


def _verdicts(run: Run, judge: Judge, rules: Judge) -> Iterator[Refusal]:
    """Compare with the rules' verdicts: all of them, and their words, for judge `rules`; else only
    `correct` ones.
    """
    exact = judge.name == "rules"
    items = items_of(run)
    # Keyed by what the rules read: many responses to a fact are equal and need judging once.
    distinct = {(i.question, i.answer, i.aliases, i.readings): i for i in items}
    certain = {result.key: result for result in judge_readings(rules, list(distinct.values()))}
    for item in items:
        expected = certain[distinct[item.question, item.answer, item.aliases, item.readings].key]
        stored = run.judgements[item.key]
        if not isinstance(expected, Judgement) or not isinstance(stored, Judgement):
            continue
        same = expected.verdict == stored.verdict
        if same and (expected.raw == stored.raw or not exact):
            continue
        if not (exact or expected.verdict == "correct"):
            continue
        what = f"judged {stored.verdict}, the rules say {expected.verdict}: {expected.raw[:120]}"
        if same:
            what = f"not the judge's words, which are {expected.raw[:120]!r}"
        yield Refusal("verdict", f"{run.path.name}/outcomes.jsonl, {item.key}", what)
        return


def check_scores(claim: RunClaim, run: Run, where: str) -> Iterator[Refusal]:
    """Every claimed score must equal the one computed from the verdicts, to the last digit."""
    scores = run.scores
    if set(scores) != set(claim.scores):
        odd = sorted(set(scores) ^ set(claim.scores))[0]
        yield Refusal("scores", where, f"{odd} is claimed or computed, not both")
        return
    for name, score in scores.items():
        claimed = claim.scores[name]
        computed = (score.low, score.high, score.n, score.interval.low, score.interval.high)
        if (
            computed != (claimed.low, claimed.high, claimed.n, *claimed.interval)
            or claimed.value != score.low
        ):
            what = f"claimed {claimed.value}, the verdicts give {score.low}"
            yield Refusal("scores", f"{where}, {name}", what)
