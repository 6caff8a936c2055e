"""What the runs about a checkpoint say in words: found, cannot be told, not found, not run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearnbench.attacks.catalog import BENIGN
from unlearnbench.display import counted, full_text, listed
from unlearnbench.plugins import available
from unlearnbench.reporting.caveats import against_base, caveats, who
from unlearnbench.reporting.checks import (
    BENIGN_STEPS,
    Check,
    State,
    fluent,
    other_doors,
    overall,
    relearnt,
    retain_answers,
    retained,
    reworded,
    still_known,
)
from unlearnbench.reporting.load import CheckpointRuns, ScoreRun
from unlearnbench.runs.schema import Figures, figures
from unlearnbench.scoring.scores import HEADLINE

CONCLUSION_TITLES = {
    "known": "Still answered as first asked",
    "superficial": "Superficial forgetting",
    "collapse": "Utility collapse",
    "relearning": "Relearning vulnerability",
}
CONCLUSION_MEANINGS = {
    "known": "facts are told when asked in their first wording: those were not forgotten",
    "superficial": "the original wording fails, other ways of asking do not",
    "collapse": "the model broke, so that what looks like forgetting is damage",
    "relearning": f"at most {BENIGN_STEPS} steps on something else bring facts back",
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One diagnosis: its state and, for each run that was looked at, a sentence with numbers."""

    name: str
    state: State
    evidence: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its name for people."""
        return CONCLUSION_TITLES[self.name]

    @property
    def meaning(self) -> str:
        """What it means."""
        return CONCLUSION_MEANINGS[self.name]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All diagnoses of a checkpoint. `caveats` say what stands against reading them as final."""

    headline: tuple[str, ...]
    conclusions: tuple[Conclusion, ...]
    not_run: tuple[str, ...]
    caveats: tuple[str, ...]

    @property
    def lead(self) -> str:
        """The outcome in a sentence or two."""
        found, still_open, absent = (
            [_in_lead(one) for one in self.conclusions if one.state == state]
            for state in ("found", "open", "absent")
        )
        said = []
        if found:
            said.append(f"Found: {listed(found)}.")
        if still_open:
            said.append(f"Cannot be told while probes are open: {listed(still_open)}.")
        if absent and not found and not still_open:
            said.append("None of these was found in what was run.")
        if not said:
            said.append("Nothing was run that could tell.")
        return " ".join(said)


def diagnose(checkpoint: CheckpointRuns, base: CheckpointRuns | None = None) -> Diagnosis:
    """Every diagnosis of a checkpoint; `base` are the runs of the model before unlearning."""
    known = [c for s in checkpoint.scores if (c := still_known(s.run))]
    superficial = [c for s in checkpoint.scores if (c := reworded(s.run))]
    superficial += [
        c for s in checkpoint.stresses if (c := other_doors(s.record, s.baseline)) is not None
    ]
    relearning = [c for r in checkpoint.relearnings for c in relearnt(r.record)]
    checks = {
        "known": known,
        "superficial": superficial,
        "collapse": list(_collapse(checkpoint, base)),
        "relearning": relearning,
    }
    return Diagnosis(
        headline=tuple(_headline(checkpoint, base)),
        conclusions=tuple(
            Conclusion(name, overall(made), tuple(c.evidence for c in made))
            for name, made in checks.items()
        ),
        not_run=tuple(_not_run(checkpoint, base)),
        caveats=tuple(caveats(checkpoint, base)),
    )


def _headline(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """What leaks in the worst case, whatever the diagnoses are."""
    for score in checkpoint.scores:
        if HEADLINE in score.run.scores:
            found = figures(score.run.scores[HEADLINE])
            ways = "in the worst case over all ways of asking"
            yield f"{_leaks(found)} {ways} (score, {who(score)})"
            known = against_base(score.run, base).among_known
            if known is not None and known.n:
                of = "among the facts that the base knew"
                yield f"{_leaks(figures(known))} {of} (score, {who(score)})"
    for stress in checkpoint.stresses:
        if stress.record.union:
            doors = sum(d.ranked and bool(d.states) for d in stress.record.findings.values())
            yield (
                f"{_leaks(stress.record.union.score)} through at least one of "
                f"{counted(doors, 'stress test door')} or as score asks (stress, "
                f"{stress.identity.profile})"
            )


def _leaks(found: Figures) -> str:
    low, high = round(found.low * found.n), round(found.high * found.n)
    count = f"{low}" if low == high else f"{low} to {high}"
    return f"{count} of {counted(found.n, 'forget fact')} leak, {full_text(found)},"


def _collapse(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[Check]:
    for score in checkpoint.scores:
        where = f"score, {who(score)}"
        shares = {n: figures(s) for n, s in score.run.scores.items()}
        made = [fluent(shares["fluency"], where)] if "fluency" in shares else []
        if "retain.mean" in shares:
            before = _base_retain(score, base)
            said = retain_answers(score.run)
            made.append(retained(shares["retain.mean"], before, where, said))
        yield from (check for check in made if check)
    for stress in checkpoint.stresses:
        if stress.record.baseline:
            check = fluent(stress.record.baseline.fluency, "stress, as score asks")
            yield from [check] if check else []
    for relearning in checkpoint.relearnings:
        first, ceiling = relearning.record.first, relearning.record.ceiling
        if first is not None:
            where = "relearn, step 0"
            before = ceiling.retain if ceiling else None
            made = [fluent(first.fluency, where), retained(first.retain, before, where)]
            yield from (check for check in made if check)


def _base_retain(score: ScoreRun, base: CheckpointRuns | None) -> Figures | None:
    """The retain share of a base's run that asked the same retain questions, if there is one."""
    asked = {p.key for p in score.run.probes if p.split == "retain"}
    for other in base.scores if base else ():
        same = {p.key for p in other.run.probes if p.split == "retain"} == asked
        if same and other.identity.judge_identity == score.identity.judge_identity:
            return figures(other.run.scores["retain.mean"])
    return None


def _not_run(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """What nobody has looked at yet."""
    if not any(HEADLINE in s.run.scores for s in checkpoint.scores):
        yield "score: the protocol's own questions"
    if not any("retain.mean" in s.run.scores for s in checkpoint.scores):
        yield "retain questions of the protocol"
    done = {test for s in checkpoint.stresses for test in s.record.seconds}
    missing = [name for name in available("stress") if name not in done]
    if missing:
        yield f"stress tests: {', '.join(missing) if done else 'all'}"
    arms = {name for r in checkpoint.relearnings for name in r.record.arms}
    left = [name for name in BENIGN if name not in arms]
    if left:
        yield f"relearning, benign arms: {', '.join(left) if arms else 'all'}"
    ceilings = [r for r in checkpoint.relearnings if r.record.ceiling]
    if not base and not ceilings:
        yield "the model before unlearning, to compare utility with"


def _in_lead(conclusion: Conclusion) -> str:
    return (
        "facts still answered as first asked"
        if conclusion.name == "known"
        else conclusion.title.lower()
    )
