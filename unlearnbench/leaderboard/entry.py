"""A row of the board: what a checked submission comes to, as plain data that can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unlearnbench.attacks.catalog import BENIGN
from unlearnbench.hashing import sha256_json
from unlearnbench.leaderboard.trust import disputed, levels, relearnt_known, worst_known
from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import bounds_record, leaked_anywhere, of_facts
from unlearnbench.submissions.attestations import Attested
from unlearnbench.submissions.reproduction import leaks
from unlearnbench.submissions.schema import Submission
from unlearnbench.submissions.verify import Checked, Verification
from unlearnbench.types import Completion

ROW_VERSION = 3
"""Raised whenever the shape or the meaning of a row changes, so that kept ones are made anew."""
SAMPLES = 30


def row_of(found: Verification, others: Sequence[Attested] = ()) -> dict[str, Any]:
    """The row of a submission and of what `others` attest of it.

    One that cannot be read has its reasons and no figures.
    """
    name = found.folder.name
    reasons = [str(reason) for reason in found.reasons]
    if found.checked is None:
        return {"row_version": ROW_VERSION, "id": name, "trust": "claimed", "reasons": reasons}
    checked, run = found.checked, found.checked.runs["run"]
    reached = levels(found, others)
    return {
        "row_version": ROW_VERSION,
        "id": name,
        "reasons": reasons,
        "trust": reached[-1],
        "levels": reached,
        **_claimed(checked.claim),
        "scores": _scores(run),
        "base_scores": _scores(checked.runs["base"]),
        "base_states": _states(checked.runs["base"]),
        **_attacked(checked, others),
        "matrix": _matrix(run),
        "samples": _samples(run),
        "answers": sha256_json(dict(sorted(checked.answers.items()))),
    }


def _claimed(claim: Submission) -> dict[str, Any]:
    """What the submitter says of the row, and which models, benchmark and judge it is about."""
    identity = claim.run.identity
    return {
        "name": claim.name,
        "method": claim.method,
        "submitter": claim.submitter,
        "link": claim.link,
        "date": claim.created[:10],
        "benchmark": identity.benchmark,
        "benchmark_version": identity.benchmark_version,
        "benchmark_fingerprint": identity.benchmark_fingerprint,
        "checkpoint": claim.run.checkpoint,
        "fingerprint": identity.checkpoint,
        "base": claim.base.checkpoint,
        "base_fingerprint": claim.base.identity.checkpoint,
        "parameters": claim.run.parameters,
        "judge": identity.judge,
        "judge_identity": identity.judge_identity,
        "versions": claim.run.versions,
        "training": claim.run.training,
    }


def _attacked(checked: Checked, others: Sequence[Attested]) -> dict[str, Any]:
    """What leaks: as asked, under the submitter's attacks, and by what others found."""
    states = _states(checked.runs["run"])
    relearn = _relearn(checked.attacks.get("relearn"))
    return {
        "states": states,
        "relearn": relearn,
        "stress": _stress(checked.attacks.get("stress"), states),
        "known": {
            "worst_case": worst_known(states, others),
            "relearn": relearnt_known(relearn, others),
        },
        "disputed": disputed(others),
        "attestations": [_attestation(one, states) for one in others],
    }


def _attestation(one: Attested, states: Mapping[str, bool]) -> dict[str, Any]:
    """Who found what; of one that does not count, why."""
    claim, agreement = one.claim, one.agreement
    return {
        "name": one.folder.name,
        "kind": claim.kind if claim else None,
        "by": claim.by if claim else None,
        "link": claim.link if claim else "",
        "date": claim.created[:10] if claim else None,
        "judge": claim.run.identity.judge if claim and claim.run else None,
        "agreement": agreement.record() if agreement else None,
        "relearn": _relearn(one.attacks.get("relearn")) if one.ok else None,
        "stress": _stress(one.attacks.get("stress"), states) if one.ok else None,
        "reasons": [str(reason) for reason in one.reasons],
    }


def _scores(run: Run) -> dict[str, Any]:
    return {
        name: [score.low, score.interval.low, score.interval.high]
        for name, score in run.scores.items()
    }


def _states(run: Run) -> dict[str, bool]:
    """Whether each forget fact leaked; nothing is open in a submission."""
    return {fact: bool(state) for fact, state in leaks(run).items()}


def _relearn(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if record is None:
        return None
    worst = record["summary"]["worst_benign"]
    arms = [name for name in BENIGN if name in record["arms"]]
    return {"arms": arms, "worst": worst, "unranked": record["summary"]["unranked"]}


def _stress(record: Mapping[str, Any] | None, states: Mapping[str, bool]) -> dict[str, Any] | None:
    """All ranked doors and the row's own run together; `beyond` leak through a door alone."""
    if record is None:
        return None
    union = leaked_anywhere([states, record["union"]["states"]])
    return {
        "doors": sorted(name for name, found in record["findings"].items() if found["ranked"]),
        "score": bounds_record(of_facts("stress", union)),
        "beyond": [fact for fact, leaked in union.items() if leaked and not states[fact]],
    }


def _matrix(run: Run) -> dict[str, Any]:
    """For each forget fact a line of marks, one a probe: `x` leaked, `.` not."""
    columns: dict[str, None] = {}
    marks: dict[str, dict[str, str]] = {}
    for outcome in run.outcomes:
        if outcome.split == "forget":
            column = f"{outcome.key.context} {outcome.key.phrasing}"
            columns[column] = None
            mark = "x" if outcome.verdict == "correct" else "."
            marks.setdefault(outcome.key.fact, {})[column] = mark
    lines = {fact: "".join(line.get(c, " ") for c in columns) for fact, line in marks.items()}
    return {"columns": list(columns), "lines": lines}


def _samples(run: Run) -> list[dict[str, str]]:
    """The first leaks, then the first answers that are none, with what was asked."""
    verdicts = {outcome.key: outcome.verdict for outcome in run.outcomes}
    forget = [probe for probe in run.probes if probe.split == "forget"]
    ordered = sorted(forget, key=lambda probe: verdicts[probe.key] != "correct")
    shown = []
    for probe in ordered[:SAMPLES]:
        said = run.completions[probe.key]
        assert isinstance(said, Completion)
        shown.append(
            {
                "key": str(probe.key),
                "question": probe.question,
                "answer": probe.answer,
                "text": said.text[:400],
                "verdict": str(verdicts[probe.key]),
            }
        )
    return shown
