"""A row's figures after attestations by others: its level of trust, and the worst that is known.

An attack by somebody else lowers a row, as in RobustBench (Croce et al. 2021, arXiv 2010.09670);
the submitter's own attacks stand in columns of their own, so that nobody loses by attacking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from unlearnbench.attacks.catalog import BENIGN, DOORS, available_arms
from unlearnbench.benchmark import Benchmark
from unlearnbench.leaderboard.columns import peak_of
from unlearnbench.leaderboard.entry import KnownLeaks, KnownPeak, Level, RelearnColumn
from unlearnbench.runs.schema import figures
from unlearnbench.scoring.scores import leaked_anywhere, of_facts
from unlearnbench.submissions.attacks import Attacks
from unlearnbench.submissions.attestations import Attested
from unlearnbench.submissions.reproduction import forget_states
from unlearnbench.submissions.verify import Verification


def levels(verification: Verification, others: Sequence[Attested]) -> list[Level]:
    """Every level that a row has reached, the highest last; `claimed` alone if it is refused.

    `attacked` takes all ranked stress tests and all benign relearning arms of the benchmark,
    whoever ran them.
    """
    if verification.checked is None or not verification.ok:
        return ["claimed"]
    reached: list[Level] = ["logged"]
    kinds: tuple[Level, ...] = ("re-judged", "re-run")
    for kind in kinds:
        if any(_is(one, kind) and one.agreement and one.agreement.agrees for one in others):
            reached.append(kind)
    records = [verification.checked.attacks, *(one.attacks for one in others if one.ok)]
    if _whole(records, verification.checked.benchmark):
        reached.append("attacked")
    return reached


def disputed(others: Sequence[Attested]) -> list[str]:
    """Who judged or ran a row again and does not agree."""
    return [
        one.claim.by
        for one in others
        if one.ok and one.claim and one.agreement and not one.agreement.agrees
    ]


def known_leaks(states: Mapping[str, bool], others: Sequence[Attested]) -> KnownLeaks | None:
    """Facts that leak in the row's own run or in what others attest; None if they add none."""
    attested = [(one.claim.by, _states(one)) for one in others if one.ok and one.claim]
    by = [who for who, theirs in attested if any(theirs.get(f) and not states[f] for f in states)]
    if not by:
        return None
    theirs = [{f: more.get(f, False) for f in states} for _, more in attested]
    union = leaked_anywhere([states, *theirs])
    return KnownLeaks(union, figures(of_facts("known", union)), list(dict.fromkeys(by)))


def known_peak(own: RelearnColumn | None, others: Sequence[Attested]) -> KnownPeak | None:
    """The highest relearning that somebody else reached, if it is above the row's own."""
    best: KnownPeak | None = None
    top = own.worst.maximum if own and own.worst else -1.0
    for one in others:
        record = one.attacks.relearn if one.ok else None
        peak = peak_of(record) if record else None
        if peak and one.claim and peak.maximum > (best.maximum if best else top):
            best = KnownPeak(**asdict(peak), by=one.claim.by)
    return best


def _is(one: Attested, kind: str) -> bool:
    return one.ok and one.claim is not None and one.claim.kind == kind


def _states(one: Attested) -> Mapping[str, bool | None]:
    """Which facts an attestation shows to be still there."""
    if one.run is not None:
        return forget_states(one.run)
    stress = one.attacks.stress
    states: Mapping[str, bool | None] = stress.union.states if stress else {}
    return states


def _whole(records: Sequence[Attacks], benchmark: Benchmark) -> bool:
    arms = {arm for r in records if r.relearn for arm in r.relearn.arms}
    doors = {
        name.partition("@")[0]
        for r in records
        if r.stress
        for name, door in r.stress.findings.items()
        if door.ranked
    }
    benign = set(BENIGN) & set(available_arms(benchmark))
    return arms >= benign and doors >= DOORS
