"""Check a submission without its model: everything that it claims is derived again.

Nothing of a submission is run, unpickled or followed; files are bounded before they are read.
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
    about_attacks,
    about_judge,
    about_protocol,
    about_scores,
    about_sending,
    about_times,
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
"""Two rows of different checkpoints do not answer this share of all probes to the letter."""


@dataclass(frozen=True)
class Checked:
    """A submission that was read: its claim, its runs rebuilt, its attacks' records.

    `digest` is the sha256 of its SHA256SUMS, which names all of it.
    """

    folder: Path
    claim: Submission
    benchmark: Benchmark
    runs: Mapping[Part, Run]
    attacks: Attacks
    answered: Mapping[ProbeKey, Completion]
    digest: str

    @property
    def facts(self) -> list[str]:
        """Ids of the forget facts."""
        return [fact.id for fact in self.benchmark.split("forget")]

    @cached_property
    def answers(self) -> Mapping[str, str]:
        """The checkpoint's answers as texts, by their probes."""
        return {str(key): result.text for key, result in self.answered.items()}


@dataclass(frozen=True)
class Verification:
    """`reasons` why a submission is refused; empty if it stands. `checked` if it could be read."""

    folder: Path
    reasons: Sequence[Refusal]
    checked: Checked | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def check_submission(folder: Path, judge_of: JudgeOf) -> Verification:
    """Check one submission.

    `judge_of` makes a listed judge by name. Never raises for what the submission holds.
    """
    try:
        checked = _read(folder)
    except Refusal as reason:
        return Verification(folder, [reason])
    return Verification(folder, list(_doubts(checked, judge_of)), checked)


def _read(folder: Path) -> Checked:
    data = read_folder(folder, SUBMISSION_FILES, SUBMISSION_FILES - ATTACK_FILES)
    claim = read_claim(data[SUBMISSION], SUBMISSION, Submission)
    benchmark = shipped_benchmark(claim.run.identity, SUBMISSION)
    plans = Plans(benchmark)
    runs: dict[Part, Run] = {}
    for part in RUN_PARTS:
        one: RunClaim = getattr(claim, part)
        runs[part] = rebuild(folder / part, one, plans.named(one.identity, _where(part)), data)
    attacks = read_attacks(data)
    completions = runs["run"].completions
    answered = {
        key: result for key, result in completions.items() if isinstance(result, Completion)
    }
    return Checked(folder, claim, benchmark, runs, attacks, answered, sha256_bytes(data[SUMS]))


def _where(part: Part) -> str:
    return f"{SUBMISSION}, {part}"


def _doubts(checked: Checked, judge_of: JudgeOf) -> Iterator[Refusal]:
    claim = checked.claim
    claims: Mapping[Part, RunClaim] = {"run": claim.run, "base": claim.base}
    for part, one in claims.items():
        yield from about_times(one, claim.created, _where(part))
        yield from about_protocol(one, _where(part))
    yield from about_sending(claim.created, SUBMISSION)
    for part, one in claims.items():
        yield from about_judge(one, checked.runs[part], judge_of, _where(part))
    for part, one in claims.items():
        yield from about_scores(one, checked.runs[part], _where(part))
    yield from about_attacks(checked.attacks, claim.run.identity, checked.facts, judge_of)


def copies(checked: Checked, others: Sequence[Checked]) -> Iterator[Refusal]:
    """Other rows that this one's answers are taken from, or that took its answers."""
    for other in others:
        if other.folder == checked.folder:
            continue
        mine, theirs = checked.claim.run.identity, other.claim.run.identity
        if mine.benchmark_fingerprint != theirs.benchmark_fingerprint:
            continue
        theirs_by_key = other.answers
        same = sum(theirs_by_key.get(key) == text for key, text in checked.answers.items())
        share = same / len(checked.answers)
        if share >= SHARED_ANSWERS and (
            mine.checkpoint != theirs.checkpoint or checked.claim.submitter != other.claim.submitter
        ):
            what = f"{share:.1%} of its answers are those of {other.folder.name}, to the letter"
            yield Refusal("copy", f"run/{COMPLETIONS}", what)
