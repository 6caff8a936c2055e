"""The facts of a row that are judged again as a sample, which nobody can choose.

They follow from the digest of all the row's files and from the day on which they are judged again.
From the digest alone a submitter could see the sample beforehand, and change a note until none of
the wrong verdicts is in it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from unlearnbench.benchmark import Benchmark
from unlearnbench.hashing import sha256_text
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.run import Run

SAMPLED = 20
"""Forget facts, and retain facts, in a sample. Where a row is judged wrongly on one fact in four,
20 facts show more changes than they may (3) in three samples of four.
"""


def sample_of(digest: str, benchmark: Benchmark, day: date) -> frozenset[str]:
    """Ids of the facts of a row that are judged again as a sample on a day (UTC).

    `digest` is that of the row. Of each split the first by sha256 of digest, day and id.
    """
    chosen: list[str] = []
    for split in ("forget", "retain"):
        ids = (fact.id for fact in benchmark.split(split))
        chosen += sorted(ids, key=lambda fact: sha256_text(f"{digest} {day} {fact}"))[:SAMPLED]
    return frozenset(chosen)


def sample_days(created: str) -> tuple[date, date]:
    """The days whose sample a run made at this time may cover: its own, or the one before, as the
    sample is drawn before the run begins.
    """
    day = datetime.fromisoformat(created).astimezone(UTC).date()
    return day, day - timedelta(days=1)


def restricted(run: Run, facts: Collection[str]) -> Run:
    """A run as if only some facts had been asked about; its plan is that part of its plan."""
    probes = tuple(probe for probe in run.probes if probe.key.fact in facts)
    identity = run.record.identity.model_copy(update={"plan": Plan(probes).fingerprint})
    keys = {probe.key for probe in probes}
    return replace(
        run,
        record=run.record.model_copy(update={"identity": identity, "scores": {}}),
        probes=probes,
        completions={key: r for key, r in run.completions.items() if key in keys},
        judgements={key: r for key, r in run.judgements.items() if key in keys},
    )
