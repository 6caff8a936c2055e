"""The verdicts of a run folder that count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.runs.folder import RunFolder
from unlearnbench.scoring.answers import why_not_counted
from unlearnbench.types import (
    Completion,
    Failure,
    Judgement,
    Probe,
    ProbeKey,
)


def stored_verdicts(
    folder: RunFolder,
    probes: Sequence[Probe],
    completions: Mapping[ProbeKey, Completion | Failure],
    judge: str,
) -> dict[ProbeKey, Judgement | Failure]:
    """The verdicts of a folder that count under the identity `judge`, by key.

    Any other is a `Failure` that says why, so that its probe is open and is judged again.
    """
    planned = {probe.key: probe for probe in probes}

    def doubt(judgement: Judgement) -> str | None:
        probe, completion = planned.get(judgement.key), completions.get(judgement.key)
        if probe is None or not isinstance(completion, Completion):
            return "a verdict without an answer"
        return why_not_counted(judgement, completion, probe.split, judge)

    return folder.read_outcomes(doubt)
