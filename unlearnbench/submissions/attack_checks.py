"""Check that attack records are complete and consistent; needs no model."""

from __future__ import annotations

from collections.abc import Collection

from unlearnbench.attacks.catalog import PROFILES, RelearnProfile, get_relearn_profile
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.stress.union import union_of
from unlearnbench.runs.schema import FinishedRelearn, FinishedStress

AttackRecords = FinishedStress | FinishedRelearn


def is_consistent(record: AttackRecords) -> bool:
    """Whether a relearning record's summary, or a stress record's union, follows from its results.

    The record must be complete (`missing_part`).
    """
    if isinstance(record, FinishedRelearn):
        return summarise(record.arms, record.ceiling, record.first) == record.summary
    return union_of(record.baseline, record.findings) == record.union


def missing_part(record: AttackRecords, facts: Collection[str]) -> str | None:
    """A point or fact that a record lacks, in words; None if it is complete.

    Otherwise a submitter could drop the step at which a model remembers and stay consistent.
    """
    if isinstance(record, FinishedRelearn):
        return _missing_point(record)
    if record.identity.profile not in ("quick", "full") or record.identity.seed != 0:
        return "not of a shipped profile with seed 0"
    if set(record.baseline.states) != set(facts):
        return "not all forget facts were asked"
    for name, door in record.findings.items():
        if not set(door.states) <= set(facts):
            return f"{name}: facts that the benchmark does not have"
        if None in door.states.values():
            return f"{name}: facts that are open"
    return None


def _missing_point(record: FinishedRelearn) -> str | None:
    profile = _profile(record.identity.profile_fingerprint)
    if profile is None:
        return "not of a shipped relearning profile"
    for name, arm in record.arms.items():
        if sorted(arm.seeds) != sorted(map(str, profile.seeds)):
            return f"arm {name}: not the seeds of profile {profile.name}"
        for seed, points in arm.seeds.items():
            if [point.step for point in points] != list(profile.steps):
                return f"arm {name}, seed {seed}: not the steps of profile {profile.name}"
    return None


def _profile(fingerprint: str) -> RelearnProfile | None:
    profiles = [get_relearn_profile(name, long) for name in PROFILES for long in (False, True)]
    return next((profile for profile in profiles if profile.fingerprint == fingerprint), None)
