"""The files of submissions and attestations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from unlearnbench.runs.attacks import RELEARN, STRESS

Part = Literal["run", "base"]
AttestationKind = Literal["re-judged", "re-run", "attacked"]

RANKABLE = ("standard",)
"""Profiles that a row may be ranked by."""
SUBMISSION = "submission.json"
"""What a submitter claims."""
ATTESTATION = "attestation.json"
"""What somebody else claims about a row."""
CLAIMS = (SUBMISSION, ATTESTATION)
"""Files that contain the time at which they were made."""
SUMS = "SHA256SUMS"
"""The digest of every other file."""
COMPLETIONS, OUTCOMES = "completions.jsonl", "outcomes.jsonl"
"""A run's responses and their verdicts."""
JOURNALS = (COMPLETIONS, OUTCOMES)
"""The files of a run."""
RUN_PARTS: tuple[Part, ...] = ("run", "base")
"""The runs of a submission: the checkpoint's, and the model's before unlearning."""
ATTACK_FILES = frozenset([RELEARN, STRESS])
"""Records of attacks; optional in a submission."""
SUBMISSION_FILES = (
    frozenset([SUBMISSION, SUMS])
    | ATTACK_FILES
    | {f"{part}/{name}" for part in RUN_PARTS for name in JOURNALS}
)
"""All that may be in a submission."""
SENT_COMPLETIONS, SENT_OUTCOMES = f"run/{COMPLETIONS}", f"run/{OUTCOMES}"
"""The run of an attestation."""
FILES_OF_KIND: Mapping[AttestationKind, frozenset[str]] = {
    "re-judged": frozenset([SENT_OUTCOMES]),
    "re-run": frozenset([SENT_COMPLETIONS, SENT_OUTCOMES]),
    "attacked": frozenset(),
}
"""Kind of attestation -> the files of its run; an attack has `ATTACK_FILES` instead."""
ATTESTATION_FILES = frozenset([ATTESTATION, SUMS, SENT_COMPLETIONS, SENT_OUTCOMES]) | ATTACK_FILES
"""All that may be in an attestation."""
MOST_ATTESTATIONS = 100
"""Attestations about one row; more than that is nobody's honest interest."""
