"""The verdicts of a run folder that count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unlearnbench.runs.derived import derived_verdicts
from unlearnbench.runs.folder import RunFolder
from unlearnbench.scoring.answers import why_not_counted
from unlearnbench.types import (
    Completion,
    Failure,
    Judgement,
    Probe,
    ProbeKey,
)

if TYPE_CHECKING:
    from unlearnbench.runs.schema.identity import RunIdentity


def stored_verdicts(
    folder: RunFolder,
    probes: Sequence[Probe],
    completions: Mapping[ProbeKey, Completion | Failure],
    identity: RunIdentity,
) -> tuple[dict[ProbeKey, Judgement | Failure], str | None]:
    """The verdicts of a folder that count for the judge in `identity`, by key.

    Any other is a `Failure` that says why, so that its probe is open and is judged again: one of
    another judge, on another answer, or one that does not follow from what is stored. The second
    value says why the verdicts could not be derived again and are believed as they are stored.
    """
    planned = {probe.key: probe for probe in probes}
    judge = (identity.judge, identity.judge_identity)
    derived = derived_verdicts(folder.path, probes, completions, judge)

    def doubt(judgement: Judgement) -> str | None:
        probe, completion = planned.get(judgement.key), completions.get(judgement.key)
        if probe is None or not isinstance(completion, Completion):
            return "a verdict without an answer"
        reason = why_not_counted(judgement, completion, probe.split, identity.judge_identity)
        return reason or derived.doubt(judgement)

    return folder.read_outcomes(doubt), derived.underived
