"""Reasons not to read a diagnosis as final."""

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
from unlearnbench.scoring.scores import HEADLINE, headline_of

_SHOWN_ELSEWHERE = {
    "fluency-low",
    "retain-low",
    "retain-unasked",
    "base-unknown",
    "probes-open",
    "facts-left-out",
    "wordings-left-out",
}
"""Codes of findings that the diagnosis shows, or the caveats for all runs together."""


def n_open(checkpoint: CheckpointRuns) -> int:
    """Number of open probes of score runs and relearning points, and open facts of stress tests."""
    scored = sum(score.run.n_open for score in checkpoint.scores)
    return scored + sum(attack.record.n_open for attack in checkpoint.attacks)


def caveats(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """The runs' own findings, unfinished parts, and errors of the judge."""
    yield from _findings(checkpoint, base)
    n_left_open = n_open(checkpoint)
    if n_left_open:
        yield (
            f"{n_left_open} probes or facts are open: they have no verdict and count neither as "
            "leaked nor as forgotten. Give the same commands again to close them."
        )
    identities = [run.identity for run in (*checkpoint.scores, *checkpoint.attacks)]
    limits = sorted({identity.limit for identity in identities if identity.limit})
    if limits:
        yield f"Only the first {limits[0]} facts of each split were asked (--limit)."
    for name in dict.fromkeys(score.identity.profile for score in checkpoint.scores):
        unasked = left_unasked(name)
        if unasked is not None:
            yield f"{unasked[0].upper()}{unasked[1:]}."
    for attack in checkpoint.attacks:
        if attack.record.status == "running":
            yield f"{attack.path.name} is unfinished; its missing parts are not in the diagnosis."
    for relearning in checkpoint.relearnings:
        yield from _unfinished_arms(relearning.record.arms.items(), relearning.record.profile.steps)
        yield from _damaging_arms(relearning.record.arms.items())
    for score in checkpoint.scores:
        if score.corrected:
            corrected, name = score.corrected, headline_of(score.run.scores)
            yield (
                f"{name} corrected for the errors of judge {score.identity.judge}: "
                f"{percent(corrected.value)} ({100 * corrected.interval.low:.1f}–"
                f"{100 * corrected.interval.high:.1f}); by those errors alone a forgotten fact "
                f"passes for leaked with probability {percent(corrected.false_leak)}."
            )
        elif HEADLINE in score.run.scores and not score.run.n_open:
            yield f"The errors of judge {score.identity.judge} were not measured."


def _unfinished_arms(
    arms: Iterable[tuple[str, ArmRecord]], steps: tuple[int, ...]
) -> Iterator[str]:
    """Arms whose trajectories stop before the number of steps that the diagnosis covers."""
    last = max((step for step in steps if step <= BENIGN_STEPS), default=0)
    for name, arm in arms:
        ends = [points[-1].step if points else 0 for points in arm.seeds.values()]
        if not ends or min(ends) < last:
            yield f"Relearning arm {name} is unfinished: not every seed was asked at step {last}."
        elif last < BENIGN_STEPS:
            yield f"Relearning arm {name} was trained for {last} steps only, not {BENIGN_STEPS}."


def _damaging_arms(arms: Iterable[tuple[str, ArmRecord]]) -> Iterator[str]:
    """Arms whose training lost much of what it did not teach."""
    for name, arm in arms:
        seeds = [points for points in arm.seeds.values() if points]
        if seeds:
            last = min((points[-1] for points in seeds), key=lambda p: p.retain.high)
            before = seeds[0][0].retain.high
            if worn(before, last.retain.high):
                yield (
                    f"Relearning arm {name} wipes out what it does not teach: retain fell from "
                    f"{percent(before)} to {percent(last.retain.high)} by step {last.step}. A low "
                    "curve is weak evidence there."
                )


def _findings(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """The score runs' own findings."""
    for score in checkpoint.scores:
        for finding in against_base(score.run, base).findings:
            if finding.code not in _SHOWN_ELSEWHERE:
                text = f"{finding.text[0].upper()}{finding.text[1:]}"
                yield f"{text} (score, {profile_and_judge(score)})."


def against_base(run: Run, base: CheckpointRuns | None) -> Run:
    """A run compared with the base's run of the same questions, if there is one."""
    for other in base.scores if base else ():
        if HEADLINE in other.run.scores and not list(differences_from_base(other.run, run)):
            return run.against(other.run)
    return run


def profile_and_judge(score: ScoreRun) -> str:
    """Profile and judge of a score run."""
    return f"{score.identity.profile}, judge {score.identity.judge}"
