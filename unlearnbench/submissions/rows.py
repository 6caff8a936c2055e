"""A row of the board: what a checked submission comes to, as plain data that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlearnbench.hashing import sha256_json
from unlearnbench.protocol.run import Run
from unlearnbench.scoring.scores import leaked_on_any
from unlearnbench.submissions.verify import Verification
from unlearnbench.types import Completion

ROW_VERSION = 2
"""Raised whenever the shape or the meaning of a row changes, so that kept ones are made anew."""
SAMPLES = 30


def row_of(found: Verification) -> dict[str, Any]:
    """The row of a submission; one that is refused has its reasons and no figures."""
    name = found.folder.name
    reasons = [str(reason) for reason in found.reasons]
    if found.checked is None:
        return {"row_version": ROW_VERSION, "id": name, "trust": "claimed", "reasons": reasons}
    checked, claim = found.checked, found.checked.claim
    run, identity = checked.runs["run"], claim.run.identity
    return {
        "row_version": ROW_VERSION,
        "id": name,
        "name": claim.name,
        "method": claim.method,
        "submitter": claim.submitter,
        "link": claim.link,
        "date": claim.created[:10],
        "trust": trust(found),
        "reasons": reasons,
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
        "scores": _scores(run),
        "base_scores": _scores(checked.runs["base"]),
        "states": _states(run),
        "base_states": _states(checked.runs["base"]),
        "relearn": _relearn(checked.attacks.get("relearn")),
        "stress": _stress(checked.attacks.get("stress")),
        "matrix": _matrix(run),
        "samples": _samples(run),
        "answers": sha256_json(dict(sorted(checked.answers.items()))),
    }


def trust(found: Verification) -> str:
    """`claimed` if anything speaks against it, `attacked` with both attack records, else `logged`.

    Levels between, for rows that somebody else judged or ran again, stand in attestations.
    """
    if not found.ok or found.checked is None:
        return "claimed"
    return "attacked" if {"relearn", "stress"} <= set(found.checked.attacks) else "logged"


def _scores(run: Run) -> dict[str, Any]:
    return {
        name: [score.low, score.interval.low, score.interval.high]
        for name, score in run.scores.items()
    }


def _states(run: Run) -> dict[str, bool]:
    """Whether each forget fact leaked; nothing is open in a submission."""
    found = leaked_on_any(o for o in run.outcomes if o.split == "forget")
    return {fact: bool(state) for fact, state in found.items()}


def _relearn(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if record is None:
        return None
    worst = record["summary"]["worst_benign"]
    arms = sorted(record["arms"])
    return {"arms": arms, "worst": worst, "unranked": record["summary"]["unranked"]}


def _stress(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "doors": sorted(name for name, found in record["findings"].items() if found["ranked"]),
        "score": record["union"]["score"],
        "beyond": record["union"]["beyond"],
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
