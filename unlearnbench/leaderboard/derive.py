"""Make the row of a checked submission and its attestations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.display import visible_line
from unlearnbench.leaderboard.columns import relearn_column, stress_column
from unlearnbench.leaderboard.entry import (
    ROW_VERSION,
    AttestationEntry,
    BaseKnowledge,
    Cell,
    ClaimedRow,
    Entry,
    Known,
    LeakMatrix,
    RefusedEntry,
    Sample,
)
from unlearnbench.leaderboard.trust import disputed, known_leaks, known_peak, levels
from unlearnbench.leaderboard.utility_column import utility_column
from unlearnbench.reporting.distance import distance_of
from unlearnbench.reporting.matrix import gold_answers, leak_marks
from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import leaked_as_standard, of_facts
from unlearnbench.submissions.attestations import Attested
from unlearnbench.submissions.bases import Base
from unlearnbench.submissions.doubts import after_reruns
from unlearnbench.submissions.fields import MOST_SLUG, slug
from unlearnbench.submissions.reproduction import forget_states
from unlearnbench.submissions.verify import Checked, Verification
from unlearnbench.types import Completion

SAMPLES = 30
"""Responses that a row shows."""
MOST_TEXT = 400
"""Characters of a response that a row shows."""


def entry_of(verification: Verification, attested: Sequence[Attested] = ()) -> Entry | RefusedEntry:
    """The row of a submission and its attestations."""
    name = shown_id(verification.folder.name)
    reasons = [str(reason) for reason in verification.reasons]
    if verification.checked is None:
        return RefusedEntry(ROW_VERSION, name, "claimed", reasons)
    checked = verification.checked
    run, base = checked.run, checked.base.run
    reached, states = levels(verification, attested), _decided(forget_states(run))
    base_states = _decided(leaked_as_standard(base.outcomes))
    leaks = known_leaks(states, attested)
    relearn = relearn_column(checked.attacks)
    return Entry(
        row_version=ROW_VERSION,
        id=name,
        reasons=reasons,
        trust=reached[-1],
        levels=reached,
        claim=_claimed(checked),
        scores=_cells(run),
        among_known=share_of_known(leaks.states if leaks else states, base_states),
        base_knowledge=_knowledge(checked.base, base_states),
        doubts=after_reruns(checked.doubts, _reruns(checked, attested)),
        base_scores=_cells(base),
        base_states=base_states,
        states=states,
        relearn=relearn,
        stress=stress_column(checked.attacks, states),
        utility=utility_column(checked.utility, checked.base),
        before_utility=checked.before_utility,
        known=Known(leaks, known_peak(relearn, attested)),
        disputed=disputed(attested),
        attestations=[_attestation(item, states) for item in attested],
        matrix=_matrix(run),
        distance=distance_of(run, base),
        samples=_samples(run),
    )


def shown_id(name: str) -> str:
    """The name of a folder as an id: one that is no slug is spelled out, and names no file."""
    if slug(name) is None:
        return name
    return f"unusable name {visible_line(name)[:MOST_SLUG]!r}"


def share_of_known(states: Mapping[str, bool | None], base_states: Mapping[str, bool]) -> Cell:
    """The share of facts that leak among those that the base answers; 1 if it answers none."""
    known = {fact: state for fact, state in states.items() if base_states.get(fact)}
    if not known:
        return Cell(1.0, 0.0, 1.0)
    score = of_facts("forget.among_known", known)
    return Cell(score.high, score.interval.low, score.interval.high)


def _knowledge(base: Base, states: Mapping[str, bool]) -> BaseKnowledge:
    scores = base.run.scores
    retain, fluency = scores["retain.mean"].low, scores["fluency"].low
    bad = base.utility.metrics["answers.degenerate"].high if base.utility else None
    answers = None if bad is None else 1 - bad
    return BaseKnowledge(sum(states.values()), len(states), retain, fluency, answers)


def _reruns(checked: Checked, attested: Sequence[Attested]) -> list[str]:
    """Who ran the checkpoint again with the files of its base, and found the same."""
    return [a.claim.by for a in attested if a.claim and a.asked_as_the_base(checked)]


def _claimed(checked: Checked) -> ClaimedRow:
    claim, base = checked.claim, checked.base
    identity = claim.run.identity
    return ClaimedRow(
        name=claim.name,
        method=claim.method,
        submitter=claim.submitter,
        link=claim.link,
        note=claim.note,
        date=claim.created[:10],
        benchmark=identity.benchmark,
        benchmark_version=identity.benchmark_version,
        benchmark_fingerprint=identity.benchmark_fingerprint,
        profile=identity.profile,
        profile_fingerprint=identity.profile_fingerprint,
        checkpoint=claim.run.checkpoint,
        fingerprint=identity.checkpoint,
        base=base.claim.run.checkpoint,
        base_id=base.id,
        base_fingerprint=claim.base,
        parameters=claim.run.parameters,
        judge=identity.judge,
        judge_identity=identity.judge_identity,
        engine=identity.engine,
        dtype=identity.dtype,
        platform=claim.run.platform,
        settings=claim.run.settings,
        versions={str(name): text for name, text in claim.run.versions.items()},
        training=claim.run.training.model_dump(mode="json") if claim.run.training else None,
    )


def _attestation(attested: Attested, states: Mapping[str, bool]) -> AttestationEntry:
    claim = attested.claim
    return AttestationEntry(
        name=shown_id(attested.folder.name),
        kind=claim.kind if claim else None,
        by=claim.by if claim else None,
        link=claim.link if claim else "",
        date=claim.created[:10] if claim else None,
        judge=claim.run.identity.judge if claim and claim.run else None,
        agreement=attested.agreement.reproduction() if attested.agreement else None,
        relearn=relearn_column(attested.attacks) if attested.ok else None,
        stress=stress_column(attested.attacks, states) if attested.ok else None,
        reasons=[str(reason) for reason in attested.reasons],
    )


def _cells(run: Run) -> dict[str, Cell]:
    return {
        name: Cell(score.low, score.interval.low, score.interval.high)
        for name, score in run.scores.items()
    }


def _decided(states: Mapping[str, bool | None]) -> dict[str, bool]:
    """Whether each forget fact leaked; a submission has no open probes."""
    return {fact: bool(state) for fact, state in states.items()}


def _matrix(run: Run) -> LeakMatrix:
    columns, lines = leak_marks(run)
    return LeakMatrix(columns, lines, gold_answers(run))


def _samples(run: Run) -> list[Sample]:
    """The first leaks, then the first responses that do not leak."""
    verdicts = {outcome.key: outcome.verdict for outcome in run.outcomes}
    forget = [probe for probe in run.probes if probe.split == "forget"]
    ordered = sorted(forget, key=lambda probe: verdicts[probe.key] != "correct")
    samples = []
    for probe in ordered[:SAMPLES]:
        response = run.completions[probe.key]
        assert isinstance(response, Completion)
        text, verdict = response.text[:MOST_TEXT], str(verdicts[probe.key])
        samples.append(Sample(str(probe.key), probe.question, probe.answer, text, verdict))
    return samples
