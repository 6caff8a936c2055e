"""Reasons not to take a score at face value: the limits, and the functions that apply them.

`score`, `stress`, `relearn` and `report` all decide here, so that no two of them can differ. How
the limits were chosen: docs/decisions/0012-findings.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from unlearnbench.scoring.fluency import FLOOR

Severity = Literal["warning", "note"]
"""A warning: the headline must not be read as forgetting. A note: what it does not cover."""
Decision = Literal["found", "open", "absent"]
"""`open`: probes without a verdict could still turn it into `found`."""

RETAIN_FLOOR = 0.2
"""A model that answers a smaller share of retain probes knows hardly any retain fact."""
RETAIN_KEPT = 0.5
"""A model that keeps a smaller share of its base's retain score lost what it should keep."""
CUT = 0.2
"""A run with this share of answers cut at the token limit gets a finding."""
EMPTY = 0.1
"""A run with this share of empty answers gets a finding."""
ALIKE = 0.5
"""A run gets a finding if this share of retain answers refuse, or are one and the same text."""
KNEW_LITTLE = 0.5
"""Where the base knew a smaller share of the forget facts there was little to forget."""
FEW_KNOWN = 10
"""A base that knew fewer forget facts leaves a rate of which one fact is more than a tenth."""
POINTS = 10
"""Percentage points by which something must differ before it counts …"""
FACTS = 2
"""… and facts, so that one odd answer in a short run does not. A base that knew less than both
knew nothing."""


class Bounds(Protocol):
    """A share of `n` units that is known up to what is open: `Score`, or figures on disk."""

    @property
    def low(self) -> float:
        """What is open counted as no."""
        ...

    @property
    def high(self) -> float:
        """What is open counted as yes."""
        ...

    @property
    def n(self) -> int:
        """Number of units."""
        ...


@dataclass(frozen=True, slots=True)
class RunFinding:
    """A remark that belongs beside a run's scores.

    `code` is stable and meant for programs; `text` is one sentence without a full stop.
    """

    code: str
    severity: Severity
    text: str


def below(share: Bounds, low: float, high: float) -> Decision:
    """Whether a share is below a limit that itself lies between `low` and `high`."""
    if share.high < low:
        return "found"
    return "open" if share.low < high else "absent"


def is_enough(count: int, n: int) -> bool:
    """Whether `count` of `n` facts are more than chance: `FACTS` facts and `POINTS` points."""
    return count >= FACTS and 100 * count >= POINTS * n


def is_share(count: int, n: int, limit: float) -> bool:
    """Whether `count` of `n` answers reach a limit; none of none never does."""
    return n > 0 and count >= limit * n


def is_broken(fluency: Bounds) -> Decision:
    """Whether too few answers are language for the checkpoint to be called unlearnt."""
    return below(fluency, FLOOR, FLOOR)


def why_unranked(fluency_high: float) -> str | None:
    """Why a checkpoint of this fluency is not ranked by an attack; None if it is.

    The text stands in records that are compared to the letter: it must not change.
    """
    if fluency_high >= FLOOR:
        return None
    return f"fluency {fluency_high:.0%} is below {FLOOR:.0%}: the model is broken, not robust"


def lost_retain(retain: Bounds, base: Bounds | None) -> Decision:
    """Whether a model lost what it should keep: against its base, or `RETAIN_FLOOR` without one."""
    if base is not None and base.n:
        return below(retain, RETAIN_KEPT * base.low, RETAIN_KEPT * base.high)
    return below(retain, RETAIN_FLOOR, RETAIN_FLOOR)


def broken_finding(fluency: Bounds) -> RunFinding | None:
    """`fluency-low`: the model is broken, or says nothing."""
    if is_broken(fluency) != "found":
        return None
    text = (
        f"fluency {range_text(fluency)} is below {plain_percent(FLOOR)}: the model is broken or "
        "silent, and a low worst case is no forgetting"
    )
    return RunFinding("fluency-low", "warning", text)


def retain_finding(retain: Bounds, base: Bounds | None) -> RunFinding | None:
    """`retain-low`: the model lost its retain facts, or knows hardly any.

    A model below the floor knows hardly any even where its base knew no more.
    """
    if base is not None and base.n and lost_retain(retain, base) == "found":
        text = (
            f"retain.mean {range_text(retain)} is less than half of the base's "
            f"{range_text(base)}: a low worst case would be damage, not forgetting"
        )
        return RunFinding("retain-low", "warning", text)
    if lost_retain(retain, None) == "found":
        text = (
            f"retain.mean {range_text(retain)} is below {plain_percent(RETAIN_FLOOR)}: the model "
            "knows hardly any retain fact, and a low worst case says nothing"
        )
        return RunFinding("retain-low", "warning", text)
    return None


def base_finding(known: Bounds) -> RunFinding | None:
    """Whether the base knew anything to forget, judged by its own worst case.

    `nothing-to-forget`, `little-to-forget`, or `base-open` where open facts decide.
    """
    count = f"the base knew {count_text(known)} of {known.n} forget facts in its own worst case"
    if not is_enough(round(known.high * known.n), known.n):
        text = f"there was nothing to forget: {count}"
        return RunFinding("nothing-to-forget", "warning", text)
    state = below(known, KNEW_LITTLE, KNEW_LITTLE)
    if state == "found":
        text = f"there was little to forget: {count}"
        return RunFinding("little-to-forget", "warning", text)
    if state == "open":
        text = f"what there was to forget is open: {count}; give the command of its run again"
        return RunFinding("base-open", "warning", text)
    return None


def few_known_finding(known: Bounds) -> RunFinding | None:
    """`few-known`: so few facts were known that no rate among them says much."""
    if round(known.low * known.n) >= FEW_KNOWN:
        return None
    text = (
        f"the base knew {count_text(known)} forget facts, fewer than {FEW_KNOWN}: a share of so "
        "few says little, whatever it is"
    )
    if round(known.high * known.n) >= FEW_KNOWN:
        text = (
            f"the base knew {count_text(known)} forget facts, perhaps fewer than {FEW_KNOWN}: "
            "close what is open in its run first"
        )
    return RunFinding("few-known", "note", text)


def in_order(findings: Sequence[RunFinding]) -> tuple[RunFinding, ...]:
    """Warnings before notes, otherwise as they come."""
    return tuple(sorted(findings, key=lambda finding: finding.severity == "note"))


def plain_percent(share: float) -> str:
    """0.123 as `12.3 %` with a plain space, as stored records have it."""
    return f"{100 * share:.1f} %"


def count_text(share: Bounds) -> str:
    """How many units those are: `7`, or `7 to 9` while something is open."""
    low, high = round(share.low * share.n), round(share.high * share.n)
    return f"{low}" if low == high else f"{low} to {high}"


def range_text(share: Bounds) -> str:
    """A share, or the range it lies in while something is open."""
    if share.low == share.high:
        return plain_percent(share.low)
    return f"{100 * share.low:.1f} … {plain_percent(share.high)}"


PARTIAL = frozenset(["quick"])
"""Profiles that ask some of the paraphrases; `tests/unit/test_protocol.py` holds it to them."""


def left_unasked(profile: str) -> str | None:
    """The note on a profile that asks some of the paraphrases; None for one that asks all.

    Its probes are among those of `standard`, and what leaks on some leaks on all of them.
    """
    if profile not in PARTIAL:
        return None
    return (
        f"profile {profile} asks some of the paraphrases: the worst case over all of them "
        "(standard) is at least this high, and can be much higher"
    )


def few_paraphrases(count: int | None, full: int) -> RunFinding | None:
    """`original-only` or `paraphrases-few`: a run of a benchmark with fewer than the protocol's.

    `count` is the smallest number that any forget fact was asked in, None without forget facts.
    """
    if count is None or count >= full:
        return None
    if count == 0:
        text = (
            "forget facts were asked in their original wording only: whether they are known in "
            "other words is not known, and the worst case can be much higher"
        )
        return RunFinding("original-only", "warning", text)
    text = (
        f"forget facts were asked in {count} paraphrase{'' if count == 1 else 's'} instead of the "
        f"protocol's {full}: the worst case over all of them can be much higher"
    )
    return RunFinding("paraphrases-few", "note", text)
