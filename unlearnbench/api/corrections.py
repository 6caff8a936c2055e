"""A run's forget scores, corrected for the measured errors of its judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlearnbench.runs.run import Run
    from unlearnbench.scoring.correction import Corrected


def corrections(run: Run) -> dict[str, Corrected]:
    """By score name; empty while facts are open or where this very judge was not measured."""
    from unlearnbench.judging.calibrations import measured
    from unlearnbench.scoring.correction import JudgeAccuracy, corrected_rate
    from unlearnbench.scoring.scores import FORGET_VIEWS

    result = measured(run.record.judge.identity)
    if result is None or run.n_open:
        return {}
    error = JudgeAccuracy(*result.sensitivity, *result.specificity)
    corrected = {}
    for name, view in FORGET_VIEWS.items():
        score = run.scores.get(name)
        if score is None:
            continue
        answers: dict[str, set[str]] = {}
        for row, probe in zip(run.rows(), run.probes, strict=True):
            if probe.split == "forget" and view(probe.key):
                answers.setdefault(probe.key.fact, set()).add(str(row.response))
        different = sum(len(texts) for texts in answers.values()) / len(answers)
        leaked = round(score.value * score.n)
        corrected[name] = corrected_rate(leaked, score.n, different, error)
    return corrected
