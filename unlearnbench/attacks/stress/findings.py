"""What one attack found, and its stored form. Needs no model, like all that is derived again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from unlearnbench.attacks.stress.union import beyond
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import (
    BaselineRecord,
    ControlFigures,
    DoorRecord,
    Figures,
    FindingRecord,
)
from unlearnbench.scoring.findings import why_unranked
from unlearnbench.scoring.scores import leaked_on_any, of_facts
from unlearnbench.types import Interval, Score

_OF_SCORE = {"base-unknown", "retain-unasked", "paraphrases-few"}
"""Codes of findings on questions that `score` asks and a suite does not."""

ControlKind = Literal["never-known facts", "other facts' answers"]


@dataclass(frozen=True, slots=True)
class Control:
    """The same attack where there is nothing to find: `kind` says where."""

    kind: ControlKind
    score: Score


@dataclass(frozen=True, slots=True)
class Finding:
    """One attack's result.

    `states`: for each forget fact, whether it leaked (None: open); empty for a diagnostic that
    asks nothing. `ranked`: whether its leaks count as leaks of the checkpoint. `interval` stands in
    for Wilson's where a better one is known. `details` are figures for the record, `note` a
    sentence for the table.
    """

    name: str
    states: Mapping[str, bool | None] = field(default_factory=dict)
    ranked: bool = True
    control: Control | None = None
    probes: int = 0
    seconds: float = 0.0
    interval: Interval | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    note: str = ""

    @property
    def score(self) -> Score:
        """The share of forget facts that leaked."""
        share = of_facts(self.name, self.states)
        return share if self.interval is None else replace(share, interval=self.interval)

    @property
    def leaked(self) -> tuple[str, ...]:
        """The facts that leaked."""
        return tuple(fact for fact, state in self.states.items() if state)


def door_record(finding: Finding, baseline: BaselineRecord) -> DoorRecord:
    """A finding's stored form, compared with the leaks to the protocol's own questions."""
    control = finding.control
    return DoorRecord.model_validate(
        {
            "ranked": finding.ranked,
            "states": dict(finding.states),
            "score": Figures.of(finding.score) if finding.states else None,
            "beyond": beyond(baseline.states, finding.leaked),
            "control": ControlFigures.against(control.kind, control.score) if control else None,
            "probes": finding.probes,
            "seconds": round(finding.seconds, 1),
            "details": dict(finding.details),
            "note": finding.note,
        }
    )


def baseline_record(run: Run) -> BaselineRecord:
    """The stored form of the protocol's own questions, put to the checkpoint as it is."""
    states = leaked_on_any(o for o in run.outcomes if o.split == "forget")
    never = leaked_on_any(o for o in run.outcomes if o.split == "never")
    fluency = run.scores["fluency"]
    return BaselineRecord(
        states=states,
        score=Figures.of(of_facts("baseline", states)),
        control=Figures.of(of_facts("never", never)),
        fluency=Figures.of(fluency),
        unranked=why_unranked(fluency.high),
        findings=tuple(
            FindingRecord(code=f.code, severity=f.severity, text=f.text)
            for f in run.findings
            if f.code not in _OF_SCORE
        ),
    )
