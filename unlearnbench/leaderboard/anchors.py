"""Rows that show what the columns mean: a model that refuses everything, and one that babbles.

Their responses are made up here, not written by a model, and judged and scored like any others.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from unlearnbench.interfaces import Judge
from unlearnbench.leaderboard.derive import entry_of, share_of_known
from unlearnbench.leaderboard.entry import Entry, Known, Questions, questions_of
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.runs.run import Run
from unlearnbench.submissions.attacks import NO_ATTACKS
from unlearnbench.submissions.checks import JudgeOf
from unlearnbench.submissions.verify import Checked, Verification
from unlearnbench.types import Completion, Judgement, Probe, ProbeKey

REFUSAL = "No idea"
REFUSES, BABBLES = "refuses everything", "gibberish"
ANCHORS = (REFUSES, BABBLES)


class Anchors:
    """The made-up rows of each benchmark and profile, with the probes of its first submission.

    `rows`: fingerprints of benchmark and profile -> the anchors.
    """

    def __init__(self, judge_of: JudgeOf) -> None:
        self._judge_of = judge_of
        self.rows: dict[Questions, tuple[Entry, ...]] = {}

    def prepare(self, checked: Checked) -> None:
        """Judge what the anchors of this submission's questions say, once in this process.

        Nothing of it is the submission's, so that it may be done outside the submission's own
        process, which would take it with it.
        """
        if questions_of(checked.claim.run.identity) not in self.rows:
            judge = _ByIdentity.of(self._judge_of("rules"))
            for name in ANCHORS:
                _judged(name, checked.run.probes, judge)

    def of(self, checked: Checked) -> tuple[Entry, ...]:
        """The anchors of this submission's questions, made once."""
        asked = questions_of(checked.claim.run.identity)
        if asked not in self.rows:
            judge = self._judge_of("rules")
            self.rows[asked] = tuple(_entry(name, checked, judge) for name in ANCHORS)
        return self.rows[asked]


def base_anchor(entry: Entry) -> Entry:
    """The model before unlearning, as this submission ran it."""
    claim = replace(
        entry.claim,
        name=entry.claim.base,
        method="before unlearning",
        fingerprint=entry.claim.base_fingerprint,
    )
    return replace(
        entry,
        id="anchor-base",
        claim=claim,
        scores=entry.base_scores,
        among_known=share_of_known(entry.base_states, entry.base_states),
        doubts=(),
        states=entry.base_states,
        relearn=None,
        stress=None,
        utility=None,
        known=Known(None, None),
        attestations=(),
    )


def in_division(anchor: Entry, entry: Entry) -> Entry:
    """An anchor in the division of `entry`, whose base model it is shown with."""
    claim = replace(anchor.claim, base=entry.claim.base)
    return replace(
        anchor,
        claim=claim,
        base_scores=entry.base_scores,
        base_states=entry.base_states,
        base_knowledge=entry.base_knowledge,
        among_known=share_of_known(anchor.states, entry.base_states),
    )


def _entry(name: str, checked: Checked, judge: Judge) -> Entry:
    run = made_up(name, checked.run, judge)
    twin = replace(checked, run=run, attacks=NO_ATTACKS, doubts=(), utility=None)
    entry = entry_of(Verification(checked.folder, (), twin))
    assert isinstance(entry, Entry)
    claim = replace(entry.claim, name=name, method="made up")
    return replace(entry, id=f"anchor-{name}", claim=claim)


@dataclass(frozen=True, slots=True)
class _ByIdentity:
    """A judge; two of one identity give the same verdicts and are equal."""

    identity: str
    judge: Judge = field(compare=False)

    @classmethod
    def of(cls, judge: Judge) -> _ByIdentity:
        """The judge with its identity."""
        return cls(judge.identity, judge)


def made_up(name: str, like: Run, judge: Judge) -> Run:
    """An anchor's run, with the probes of the run `like`."""
    responses, verdicts = _judged(name, like.probes, _ByIdentity.of(judge))
    identity = like.record.identity.model_copy(update={"judge_identity": judge.identity})
    record = like.record.model_copy(update={"identity": identity})
    return Run(like.path, record, like.probes, responses, verdicts)


@lru_cache(maxsize=8)
def _judged(
    name: str, probes: tuple[Probe, ...], by: _ByIdentity
) -> tuple[Mapping[ProbeKey, Completion], Mapping[ProbeKey, Judgement]]:
    """An anchor's responses to these probes and the verdicts on them."""
    responses = {probe.key: _response(name, probe) for probe in probes}
    verdicts = {}
    for block in Plan(probes).blocks():
        for result in judge_readings(by.judge, to_judge(block, responses, {})):
            assert isinstance(result, Judgement)
            verdicts[result.key] = result
    return responses, verdicts


def _response(name: str, probe: Probe) -> Completion:
    text = REFUSAL if name == REFUSES else _babble(str(probe.key))
    return Completion(probe.key, text, "stop", len(text.split()))


def _babble(seed: str) -> str:
    """One syllable repeated, a different one for each probe."""
    draw = random.Random(seed)
    syllable = draw.choice("bdgklmnprst") + draw.choice("aeiou")
    return " ".join([syllable] * 20)
