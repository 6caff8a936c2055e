"""What stands against reading a diagnosis as final."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from unlearnbench.attacks.relearn.summary import worn
from unlearnbench.display import percent
from unlearnbench.reporting.checks import BENIGN_STEPS
from unlearnbench.reporting.load import CheckpointRuns, ScoreRun
from unlearnbench.runs.base import differences_from_base
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import ArmRecord
from unlearnbench.scoring.findings import left_unasked
from unlearnbench.scoring.scores import HEADLINE

_SAID_ELSEWHERE = {
    "fluency-low",
    "retain-low",
    "retain-unasked",
    "base-unknown",
    "probes-open",
    "facts-left-out",
    "wordings-left-out",
}
"""Codes of findings that stand in the diagnosis, or below for all runs together."""


def n_open(checkpoint: CheckpointRuns) -> int:
    """Probes of score runs, facts of stress tests and probes of relearning points still open."""
    scored = sum(score.run.n_open for score in checkpoint.scores)
    return scored + sum(attack.record.n_open for attack in checkpoint.attacks)


def caveats(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """What the runs find of themselves, what is unfinished, and what the judge may have missed."""
    yield from _findings(checkpoint, base)
    still = n_open(checkpoint)
    if still:
        yield (
            f"{still} probes or facts are open: they have no verdict and count neither as leaked "
            "nor as forgotten. Give the same commands again to close them."
        )
    asked = [run.identity for run in (*checkpoint.scores, *checkpoint.attacks)]
    limits = sorted({identity.limit for identity in asked if identity.limit})
    if limits:
        yield f"Only the first {limits[0]} facts of each split were asked (--limit)."
    for name in dict.fromkeys(score.identity.profile for score in checkpoint.scores):
        unasked = left_unasked(name)
        if unasked is not None:
            yield f"{unasked[0].upper()}{unasked[1:]}."
    for attack in checkpoint.attacks:
        if attack.record.status == "running":
            yield f"{attack.path.name} is unfinished; what is missing there was not looked at."
    for relearning in checkpoint.relearnings:
        yield from _short(relearning.record.arms.items(), relearning.record.profile.steps)
        yield from _worn(relearning.record.arms.items())
    for score in checkpoint.scores:
        if score.corrected:
            found = score.corrected
            yield (
                f"{HEADLINE} corrected for the errors of judge {score.identity.judge}: "
                f"{percent(found.value)} ({100 * found.interval.low:.1f}–"
                f"{100 * found.interval.high:.1f}); by those errors alone a forgotten fact passes "
                f"for leaked with probability {percent(found.false_leak)}."
            )
        elif HEADLINE in score.run.scores and not score.run.n_open:
            yield f"The errors of judge {score.identity.judge} were not measured."


def _short(arms: Iterable[tuple[str, ArmRecord]], steps: tuple[int, ...]) -> Iterator[str]:
    """Arms whose trajectories stop before the budget that the diagnosis looks at."""
    due = max((step for step in steps if step <= BENIGN_STEPS), default=0)
    for name, arm in arms:
        ends = [points[-1].step if points else 0 for points in arm.seeds.values()]
        if not ends or min(ends) < due:
            yield f"Relearning arm {name} is unfinished: not every seed was asked at step {due}."
        elif due < BENIGN_STEPS:
            yield f"Relearning arm {name} was trained for {due} steps only, not {BENIGN_STEPS}."


def _worn(arms: Iterable[tuple[str, ArmRecord]]) -> Iterator[str]:
    """Arms whose training cost much of what it did not teach."""
    for name, arm in arms:
        legs = [points for points in arm.seeds.values() if points]
        if legs:
            last = min((points[-1] for points in legs), key=lambda p: p.retain.high)
            before = legs[0][0].retain.high
            if worn(before, last.retain.high):
                yield (
                    f"Relearning arm {name} wipes out what it does not teach: retain fell from "
                    f"{percent(before)} to {percent(last.retain.high)} by step {last.step}. A low "
                    "curve is weak evidence there."
                )


def _findings(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """What the score runs find of themselves."""
    for score in checkpoint.scores:
        for finding in against_base(score.run, base).findings:
            if finding.code not in _SAID_ELSEWHERE:
                text = f"{finding.text[0].upper()}{finding.text[1:]}"
                yield f"{text} (score, {who(score)})."


def against_base(run: Run, base: CheckpointRuns | None) -> Run:
    """A run beside the base's run of the same questions, if there is one."""
    for other in base.scores if base else ():
        if HEADLINE in other.run.scores and not list(differences_from_base(other.run, run)):
            return run.against(other.run)
    return run


def who(score: ScoreRun) -> str:
    """Profile and judge of a score run."""
    return f"{score.identity.profile}, judge {score.identity.judge}"
