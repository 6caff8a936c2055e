"""Diagnose a checkpoint from its runs: what is found, still open, not found, or not run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearnbench.attacks.catalog import BENIGN
from unlearnbench.display import counted, full_text, listed
from unlearnbench.plugins import available
from unlearnbench.reporting.caveats import against_base, caveats, profile_and_judge
from unlearnbench.reporting.checks import (
    BENIGN_STEPS,
    Check,
    State,
    fluent,
    other_doors,
    overall,
    paraphrased,
    relearnt,
    retain_answers,
    retained,
    still_known,
)
from unlearnbench.reporting.load import CheckpointRuns, ScoreRun
from unlearnbench.runs.schema import Figures, figures
from unlearnbench.scoring.scores import HEADLINE, headline_of

CONCLUSION_TITLES = {
    "known": "Original questions still answered",
    "superficial": "Superficial forgetting",
    "collapse": "Utility collapse",
    "relearning": "Relearning vulnerability",
}
CONCLUSION_MEANINGS = {
    "known": "facts are answered when asked the original question: those were not forgotten",
    "superficial": "the original question is no longer answered, other ways of asking are",
    "collapse": "the model is damaged, and the damage looks like forgetting",
    "relearning": f"at most {BENIGN_STEPS} steps on something else bring facts back",
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One conclusion: its state and, for each run examined, a sentence with numbers."""

    name: str
    state: State
    evidence: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its display name."""
        return CONCLUSION_TITLES[self.name]

    @property
    def meaning(self) -> str:
        """An explanation in one sentence."""
        return CONCLUSION_MEANINGS[self.name]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All conclusions about a checkpoint. `caveats`: reasons not to read them as final."""

    headline: tuple[str, ...]
    conclusions: tuple[Conclusion, ...]
    not_run: tuple[str, ...]
    caveats: tuple[str, ...]

    @property
    def lead(self) -> str:
        """The outcome in a sentence or two."""
        findings, still_open, absent = (
            [
                _lead_phrase(conclusion)
                for conclusion in self.conclusions
                if conclusion.state == state
            ]
            for state in ("found", "open", "absent")
        )
        sentences = []
        if findings:
            sentences.append(f"Found: {listed(findings)}.")
        if still_open:
            sentences.append(f"Cannot be told while probes are open: {listed(still_open)}.")
        if absent and not findings and not still_open:
            sentences.append("None of these was found in what was run.")
        if not sentences:
            sentences.append("Nothing was run that allows a conclusion.")
        return " ".join(sentences)


def diagnose(checkpoint: CheckpointRuns, base: CheckpointRuns | None = None) -> Diagnosis:
    """Diagnose a checkpoint; `base` holds the runs of the model before unlearning."""
    original = [c for s in checkpoint.scores if (c := still_known(s.run))]
    superficial = [c for s in checkpoint.scores if (c := paraphrased(s.run))]
    superficial += [
        c for s in checkpoint.stresses if (c := other_doors(s.record, s.baseline)) is not None
    ]
    relearning = [c for r in checkpoint.relearnings for c in relearnt(r.record)]
    checks = {
        "known": original,
        "superficial": superficial,
        "collapse": list(_collapse(checkpoint, base)),
        "relearning": relearning,
    }
    return Diagnosis(
        headline=tuple(_headline(checkpoint, base)),
        conclusions=tuple(
            Conclusion(name, overall(results), tuple(c.evidence for c in results))
            for name, results in checks.items()
        ),
        not_run=tuple(_not_run(checkpoint, base)),
        caveats=tuple(caveats(checkpoint, base)),
    )


def _headline(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """What leaks in the worst case, whatever the conclusions are."""
    for score in checkpoint.scores:
        if HEADLINE in score.run.scores:
            name = headline_of(score.run.scores)
            share = figures(score.run.scores[name])
            ways = "in the worst case over all ways of asking"
            yield f"{_leaks(share)} {ways} (score, {profile_and_judge(score)})"
            among_known = against_base(score.run, base).among_known
            if among_known is not None and among_known.n:
                of = "among the facts that the base knew"
                yield f"{_leaks(figures(among_known))} {of} (score, {profile_and_judge(score)})"
    for stress in checkpoint.stresses:
        if stress.record.union:
            doors = sum(d.ranked and bool(d.states) for d in stress.record.findings.values())
            yield (
                f"{_leaks(stress.record.union.score)} through at least one of "
                f"{counted(doors, 'stress test door')} or as score asks (stress, "
                f"{stress.identity.profile})"
            )


def _leaks(share: Figures) -> str:
    low, high = round(share.low * share.n), round(share.high * share.n)
    count = f"{low}" if low == high else f"{low} to {high}"
    return f"{count} of {counted(share.n, 'forget fact')} leak, {full_text(share)},"


def _collapse(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[Check]:
    for score in checkpoint.scores:
        source = f"score, {profile_and_judge(score)}"
        shares = {n: figures(s) for n, s in score.run.scores.items()}
        results = [fluent(shares["fluency"], source)] if "fluency" in shares else []
        if "retain.mean" in shares:
            before = _base_retain(score, base)
            details = retain_answers(score.run)
            results.append(retained(shares["retain.mean"], before, source, details))
        yield from (check for check in results if check)
    for stress in checkpoint.stresses:
        if stress.record.baseline:
            check = fluent(stress.record.baseline.fluency, "stress, as score asks")
            yield from [check] if check else []
    for relearning in checkpoint.relearnings:
        first, ceiling = relearning.record.first, relearning.record.ceiling
        if first is not None:
            source = "relearn, step 0"
            before = ceiling.retain if ceiling else None
            results = [fluent(first.fluency, source), retained(first.retain, before, source)]
            yield from (check for check in results if check)


def _base_retain(score: ScoreRun, base: CheckpointRuns | None) -> Figures | None:
    """The retain share of a base's run with the same retain questions, if there is one."""
    questions = {p.key for p in score.run.probes if p.split == "retain"}
    for candidate in base.scores if base else ():
        equal = {p.key for p in candidate.run.probes if p.split == "retain"} == questions
        if equal and candidate.identity.judge_identity == score.identity.judge_identity:
            return figures(candidate.run.scores["retain.mean"])
    return None


def _not_run(checkpoint: CheckpointRuns, base: CheckpointRuns | None) -> Iterator[str]:
    """What has not been run yet."""
    if not any(HEADLINE in s.run.scores for s in checkpoint.scores):
        yield "score: the protocol's own questions"
    if not any("retain.mean" in s.run.scores for s in checkpoint.scores):
        yield "retain questions of the protocol"
    run_tests = {test for s in checkpoint.stresses for test in s.record.seconds}
    missing = [name for name in available("stress") if name not in run_tests]
    if missing:
        yield f"stress tests: {', '.join(missing) if run_tests else 'all'}"
    arms = {name for r in checkpoint.relearnings for name in r.record.arms}
    missing_arms = [name for name in BENIGN if name not in arms]
    if missing_arms:
        yield f"relearning, benign arms: {', '.join(missing_arms) if arms else 'all'}"
    ceilings = [r for r in checkpoint.relearnings if r.record.ceiling]
    if not base and not ceilings:
        yield "the model before unlearning, to compare utility with"


def _lead_phrase(conclusion: Conclusion) -> str:
    return (
        "original questions still answered"
        if conclusion.name == "known"
        else conclusion.title.lower()
    )
