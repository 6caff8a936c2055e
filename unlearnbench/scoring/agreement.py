"""How far judges agree beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from unlearnbench.environment import extra
from unlearnbench.types import Verdict

Votes = Mapping[str, Verdict]
"""Each rater's verdict on one item; raters without a verdict are left out."""


def cohen_kappa(pairs: Sequence[tuple[Verdict, Verdict]]) -> float | None:
    """Cohen's kappa of two raters, -1 to 1: (p_o - p_e) / (1 - p_e) (Cohen 1960).

    None without pairs, or where both raters always say the same one thing: chance then explains
    all agreement and kappa is not defined.
    """
    n = len(pairs)
    if not n:
        return None
    observed = sum(a == b for a, b in pairs) / n
    one, two = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    expected = sum(one[v] * two[v] for v in one) / n**2
    return None if expected == 1.0 else (observed - expected) / (1.0 - expected)


def fleiss_kappa(items: Sequence[Votes]) -> float | None:
    """Fleiss' kappa of several raters (Fleiss 1971), over items that every rater judged.

    None without such items, with fewer than two raters, or where all votes are one verdict.
    """
    raters = max((len(votes) for votes in items), default=0)
    full = [Counter(votes.values()) for votes in items if len(votes) == raters]
    if raters < 2 or not full:
        return None
    agreeing = sum(sum(c * (c - 1) for c in votes.values()) for votes in full)
    observed = agreeing / (len(full) * raters * (raters - 1))
    totals = sum(full, Counter[Verdict]())
    expected = sum((c / (len(full) * raters)) ** 2 for c in totals.values())
    return None if expected == 1.0 else (observed - expected) / (1.0 - expected)


def krippendorff_alpha(items: Sequence[Votes]) -> float | None:
    """Krippendorff's alpha for nominal data (Krippendorff 2004), by the library of that name.

    Items that some raters did not judge count with the verdicts they have. None where it is not
    defined: fewer than two raters, no item with two votes, or all votes one verdict. Raises
    `MissingExtraError` if the library is not installed.
    """
    raters = sorted({name for votes in items for name in votes})
    paired = [votes for votes in items if len(votes) > 1]
    if len(raters) < 2 or len({v for votes in paired for v in votes.values()}) < 2:
        return None
    code = {"correct": 1.0, "incorrect": 0.0}
    data = [[code.get(votes.get(r, ""), float("nan")) for votes in items] for r in raters]
    alpha = extra("krippendorff", "jury").alpha
    return float(alpha(reliability_data=data, level_of_measurement="nominal"))
