"""What became of proposals, in sentences for the report and the data card."""

from __future__ import annotations

from collections.abc import Iterator

from unlearnbench.authoring.doubts import rule_in_words
from unlearnbench.authoring.report import MakingReport, ProposedPart
from unlearnbench.display import counted

_TITLES = {
    "neighbours": ("neighbour as a retain fact", "neighbours as retain facts"),
    "never": ("invented control", "invented controls"),
    "syntax": ("row of relearning set syntax", "rows of relearning set syntax"),
    "prose": ("row of relearning set prose", "rows of relearning set prose"),
    "forms": ("form for the stress tests", "forms for the stress tests"),
    "indirect": ("indirect question", "indirect questions"),
    "own-indirect": ("indirect question", "indirect questions"),
}
_OWN = frozenset(["own-indirect"])
"""Kinds that a user has written."""


def proposed_lines(report: MakingReport) -> Iterator[str]:
    """A sentence on each kind of proposals."""
    for name, part in report.proposed.items():
        told = "taken from your table" if name in _OWN else "proposed and kept"
        yield f"{told}: {counted(part.kept, *_TITLES[name])}{_rest(part)}"


def _rest(part: ProposedPart) -> str:
    told = []
    if part.in_doubt:
        told.append(f"in doubt: {part.in_doubt}, accept or strike in review.html")
    reasons = (f"{count} ({rule_in_words(rule)})" for rule, count in part.left_out.items())
    if left_out := ", ".join(reasons):
        told.append(f"left out: {left_out}")
    if part.missing:
        first, why = next(iter(part.missing.items()))
        told.append(f"fewer than wanted for {len(part.missing)}, the first {first}: {why}")
    return "".join(f"; {text}" for text in told)
