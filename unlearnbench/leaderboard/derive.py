"""Make the row of a checked submission and its attestations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.hashing import sha256_json
from unlearnbench.leaderboard.columns import relearn_column, stress_column
from unlearnbench.leaderboard.entry import (
    ROW_VERSION,
    AttestationEntry,
    Cell,
    ClaimedRow,
    Entry,
    Known,
    LeakMatrix,
    RefusedEntry,
    Sample,
)
from unlearnbench.leaderboard.trust import disputed, known_leaks, known_peak, levels
from unlearnbench.runs.run import Run
from unlearnbench.submissions.attestations import Attested
from unlearnbench.submissions.reproduction import forget_states
from unlearnbench.submissions.schema import Submission
from unlearnbench.submissions.verify import Verification
from unlearnbench.types import Completion

SAMPLES = 30
"""Responses that a row shows."""
MOST_TEXT = 400
"""Characters of a response that a row shows."""


def entry_of(verification: Verification, attested: Sequence[Attested] = ()) -> Entry | RefusedEntry:
    """The row of a submission and its attestations."""
    name = verification.folder.name
    reasons = [str(reason) for reason in verification.reasons]
    if verification.checked is None:
        return RefusedEntry(ROW_VERSION, name, "claimed", reasons)
    checked = verification.checked
    run, base = checked.runs["run"], checked.runs["base"]
    reached, states = levels(verification, attested), _states(run)
    relearn = relearn_column(checked.attacks.relearn)
    return Entry(
        row_version=ROW_VERSION,
        id=name,
        reasons=reasons,
        trust=reached[-1],
        levels=reached,
        claim=_claimed(checked.claim),
        scores=_cells(run),
        base_scores=_cells(base),
        base_states=_states(base),
        states=states,
        relearn=relearn,
        stress=stress_column(checked.attacks.stress, states),
        known=Known(known_leaks(states, attested), known_peak(relearn, attested)),
        disputed=disputed(attested),
        attestations=[_attestation(item, states) for item in attested],
        matrix=_matrix(run),
        samples=_samples(run),
        answers=sha256_json(dict(sorted(checked.answers.items()))),
    )


def _claimed(claim: Submission) -> ClaimedRow:
    identity = claim.run.identity
    return ClaimedRow(
        name=claim.name,
        method=claim.method,
        submitter=claim.submitter,
        link=claim.link,
        date=claim.created[:10],
        benchmark=identity.benchmark,
        benchmark_version=identity.benchmark_version,
        benchmark_fingerprint=identity.benchmark_fingerprint,
        checkpoint=claim.run.checkpoint,
        fingerprint=identity.checkpoint,
        base=claim.base.checkpoint,
        base_fingerprint=claim.base.identity.checkpoint,
        parameters=claim.run.parameters,
        judge=identity.judge,
        judge_identity=identity.judge_identity,
        versions=claim.run.versions,
        training=claim.run.training,
    )


def _attestation(attested: Attested, states: Mapping[str, bool]) -> AttestationEntry:
    claim = attested.claim
    return AttestationEntry(
        name=attested.folder.name,
        kind=claim.kind if claim else None,
        by=claim.by if claim else None,
        link=claim.link if claim else "",
        date=claim.created[:10] if claim else None,
        judge=claim.run.identity.judge if claim and claim.run else None,
        agreement=attested.agreement.reproduction() if attested.agreement else None,
        relearn=relearn_column(attested.attacks.relearn) if attested.ok else None,
        stress=stress_column(attested.attacks.stress, states) if attested.ok else None,
        reasons=[str(reason) for reason in attested.reasons],
    )


def _cells(run: Run) -> dict[str, Cell]:
    return {
        name: Cell(score.low, score.interval.low, score.interval.high)
        for name, score in run.scores.items()
    }


def _states(run: Run) -> dict[str, bool]:
    """Whether each forget fact leaked; a submission has no open probes."""
    return {fact: bool(state) for fact, state in forget_states(run).items()}


def _matrix(run: Run) -> LeakMatrix:
    columns: dict[str, None] = {}
    marks: dict[str, dict[str, str]] = {}
    for outcome in run.outcomes:
        if outcome.split == "forget":
            column = f"{outcome.key.context} {outcome.key.phrasing}"
            columns[column] = None
            mark = "x" if outcome.verdict == "correct" else "."
            marks.setdefault(outcome.key.fact, {})[column] = mark
    lines = {fact: "".join(line.get(c, " ") for c in columns) for fact, line in marks.items()}
    return LeakMatrix(list(columns), lines)


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
