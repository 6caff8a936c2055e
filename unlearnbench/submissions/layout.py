"""The files of submissions and attestations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from unlearnbench.runs.attacks import RELEARN, STRESS
from unlearnbench.runs.replies import REPLIES
from unlearnbench.runs.utility import UTILITY_FILE

AttestationKind = Literal["re-judged", "re-run", "attacked"]

RANKABLE = ("standard", "strict")
"""Profiles that a row may be ranked by, each in divisions of its own."""
ENGINES = ("transformers", "vllm")
"""Engines whose runs may be rows: answers that are replayed come from nowhere."""
NOT_COMPARED = "nobody saw that vLLM had loaded the checkpoint's weights (setting compared)"
"""Why some runs of engine `vllm` are no rows: a model loaded in part looks as if it forgot."""
SETTINGS = frozenset(
    (
        *("dtype", "batch_size", "cache_tokens", "decoder", "date", "tokenizer"),
        *("vllm", "vllm_arguments", "compared"),
        *("thinking", "think_tokens", "system_prompt", "chat_template", "gen"),
    )
)
"""What these engines say of how they ran; the last three leave the protocol."""
SUBMISSION = "submission.json"
"""What a submitter claims."""
ATTESTATION = "attestation.json"
"""What somebody else claims about a row."""
BASE = "base.json"
"""What somebody claims about a model before unlearning."""
CLAIMS = (SUBMISSION, ATTESTATION, BASE)
"""Files that contain the time at which they were made."""
SUMS = "SHA256SUMS"
"""The digest of every other file."""
COMPLETIONS, OUTCOMES = "completions.jsonl", "outcomes.jsonl"
"""A run's responses and their verdicts."""
JOURNALS = (COMPLETIONS, OUTCOMES)
"""The files of a run."""
SENT_COMPLETIONS, SENT_OUTCOMES = f"run/{COMPLETIONS}", f"run/{OUTCOMES}"
"""The run of a submission, a base or an attestation."""
RUN_FILES = frozenset([SENT_COMPLETIONS, SENT_OUTCOMES])
"""What every submitted run consists of."""
SENT_REPLIES = f"run/{REPLIES}.gz"
"""The calls of a paid judge and their replies; there for such a judge and for no other."""
ANSWERS_OF: Mapping[str, str] = {"stress": "stress.jsonl.gz", "relearn": "relearn.jsonl.gz"}
"""Kind of attack -> the compressed answers beside its record."""
SENT_UTILITY = UTILITY_FILE
"""What a model gave when its utility was measured; optional in a submission, in a base, and in an
attestation of a checkpoint that was run again."""
ATTACK_FILES = frozenset([RELEARN, STRESS, *ANSWERS_OF.values()])
"""Records of attacks and their answers; optional in a submission."""
SUBMISSION_FILES = (
    frozenset([SUBMISSION, SUMS, SENT_REPLIES, SENT_UTILITY]) | RUN_FILES | ATTACK_FILES
)
"""All that may be in a submission."""
BASE_FILES = frozenset([BASE, SUMS, SENT_REPLIES, SENT_UTILITY]) | RUN_FILES
"""All that may be in an accepted base run."""
OPTIONAL_FILES = ATTACK_FILES | {SENT_REPLIES, SENT_UTILITY}
"""All that may be missing."""
FILES_OF_KIND: Mapping[AttestationKind, frozenset[str]] = {
    "re-judged": frozenset([SENT_OUTCOMES]),
    "re-run": RUN_FILES,
    "attacked": frozenset(),
}
"""Kind of attestation -> the files of its run; an attack has `ATTACK_FILES` instead."""
BEFORE_UTILITY = "BEFORE_UTILITY"
"""In a folder of accepted bases: the sha256 of SHA256SUMS of each row that is ranked without
utility, as it was sent before utility was part of a row."""
ATTESTATION_FILES = (
    frozenset([ATTESTATION, SUMS, SENT_REPLIES, SENT_UTILITY]) | RUN_FILES | ATTACK_FILES
)
"""All that may be in an attestation."""
MOST_ATTESTATIONS = 100
"""Attestations about one row; more than that is nobody's honest interest."""
