"""Check a submission without its model: all its claims are derived again.

Nothing in a submission is executed, unpickled or followed; files are bounded before they are read,
and `checked` does all of it in a process whose time and memory are bounded too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from unlearnbench.benchmark import Benchmark
from unlearnbench.hashing import sha256_bytes
from unlearnbench.runs.run import Run
from unlearnbench.submissions.answer_stream import seconds_for
from unlearnbench.submissions.apart import apart
from unlearnbench.submissions.attack_checks import AttackedRow, check_attacks
from unlearnbench.submissions.attack_start import OwnRuns
from unlearnbench.submissions.attacks import Attacks, read_attacks
from unlearnbench.submissions.bases import Base, Bases, check_base_run, read_base
from unlearnbench.submissions.checks import check_run, check_sending
from unlearnbench.submissions.copies import (
    Fingerprinted,
    RowAnswers,
    answer_texts,
    answers_of,
    copied,
    texts_of,
)
from unlearnbench.submissions.doubts import Doubt, doubts_of
from unlearnbench.submissions.fields import slug
from unlearnbench.submissions.layout import (
    BASE,
    COMPLETIONS,
    OPTIONAL_FILES,
    SENT_COMPLETIONS,
    SENT_REPLIES,
    SENT_UTILITY,
    SUBMISSION,
    SUBMISSION_FILES,
    SUMS,
)
from unlearnbench.submissions.people import same_person
from unlearnbench.submissions.read import (
    Plans,
    read_claim,
    read_folder,
    rebuild,
    shipped_benchmark,
)
from unlearnbench.submissions.sample import restricted, sample_of
from unlearnbench.submissions.schema import ClaimedIdentity, RunClaim, Submission
from unlearnbench.submissions.untrusted import MOST_CLAIM_BYTES, Refusal, parse_lines, read_sent
from unlearnbench.submissions.utility import SentUtility, check_utility, read_utility_claim
from unlearnbench.submissions.utility_base import check_against_base, utility_doubts
from unlearnbench.submissions.utility_copies import UtilityPrint, copied_utility, utility_print
from unlearnbench.submissions.withdrawn import withdrawal
from unlearnbench.types import Completion, ProbeKey

BEFORE = datetime(1, 1, 1, tzinfo=UTC)
"""When the rows of a board were sent, for a row that is sent to it: before, whatever it says."""


@dataclass(frozen=True)
class Checked:
    """A submission that could be read: its claim, its run, its base, and its attack records.

    `digest` is the sha256 of its SHA256SUMS, which covers all of it. `answers` are compared with
    other rows'. `before_utility`: the board lists it among the rows that need not have `utility`.
    """

    folder: Path
    claim: Submission
    benchmark: Benchmark
    run: Run
    base: Base
    attacks: Attacks
    digest: str
    answers: RowAnswers
    doubts: Sequence[Doubt] = ()
    replies: bytes | None = None
    utility: SentUtility | None = None
    before_utility: bool = False

    @property
    def facts(self) -> list[str]:
        """Ids of the forget facts."""
        return [fact.id for fact in self.benchmark.split("forget")]

    def sample_on(self, day: date) -> Run:
        """Its run on the facts that are judged again as a sample on a day."""
        return restricted(self.run, sample_of(self.digest, self.benchmark, day))

    @property
    def completions(self) -> Mapping[ProbeKey, Completion]:
        """The checkpoint's responses by probe."""
        results = self.run.completions.items()
        return {key: result for key, result in results if isinstance(result, Completion)}

    @property
    def fingerprinted(self) -> Fingerprinted:
        """What other rows are compared with."""
        utility = utility_print(self.utility, self.base.utility)
        return _fingerprinted(self.folder, self.claim, self.answers, utility)


def _fingerprinted(
    folder: Path, claim: Submission, answers: RowAnswers, utility: UtilityPrint | None
) -> Fingerprinted:
    return Fingerprinted(
        id=folder.name,
        benchmark=claim.run.identity.benchmark_fingerprint,
        checkpoint=claim.run.identity.checkpoint,
        submitter=claim.submitter,
        created=datetime.fromisoformat(claim.created),
        answers=answers,
        utility=utility,
    )


@dataclass(frozen=True)
class Verification:
    """A check: `reasons` to refuse the submission, and `checked` if it could be read.

    A folder of an accepted base has `base` instead. `withdrawn`: why the row was taken back.
    """

    folder: Path
    reasons: Sequence[Refusal]
    checked: Checked | None = None
    base: Base | None = field(default=None)
    withdrawn: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there are no reasons to refuse it."""
        return not self.reasons

    def run_and_claim(self) -> tuple[Run, RunClaim]:
        """The run that was submitted, and its claim; of a verification without reasons."""
        part = self.checked or self.base
        assert part is not None
        return part.run, part.claim.run


def check_submission(folder: Path, bases: Bases) -> Verification:
    """Check one submission, or a base run that is to be accepted.

    Never raises because of the submission's contents.
    """
    taken_back = withdrawal(folder)
    if taken_back is not None:
        return Verification(folder, [], withdrawn=taken_back)
    try:
        if _is_base(folder):
            return apart(lambda: _check_base(folder, bases), folder.name, seconds_for(folder))
        # The base is checked here, so that a process for each of many rows finds it checked.
        base = bases.prepare(*apart(lambda: _base_named(folder), folder.name))
        shared = () if isinstance(base, Refusal) else (base, base.benchmark, base.run.probes)
        seconds = seconds_for(folder)
        return apart(lambda: _check_row(folder, bases), folder.name, seconds, shared)
    except Refusal as reason:
        return Verification(folder, [reason])


def _is_base(folder: Path) -> bool:
    return (folder / BASE).is_file() and not (folder / SUBMISSION).exists()


def _check_base(folder: Path, bases: Bases) -> Verification:
    base = read_base(folder)
    return Verification(folder, list(check_base_run(base, bases.judge_of)), base=base)


def _base_named(folder: Path) -> tuple[ClaimedIdentity, str]:
    """The identity of a row's run, and the fingerprint of its base."""
    claim = _claim_in(folder)
    return claim.run.identity, claim.base


def _claim_in(folder: Path) -> Submission:
    data = read_sent(folder / SUBMISSION, SUBMISSION, MOST_CLAIM_BYTES)
    return read_claim(data, SUBMISSION, Submission)


def _check_row(folder: Path, bases: Bases) -> Verification:
    checked = _read(folder, bases)
    reasons = list(_refusals(checked, bases))
    kept = replace(checked, attacks=checked.attacks.without_answers, replies=None)
    return Verification(folder, reasons, kept)


def _read(folder: Path, bases: Bases) -> Checked:
    if (wrong := slug(folder.absolute().name)) is not None:
        raise Refusal("id", folder.name, f"a row's folder is named by {wrong}")
    data = read_folder(folder, SUBMISSION_FILES, SUBMISSION_FILES - OPTIONAL_FILES)
    claim = read_claim(data[SUBMISSION], SUBMISSION, Submission)
    benchmark = shipped_benchmark(claim.run.identity, SUBMISSION)
    plan = Plans(benchmark).plan_for(claim.run.identity, SUBMISSION)
    base = bases.find(claim.run.identity, claim.base)
    run = rebuild(folder / "run", claim.run, plan, data)
    digest = sha256_bytes(data[SUMS])
    utility = read_utility_claim(data)
    doubts = [*doubts_of(claim, run, base)]
    if utility is not None and base.utility is not None:
        doubts += utility_doubts(utility, base.utility)
    return Checked(
        folder=folder,
        claim=claim,
        benchmark=benchmark,
        run=run,
        base=base,
        attacks=read_attacks(data),
        digest=digest,
        answers=answers_of(texts_of(run), texts_of(base.run)),
        doubts=tuple(doubts),
        replies=data.get(SENT_REPLIES),
        utility=utility,
        before_utility=digest in bases.before_utility,
    )


def _refusals(checked: Checked, bases: Bases) -> Iterator[Refusal]:
    claim, replies = checked.claim, checked.replies
    yield from check_sending(claim.created, SUBMISSION)
    yield from check_run(claim.run, checked.run, replies, claim.created, bases.judge_of, SUBMISSION)
    yield from _check_base_of(claim)
    if checked.utility is not None:
        yield from check_utility(checked.utility, claim.run.identity, claim.created)
        yield from _check_utility_base(checked, checked.utility)
    row = attacked_row(checked, claim.created)
    yield from check_attacks(checked.attacks, row, bases.judge_of)


def _check_utility_base(checked: Checked, utility: SentUtility) -> Iterator[Refusal]:
    if checked.base.utility is not None:
        row, base = (part.claim.run.surroundings for part in (checked, checked.base))
        same = row is not None and base is not None and row.tokenizer == base.tokenizer
        yield from check_against_base(utility, checked.base.utility, same)


def attacked_row(checked: Checked, sent: str) -> AttackedRow:
    """A submission as attacks that were sent at `sent` must be about it."""
    claim = checked.claim
    own = OwnRuns(checked.run, checked.base.run)
    return AttackedRow(claim.run.identity, claim.base, checked.benchmark, sent, own)


def _check_base_of(claim: Submission) -> Iterator[Refusal]:
    """The base is another model than the checkpoint, and the one that it was trained from."""
    if claim.base == claim.run.identity.checkpoint:
        yield Refusal("base", SUBMISSION, "the checkpoint is the base itself")
    training = claim.run.training
    if training is not None and training.base.fingerprint != claim.base:
        what = f"trained from {training.base.fingerprint[:12]}…, compared with {claim.base[:12]}…"
        yield Refusal("base", SUBMISSION, what)


def others_of(board: Path, rows: Sequence[Fingerprinted], bases: Bases) -> Iterator[Fingerprinted]:
    """The answers of a board's other rows on the same benchmarks; what is broken is left out."""
    if not rows or not board.is_dir():
        return
    sent, benchmarks = {row.id: row for row in rows}, {row.benchmark for row in rows}
    for folder in sorted(board.iterdir()):
        try:
            other = apart(partial(_answers_only, folder, bases, benchmarks), folder.name)
        except Refusal:
            continue
        if other is None:
            continue
        newer = sent.get(other.id)
        # The row itself, or its submitter's newer version of it, is no copy.
        if newer is None or not same_person(newer.submitter, other.submitter):
            yield replace(other, created=BEFORE)


def _answers_only(folder: Path, bases: Bases, benchmarks: set[str]) -> Fingerprinted | None:
    """A row's answers and utility, read without checking anything else.

    None on another benchmark without utility, which a checkpoint has but once.
    """
    claim, sent = _claim_in(folder), _utility_in(folder)
    if claim.run.identity.benchmark_fingerprint not in benchmarks and sent is None:
        return None
    data = read_sent(folder / SENT_COMPLETIONS, SENT_COMPLETIONS)
    base = bases.find(claim.run.identity, claim.base)
    texts = answer_texts(parse_lines(data, SENT_COMPLETIONS))
    answers = answers_of(texts, texts_of(base.run))
    return _fingerprinted(folder, claim, answers, utility_print(sent, base.utility))


def _utility_in(folder: Path) -> SentUtility | None:
    """A row's utility; None if it has none, or none that could be anybody's original."""
    if not (folder / SENT_UTILITY).is_file():
        return None
    try:
        return read_utility_claim({SENT_UTILITY: read_sent(folder / SENT_UTILITY, SENT_UTILITY)})
    except Refusal:
        return None


def taken(
    rows: Sequence[Fingerprinted], others: Sequence[Fingerprinted]
) -> dict[str, list[Refusal]]:
    """Reasons to refuse rows that would replace a row of somebody else, by id."""
    names = {row.id for row in rows}
    return {
        other.id: [Refusal("id", other.id, f"the board's row of this name is by {other.submitter}")]
        for other in others
        if other.id in names
    }


def copies(rows: Sequence[Fingerprinted]) -> dict[str, list[Refusal]]:
    """Reasons to refuse rows that give the answers or the utility of an earlier one, by id."""
    reasons: dict[str, list[Refusal]] = {}
    for copy, original in copied(rows):
        what = f"its answers are those of {original.id}, which is earlier"
        reasons.setdefault(copy.id, []).append(Refusal("copy", f"run/{COMPLETIONS}", what))
    for copy, original in copied_utility(rows):
        what = f"it is that of {original.id}, which is earlier and of another checkpoint"
        reasons.setdefault(copy.id, []).append(Refusal("copy", SENT_UTILITY, what))
    return reasons
