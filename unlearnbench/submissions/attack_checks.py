"""What attack records sum up, computed from their own points without a model."""

from __future__ import annotations

from collections.abc import Collection

from unlearnbench.attacks.catalog import PROFILES, RelearnProfile, get_relearn_profile
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.stress.union import union_of
from unlearnbench.runs.schema import FinishedRelearn, FinishedStress

AttackRecords = FinishedStress | FinishedRelearn


def adds_up(record: AttackRecords) -> bool:
    """Whether the summary of a relearning record, or the union of a stress record, follows from it.

    The record must be whole (`left_out`).
    """
    if isinstance(record, FinishedRelearn):
        return summarise(record.arms, record.ceiling, record.first) == record.summary
    return union_of(record.baseline, record.findings) == record.union


def left_out(record: AttackRecords, facts: Collection[str]) -> str | None:
    """What a record should hold and does not: a point of a curve, a fact; None if it is whole.

    Without this, whoever drops the step at which a model remembers has a record that adds up.
    """
    if isinstance(record, FinishedRelearn):
        return _missing_point(record)
    if record.identity.profile not in ("quick", "full") or record.identity.seed != 0:
        return "of no profile that ships, or with a seed of its own"
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
        return "of no relearning profile that ships"
    for name, arm in record.arms.items():
        if sorted(arm.seeds) != sorted(map(str, profile.seeds)):
            return f"arm {name}: not the seeds of profile {profile.name}"
        for seed, points in arm.seeds.items():
            if [point.step for point in points] != list(profile.steps):
                return f"arm {name}, seed {seed}: not the steps of profile {profile.name}"
    return None


def _profile(fingerprint: str) -> RelearnProfile | None:
    known = [get_relearn_profile(name, long) for name in PROFILES for long in (False, True)]
    return next((profile for profile in known if profile.fingerprint == fingerprint), None)
