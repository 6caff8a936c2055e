"""Check a submission without its model: all its claims are derived again.

Nothing in a submission is executed, unpickled or followed; files are bounded before they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unlearnbench.benchmark import Benchmark
from unlearnbench.hashing import sha256_bytes
from unlearnbench.runs.run import Run
from unlearnbench.submissions.attacks import Attacks, read_attacks
from unlearnbench.submissions.checks import (
    JudgeOf,
    check_attacks,
    check_judge,
    check_protocol,
    check_scores,
    check_sending,
    check_times,
)
from unlearnbench.submissions.layout import (
    ATTACK_FILES,
    COMPLETIONS,
    RUN_PARTS,
    SUBMISSION,
    SUBMISSION_FILES,
    SUMS,
    Part,
)
from unlearnbench.submissions.read import (
    Plans,
    read_claim,
    read_folder,
    rebuild,
    shipped_benchmark,
)
from unlearnbench.submissions.schema import RunClaim, Submission
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Completion, ProbeKey

SHARED_ANSWERS = 0.999
"""Share of identical responses at which one of two rows is taken for a copy."""


@dataclass(frozen=True)
class Checked:
    """A submission that could be read: its claim, its runs, and its attack records.

    `digest` is the sha256 of its SHA256SUMS, which covers all of it.
    """

    folder: Path
    claim: Submission
    benchmark: Benchmark
    runs: Mapping[Part, Run]
    attacks: Attacks
    completions: Mapping[ProbeKey, Completion]
    digest: str

    @property
    def facts(self) -> list[str]:
        """Ids of the forget facts."""
        return [fact.id for fact in self.benchmark.split("forget")]

    @cached_property
    def answers(self) -> Mapping[str, str]:
        """The texts of the checkpoint's responses by probe."""
        return {str(key): result.text for key, result in self.completions.items()}


@dataclass(frozen=True)
class Verification:
    """A check: `reasons` to refuse the submission, and `checked` if it could be read."""

    folder: Path
    reasons: Sequence[Refusal]
    checked: Checked | None = None

    @property
    def ok(self) -> bool:
        """Whether there are no reasons to refuse it."""
        return not self.reasons


def check_submission(folder: Path, judge_of: JudgeOf) -> Verification:
    """Check one submission.

    `judge_of` makes a listed judge by name. Never raises because of the submission's contents.
    """
    try:
        checked = _read(folder)
    except Refusal as reason:
        return Verification(folder, [reason])
    return Verification(folder, list(_refusals(checked, judge_of)), checked)


def _read(folder: Path) -> Checked:
    data = read_folder(folder, SUBMISSION_FILES, SUBMISSION_FILES - ATTACK_FILES)
    claim = read_claim(data[SUBMISSION], SUBMISSION, Submission)
    benchmark = shipped_benchmark(claim.run.identity, SUBMISSION)
    plans = Plans(benchmark)
    runs: dict[Part, Run] = {}
    for part in RUN_PARTS:
        run_claim: RunClaim = getattr(claim, part)
        plan = plans.plan_for(run_claim.identity, _place_of(part))
        runs[part] = rebuild(folder / part, run_claim, plan, data)
    attacks = read_attacks(data)
    results = runs["run"].completions
    completions = {key: result for key, result in results.items() if isinstance(result, Completion)}
    return Checked(folder, claim, benchmark, runs, attacks, completions, sha256_bytes(data[SUMS]))


def _place_of(part: Part) -> str:
    return f"{SUBMISSION}, {part}"


def _refusals(checked: Checked, judge_of: JudgeOf) -> Iterator[Refusal]:
    claim = checked.claim
    claims: Mapping[Part, RunClaim] = {"run": claim.run, "base": claim.base}
    for part, run_claim in claims.items():
        yield from check_times(run_claim, claim.created, _place_of(part))
        yield from check_protocol(run_claim, _place_of(part))
    yield from check_sending(claim.created, SUBMISSION)
    for part, run_claim in claims.items():
        yield from check_judge(run_claim, checked.runs[part], judge_of, _place_of(part))
    for part, run_claim in claims.items():
        yield from check_scores(run_claim, checked.runs[part], _place_of(part))
    yield from check_attacks(checked.attacks, claim.run.identity, checked.facts, judge_of)


def copies(checked: Checked, others: Sequence[Checked]) -> Iterator[Refusal]:
    """A reason for each other row whose responses are the same."""
    for candidate in others:
        if candidate.folder == checked.folder:
            continue
        identity, candidate_identity = checked.claim.run.identity, candidate.claim.run.identity
        if identity.benchmark_fingerprint != candidate_identity.benchmark_fingerprint:
            continue
        candidate_answers = candidate.answers
        same = sum(candidate_answers.get(key) == text for key, text in checked.answers.items())
        share = same / len(checked.answers)
        if share >= SHARED_ANSWERS and (
            identity.checkpoint != candidate_identity.checkpoint
            or checked.claim.submitter != candidate.claim.submitter
        ):
            what = f"{share:.1%} of its answers are those of {candidate.folder.name}, to the letter"
            yield Refusal("copy", f"run/{COMPLETIONS}", what)
