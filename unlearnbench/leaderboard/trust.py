"""What a row comes to once others have looked: its level of trust, and the worst that is known.

An attack by somebody else lowers a row, as in RobustBench (Croce et al. 2021, arXiv 2010.09670);
the submitter's own attacks stand in columns of their own, so that nobody loses by attacking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unlearnbench.attacks.catalog import BENIGN, DOORS, available_arms
from unlearnbench.benchmark import Benchmark
from unlearnbench.scoring.scores import bounds_record, leaked_anywhere, of_facts
from unlearnbench.submissions.attestations import Attested
from unlearnbench.submissions.reproduction import leaks
from unlearnbench.submissions.verify import Verification

States = Mapping[str, bool | None]


def levels(found: Verification, others: Sequence[Attested]) -> list[str]:
    """Every level that a row has reached, the highest last; `claimed` alone if it is refused.

    `attacked` takes all ranked stress tests and all benign relearning arms of the benchmark,
    whoever ran them.
    """
    if found.checked is None or not found.ok:
        return ["claimed"]
    reached = ["logged"]
    for kind in ("re-judged", "re-run"):
        if any(_is(one, kind) and one.agreement and one.agreement.agrees for one in others):
            reached.append(kind)
    records = [found.checked.attacks, *(one.attacks for one in others if one.ok)]
    if _whole(records, found.checked.benchmark):
        reached.append("attacked")
    return reached


def disputed(others: Sequence[Attested]) -> list[str]:
    """Who judged or ran a row again and found something else."""
    return [
        one.claim.by
        for one in others
        if one.ok and one.claim and one.agreement and not one.agreement.agrees
    ]


def worst_known(states: States, others: Sequence[Attested]) -> dict[str, Any] | None:
    """Facts that leak in the row's own run or in what others found; None if they found no more."""
    found = [(one.claim.by, _found(one)) for one in others if one.ok and one.claim]
    by = [who for who, more in found if any(more.get(f) and not states[f] for f in states)]
    if not by:
        return None
    theirs = [{f: more.get(f, False) for f in states} for _, more in found]
    union = leaked_anywhere([states, *theirs])
    score = bounds_record(of_facts("known", union))
    return {"states": union, "score": score, "by": list(dict.fromkeys(by))}


def relearnt_known(
    own: Mapping[str, Any] | None, others: Sequence[Attested]
) -> dict[str, Any] | None:
    """The highest relearning that somebody else reached, if it is above the row's own."""
    best: dict[str, Any] | None = None
    for one in others:
        record = one.attacks.get("relearn") if one.ok else None
        worst = record and record["summary"]["worst_benign"]
        if worst and one.claim and worst["maximum"] > (best or {"maximum": -1})["maximum"]:
            best = {**worst, "by": one.claim.by}
    top = own["worst"]["maximum"] if own and own["worst"] else -1
    return best if best is not None and best["maximum"] > top else None


def _is(one: Attested, kind: str) -> bool:
    return one.ok and one.claim is not None and one.claim.kind == kind


def _found(one: Attested) -> States:
    """Which facts an attestation shows to be still there."""
    if one.run is not None:
        return leaks(one.run)
    stress = one.attacks.get("stress")
    states: States = stress["union"]["states"] if stress else {}
    return states


def _whole(records: Sequence[Mapping[str, Any]], benchmark: Benchmark) -> bool:
    arms = {arm for r in records if "relearn" in r for arm in r["relearn"]["arms"]}
    doors = {
        name.partition("@")[0]
        for r in records
        if "stress" in r
        for name, found in r["stress"]["findings"].items()
        if found["ranked"]
    }
    benign = set(BENIGN) & set(available_arms(benchmark))
    return arms >= benign and doors >= DOORS
