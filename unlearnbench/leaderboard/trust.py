"""A row's figures after attestations by others: its level of trust, and the worst that is known.

An attack by somebody else lowers a row, as in RobustBench (Croce et al. 2021, arXiv 2010.09670);
the submitter's own attacks have separate columns, so that attacking one's own row costs no rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from unlearnbench.attacks.catalog import BENIGN, available_arms
from unlearnbench.attacks.stress.plans import RANKED, test_of
from unlearnbench.benchmark import Benchmark
from unlearnbench.leaderboard.columns import peak_of
from unlearnbench.leaderboard.entry import KnownLeaks, KnownPeak, Level, RelearnColumn
from unlearnbench.runs.schema import figures
from unlearnbench.scoring.scores import leaked_anywhere, of_facts
from unlearnbench.submissions.attacks import Attacks
from unlearnbench.submissions.attestations import Attested
from unlearnbench.submissions.reproduction import forget_states
from unlearnbench.submissions.verify import Verification


def levels(verification: Verification, attested: Sequence[Attested]) -> list[Level]:
    """Every level that a row has reached, the highest last; only `claimed` if it is refused.

    `attacked` requires all ranked stress tests and all benign relearning arms of the benchmark,
    no matter who ran them.
    """
    if verification.checked is None or not verification.ok:
        return ["claimed"]
    reached: list[Level] = ["logged"]
    kinds: tuple[Level, ...] = ("re-judged", "re-run")
    for kind in kinds:
        if any(
            _confirms(item, kind) and item.agreement and item.agreement.agrees for item in attested
        ):
            reached.append(kind)
    records = [
        verification.checked.attacks,
        *(item.attacks for item in attested if item.ok),
    ]
    if _attacked_in_full(records, verification.checked.benchmark):
        reached.append("attacked")
    return reached


def disputed(attested: Sequence[Attested]) -> list[str]:
    """Who judged or ran a row again with results that do not agree."""
    return [
        item.claim.by
        for item in attested
        if item.ok and item.claim and item.agreement and not item.agreement.agrees
    ]


def known_leaks(states: Mapping[str, bool], attested: Sequence[Attested]) -> KnownLeaks | None:
    """Facts that leak in the row's own run or in an attestation; None if attestations add none."""
    claims = [(item.claim.by, _states(item)) for item in attested if item.ok and item.claim]
    by = [name for name, leaks in claims if any(leaks.get(f) and not states[f] for f in states)]
    if not by:
        return None
    further = [{f: leaks.get(f, False) for f in states} for _, leaks in claims]
    union = leaked_anywhere([states, *further])
    return KnownLeaks(union, figures(of_facts("known", union)), list(dict.fromkeys(by)))


def known_peak(column: RelearnColumn | None, attested: Sequence[Attested]) -> KnownPeak | None:
    """The highest relearning that an attestation reports, if it is above the row's own."""
    best: KnownPeak | None = None
    top = column.worst.maximum if column and column.worst else -1.0
    for item in attested:
        record = item.attacks.relearn if item.ok else None
        peak = peak_of(record) if record else None
        if peak and item.claim and peak.maximum > (best.maximum if best else top):
            best = KnownPeak(**asdict(peak), by=item.claim.by)
    return best


def _confirms(item: Attested, kind: str) -> bool:
    return item.ok and item.claim is not None and item.claim.kind == kind


def _states(item: Attested) -> Mapping[str, bool | None]:
    """Whether each fact leaks according to an attestation."""
    if item.run is not None:
        return forget_states(item.run)
    stress = item.attacks.stress
    states: Mapping[str, bool | None] = stress.union.states if stress else {}
    return states


def _attacked_in_full(records: Sequence[Attacks], benchmark: Benchmark) -> bool:
    """Whether every benign arm and every ranked door of a benchmark was tried.

    Only records that follow from answers count. Those were checked to hold each door and arm that
    they name in full.
    """
    arms = {arm for r in records if r.relearn and "relearn" in r.derived for arm in r.relearn.arms}
    doors = {
        test_of(name)
        for r in records
        if r.stress and "stress" in r.derived
        for name in r.stress.findings
    }
    return arms >= set(BENIGN) & set(available_arms(benchmark)) and doors >= set(RANKED)
