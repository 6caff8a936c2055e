"""Derive the verdicts of a stored run again, so that an edited one is not believed.

A verdict of judge `rules` follows from the answer, one of a paid judge from its stored reply. Which
implementation a judge's name stands for is looked up by `plugins`; nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.display import visible_line
from unlearnbench.errors import UnlearnbenchError
from unlearnbench.interfaces import DerivableJudge, Judge
from unlearnbench.plugins import stored_judge
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.runs.replies import read_replies
from unlearnbench.types import (
    Completion,
    Failure,
    JudgeItem,
    Judgement,
    Probe,
    ProbeKey,
    StoredReply,
)

STORED_AS = "stored as"
"""How the reason begins why a verdict that does not follow leaves its probe open."""
_LONGEST_NAME = 60
"""Characters of a judge's name that are shown; a folder may name anything."""


@dataclass(frozen=True, slots=True)
class DerivedVerdicts:
    """The verdicts that follow from a run's answers and replies.

    `underived` says why there are none: then the stored ones are all that is known.
    """

    by_key: Mapping[ProbeKey, Judgement | Failure]
    underived: str | None = None

    def doubt(self, stored: Judgement) -> str | None:
        """Why a stored verdict is not the one that follows; None if it is, or none follows."""
        if self.underived is not None:
            return None
        derived = self.by_key.get(stored.key)
        if isinstance(derived, Judgement) and derived.verdict == stored.verdict:
            return None
        follows = derived.verdict if isinstance(derived, Judgement) else "no verdict"
        return f"{STORED_AS} {stored.verdict}, derived again as {follows}"


def derived_verdicts(
    folder: Path,
    probes: Sequence[Probe],
    completions: Mapping[ProbeKey, Completion | Failure],
    judge: tuple[str, str],
) -> DerivedVerdicts:
    """What follows for all answers of a run; `judge` is the run's, by name and identity."""
    items = to_judge(probes, completions, {})
    if not items:
        return DerivedVerdicts({})
    needs_replies = any(text.strip() for item in items for text in item.readings)
    implementation = _judge_with_replies(folder, *judge, needs_replies)
    if isinstance(implementation, str):
        return DerivedVerdicts({}, implementation)
    # Many responses to a fact are equal and need judging once.
    distinct = {_judged(item): item for item in items}
    results = {r.key: r for r in judge_readings(implementation, list(distinct.values()))}
    return DerivedVerdicts({item.key: results[distinct[_judged(item)].key] for item in items})


def _judged(item: JudgeItem) -> tuple[object, ...]:
    return item.fact_question, item.question, item.answer, item.aliases, item.readings


def _judge_with_replies(folder: Path, name: str, identity: str, needs_replies: bool) -> Judge | str:
    """The judge as it judged this run, or why there is none; silence is judged without a reply."""
    shown = visible_line(name[:_LONGEST_NAME])
    try:
        judge: Judge = stored_judge(name)
    except UnlearnbenchError:
        return f"judge {shown} is not one that ships"
    if judge.identity != identity:
        return f"judge {shown} was another version"
    if not isinstance(judge, DerivableJudge):
        return judge
    replies = list(_sound(judge, read_replies(folder)))
    if needs_replies and not replies:
        return f"the replies to judge {shown} are not kept beside them"
    return judge.derived_from(replies)


def _sound(judge: DerivableJudge, replies: Sequence[StoredReply]) -> Iterator[StoredReply]:
    """The replies from which verdicts follow; of two about one response the first counts."""
    seen: set[tuple[str, str, str, tuple[str, ...], str]] = set()
    for reply in replies:
        about = {
            (reply.judge, reply.question, reply.answer, reply.aliases, text)
            for text in reply.responses.values()
        }
        if about & seen or not judge.asks(reply.judge):
            continue
        try:
            judge.derived_from([reply])
        except UnlearnbenchError:
            continue
        seen |= about
        yield reply
