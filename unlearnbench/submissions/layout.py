"""What a submission consists of."""

from __future__ import annotations

RANKABLE = ("standard",)
"""Profiles that a row may be ranked by."""


JOURNALS = ("completions.jsonl", "outcomes.jsonl")


SUMS = "SHA256SUMS"


CLAIMS = ("submission.json", "attestation.json")


ATTACKS = frozenset(["relearn.json", "stress.json"])


FILES = (
    frozenset(["submission.json", SUMS])
    | ATTACKS
    | {f"{part}/{name}" for part in ("run", "base") for name in JOURNALS}
)
"""All that may be in a submission; `ATTACKS` need not be."""
