"""What attack records sum up, computed from their own points without a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from unlearnbench.attacks.catalog import PROFILES, RelearnProfile, get_relearn_profile
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.stress.union import union_of
from unlearnbench.runs.schema import RelearnRecord, StressRecord


def summed_up(kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a relearning record, or the union of a stress record.

    Raises `RunError` or `ValueError` if the record has another shape.
    """
    where = Path(f"{kind}.json")
    if kind == "relearn":
        relearnt = RelearnRecord.from_disk(record, where)
        if relearnt.first is None:
            raise ValueError("first: missing")
        summary = summarise(relearnt.arms, relearnt.ceiling, relearnt.first)
        return summary.model_dump(mode="json")
    stressed = StressRecord.from_disk(record, where)
    if stressed.baseline is None:
        raise ValueError("baseline: missing")
    return union_of(stressed.baseline, stressed.findings).model_dump(mode="json")


def left_out(kind: str, record: Mapping[str, Any], facts: Collection[str]) -> str | None:
    """What a record should hold and does not: a point of a curve, a fact; None if it is whole.

    Without this, whoever drops the step at which a model remembers has a record that adds up.
    Raises like `summed_up`.
    """
    if kind == "relearn":
        return _missing_point(record)
    if record["identity"]["profile"] not in ("quick", "full") or record["identity"]["seed"] != 0:
        return "of no profile that ships, or with a seed of its own"
    if set(record["baseline"]["states"]) != set(facts):
        return "not all forget facts were asked"
    for name, finding in record["findings"].items():
        if not set(finding["states"]) <= set(facts):
            return f"{name}: facts that the benchmark does not have"
        if any(not isinstance(state, bool) for state in finding["states"].values()):
            return f"{name}: facts that are open"
    return None


def _missing_point(record: Mapping[str, Any]) -> str | None:
    profile = _profile(record["identity"]["profile_fingerprint"])
    if profile is None:
        return "of no relearning profile that ships"
    for name, arm in record["arms"].items():
        if sorted(arm["seeds"]) != sorted(map(str, profile.seeds)):
            return f"arm {name}: not the seeds of profile {profile.name}"
        for seed, points in arm["seeds"].items():
            if [point["step"] for point in points] != list(profile.steps):
                return f"arm {name}, seed {seed}: not the steps of profile {profile.name}"
    return None


def _profile(fingerprint: str) -> RelearnProfile | None:
    known = [get_relearn_profile(name, long) for name in PROFILES for long in (False, True)]
    return next((profile for profile in known if profile.fingerprint == fingerprint), None)
