"""Several judges on the same responses, combined by majority or by `any`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from unlearnbench.errors import JudgeError
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import DerivableJudge, Judge, PaidJudge
from unlearnbench.types import (
    Estimate,
    Failure,
    JudgeItem,
    Judgement,
    ProbeKey,
    StoredReply,
    Usage,
    Verdict,
)

Rule = Literal["majority", "any"]


class JuryJudge:
    """Combines the verdicts of its members.

    `any`: correct if one member says so, incorrect only if all do. `majority`: the verdict of more
    than half of all members, so that a failed member can leave an item open but cannot decide it.
    Raises `JudgeError` for fewer than two members, or an even number of them under `majority`.
    """

    def __init__(self, name: str, members: Sequence[Judge], rule: Rule) -> None:
        names = [member.name for member in members]
        if len(members) < 2 or len(set(names)) < len(names):
            raise JudgeError(f"jury {name}: needs two or more different members, has {names}")
        if rule == "majority" and len(members) % 2 == 0:
            raise JudgeError(f"jury {name}: a majority needs an odd number of members, has {names}")
        self.name = name
        self.members = tuple(members)
        self.rule = rule
        self.identity = sha256_json(["jury", rule, sorted(m.identity for m in members)])

    @property
    def paid(self) -> list[PaidJudge]:
        """The members that cost something."""
        return [member for member in self.members if isinstance(member, PaidJudge)]

    @property
    def usage(self) -> Usage:
        """Usage of all members together."""
        used = [member.usage for member in self.paid]
        models: Counter[str] = Counter()
        for usage in used:
            models.update(usage.models)
        return Usage(
            calls=sum(u.calls for u in used),
            input_tokens=sum(u.input_tokens for u in used),
            output_tokens=sum(u.output_tokens for u in used),
            dollars=_total([u.dollars for u in used]),
            models=dict(models),
        )

    def keep_in(self, folder: Path | None) -> None:
        """Keep the verdicts of paid members."""
        for member in self.paid:
            member.keep_in(folder)

    def asks(self, judge: str) -> bool:
        """Whether a stored reply to `judge` is one to a member."""
        return any(isinstance(m, DerivableJudge) and m.asks(judge) for m in self.members)

    def derived_from(self, replies: Sequence[StoredReply]) -> JuryJudge:
        """The jury with the verdicts of its members that follow from stored replies.

        Raises `JudgeError` like its members, and for a reply to none of them.
        """
        if any(not self.asks(reply.judge) for reply in replies):
            raise JudgeError("a call to no member of the jury, or to another version of one")
        members = [
            member.derived_from([reply for reply in replies if member.asks(reply.judge)])
            if isinstance(member, DerivableJudge)
            else member
            for member in self.members
        ]
        return JuryJudge(self.name, members, self.rule)

    def estimate(self, items: Sequence[JudgeItem]) -> Estimate:
        """The cost of judging `items` with all paid members."""
        each = [member.estimate(items) for member in self.paid]
        return Estimate(
            calls=sum(e.calls for e in each),
            verdicts=len(items),
            cached=sum(e.cached for e in each),
            input_tokens=sum(e.input_tokens for e in each),
            output_tokens=sum(e.output_tokens for e in each),
            dollars=_total([e.dollars for e in each]),
        )

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        """The jury's verdict for each item; `raw` holds every member's."""
        results = {member.name: _by_key(member.judge(items)) for member in self.members}
        for item in items:
            votes = {name: member_results.get(item.key) for name, member_results in results.items()}
            verdicts = {n: v.verdict for n, v in votes.items() if isinstance(v, Judgement)}
            verdict = decide_votes(list(verdicts.values()), len(self.members), self.rule)
            if verdict is None:
                failures = {n: v.error for n, v in votes.items() if isinstance(v, Failure)}
                reasons = (
                    "; ".join(f"{n}: {error}" for n, error in failures.items()) or "no verdict"
                )
                yield Failure(item.key, "judge", f"the jury could not decide: {reasons}")
                continue
            raw = json.dumps({"votes": verdicts})
            yield Judgement(item.key, verdict, self.identity, raw)


def decide_votes(votes: Sequence[Verdict], members: int, rule: Rule) -> Verdict | None:
    """The verdict that no missing vote could change, or None."""
    correct, incorrect = votes.count("correct"), votes.count("incorrect")
    if rule == "any":
        if correct:
            return "correct"
        return "incorrect" if incorrect == members else None
    if 2 * correct > members:
        return "correct"
    return "incorrect" if 2 * incorrect > members else None


def votes_of(raw: str) -> Mapping[str, Verdict] | None:
    """The members' votes in a jury's judgement; None if `raw` is not from a jury."""
    try:
        votes = json.loads(raw)["votes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return votes if isinstance(votes, dict) else None


def _total(dollars: Sequence[float | None]) -> float | None:
    amounts = [amount for amount in dollars if amount is not None]
    return sum(amounts) if len(amounts) == len(dollars) else None


def _by_key(results: Iterator[Judgement | Failure]) -> dict[ProbeKey, Judgement | Failure]:
    return {result.key: result for result in results}
