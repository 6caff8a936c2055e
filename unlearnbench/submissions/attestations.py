"""Attestations of a row by others: judged again, run again, or attacked. Checked like the row.

They are beside the submissions, in `attestations/<row>/<any name>/`. A row's own submitter cannot
attest it. Whether two names are two people is checked by whoever merges attestations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.run import Run
from unlearnbench.submissions.answer_stream import seconds_for
from unlearnbench.submissions.apart import apart
from unlearnbench.submissions.attack_checks import check_attacks
from unlearnbench.submissions.attacks import NO_ATTACKS, Attacks, read_attacks
from unlearnbench.submissions.checks import (
    JudgeOf,
    check_judged_run,
    check_run,
    check_sending,
)
from unlearnbench.submissions.doubts import different_parts
from unlearnbench.submissions.fields import CLOCK_SLACK, slug
from unlearnbench.submissions.layout import (
    ATTACK_FILES,
    ATTESTATION,
    ATTESTATION_FILES,
    FILES_OF_KIND,
    MOST_ATTESTATIONS,
    SENT_COMPLETIONS,
    SENT_OUTCOMES,
    SENT_REPLIES,
    SENT_UTILITY,
    AttestationKind,
)
from unlearnbench.submissions.people import same_person
from unlearnbench.submissions.read import Plans, read_claim, read_folder, rebuild
from unlearnbench.submissions.reproduction import Rerun, compare_rerun
from unlearnbench.submissions.sample import sample_days
from unlearnbench.submissions.schema import Attestation, ClaimedIdentity, RunClaim
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.utility import SentUtility, check_utility, read_utility_claim
from unlearnbench.submissions.utility_rerun import rerun_of_utility
from unlearnbench.submissions.verify import Checked, attacked_row
from unlearnbench.types import Completion

JUDGED_AGAIN = (
    *("benchmark", "benchmark_version", "benchmark_fingerprint", "answers", "profile"),
    *("profile_fingerprint", "seed", "max_new_tokens", "prompt_format", "prompts"),
)
"""What a run of the row's answers, judged again, has in common with the row's; on the sample its
plan is a part of the row's.
"""


@dataclass(frozen=True)
class Attested:
    """One attestation. It counts if it has no `reasons` against it.

    `run` is the row's run judged or made again, `utility` what was measured again with it;
    `agreement` compares both with the row. `sample` is
    the row's run on the facts that it covers, if these are a sample.
    """

    folder: Path
    reasons: tuple[Refusal, ...] = ()
    claim: Attestation | None = None
    run: Run | None = None
    agreement: Rerun | None = None
    attacks: Attacks = NO_ATTACKS
    sample: Run | None = None
    replies: bytes | None = None
    utility: SentUtility | None = None

    @property
    def sampled(self) -> bool:
        """Whether it covers a sample of the row's facts only."""
        return self.sample is not None

    @property
    def ok(self) -> bool:
        """Whether there are no reasons against it."""
        return not self.reasons

    def asked_as_the_base(self, row: Checked) -> bool:
        """Whether it confirms the row by a run of its weights that was asked as the base was: the
        same token ids, with all that surrounds the base's weights.
        """
        if not self.ok or self.claim is None or self.claim.run is None or self.agreement is None:
            return False
        again, base, own = self.claim.run, row.base.claim.run, row.claim.run.surroundings
        same = different_parts(again.surroundings, base.surroundings) == ()
        same &= again.identity.prompt_format == base.identity.prompt_format
        same &= base.identity.prompts in (None, again.identity.prompts)
        same &= own is None or own.weights == getattr(again.surroundings, "weights", None)
        return self.claim.kind == "re-run" and self.agreement.agrees and same


def attestations_of(submission: Path) -> Path:
    """The folder of a submission's attestations."""
    return submission.absolute().parent.parent / "attestations" / submission.name


def attested(row: Checked, judge_of: JudgeOf) -> list[Attested]:
    """All attestations of a row, by name. Never raises because of their contents."""
    folder = attestations_of(row.folder)
    if folder.is_symlink() or folder.parent.is_symlink():
        return [Attested(folder, (Refusal("link", folder.name, "links are not followed"),))]
    folders = attestation_folders(folder)
    read = [check_attestation(path, row, judge_of) for path in folders[:MOST_ATTESTATIONS]]
    if len(folders) > MOST_ATTESTATIONS:
        what = f"{len(folders)} attestations, the first {MOST_ATTESTATIONS} by name are read"
        read.append(Attested(folder, (Refusal("too-many", folder.name, what),)))
    return read


def attestation_folders(folder: Path) -> list[Path]:
    """The entries of a folder of attestations, by name; empty if it is missing or a link."""
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def check_attestation(folder: Path, row: Checked, judge_of: JudgeOf) -> Attested:
    """Check one attestation of a row. Never raises because of its contents."""
    try:
        seconds, shared = seconds_for(folder), (row.run.probes,)
        return apart(lambda: _check(folder, row, judge_of), folder.name, seconds, shared)
    except Refusal as reason:
        return Attested(folder, (reason,))


def _check(folder: Path, row: Checked, judge_of: JudgeOf) -> Attested:
    attestation = _read(folder, row)
    reasons = tuple(_refusals(attestation, row, judge_of))
    agreement = None
    if attestation.run and not reasons:
        claimed = attestation.sample or row.run
        sampled = attestation.sampled
        agreement = compare_rerun(claimed, attestation.run, row.base.run, sampled=sampled)
        if row.utility is not None and attestation.utility is not None:
            found = rerun_of_utility(row.utility, attestation.utility.measured)
            agreement = replace(agreement, utility=found)
    attacks = attestation.attacks.without_answers
    kept = replace(attestation, reasons=reasons, agreement=agreement, attacks=attacks)
    return replace(kept, replies=None, utility=None)


def _read(folder: Path, row: Checked) -> Attested:
    if (wrong := slug(folder.name)) is not None:
        raise Refusal("id", folder.name[:80], f"an attestation's folder is named by {wrong}")
    data = read_folder(folder, ATTESTATION_FILES, [ATTESTATION])
    claim = read_claim(data[ATTESTATION], ATTESTATION, Attestation)
    if claim.row != row.digest:
        raise Refusal("row", ATTESTATION, "about another submission, or one that has changed since")
    if same_person(claim.by, row.claim.submitter):
        raise Refusal(
            "own-row", ATTESTATION, f"{claim.by} submitted this row; somebody else must look"
        )
    run_files = set(data) & {SENT_COMPLETIONS, SENT_OUTCOMES}
    attacks = bool(ATTACK_FILES & set(data))
    fits = run_files == FILES_OF_KIND[claim.kind] and attacks == (claim.kind == "attacked")
    fits &= claim.run is not None or SENT_REPLIES not in data
    fits &= claim.kind == "re-run" or SENT_UTILITY not in data
    if not fits or (claim.run is None) != (claim.kind == "attacked"):
        raise Refusal("kind", ATTESTATION, f"what lies beside it is not what {claim.kind} needs")
    attestation = Attested(
        folder,
        claim=claim,
        attacks=read_attacks(data),
        replies=data.get(SENT_REPLIES),
        utility=read_utility_claim(data),
    )
    return attestation if claim.run is None else _with_run(attestation, claim.run, row, data)


def _with_run(
    attestation: Attested, claim: RunClaim, row: Checked, data: Mapping[str, bytes]
) -> Attested:
    """The attestation with its run: of the whole plan, or judged again on the row's sample."""
    path = attestation.folder / "run"
    if SENT_COMPLETIONS in data:
        plan = Plans(row.benchmark).plan_for(claim.identity, ATTESTATION)
        return replace(attestation, run=rebuild(path, claim, plan, data))
    sample = _sample(claim, row)
    judged = sample or row.run
    answers = {k: r for k, r in judged.completions.items() if isinstance(r, Completion)}
    run = rebuild(path, claim, Plan(judged.probes), data, answers)
    return replace(attestation, run=run, sample=sample)


def _sample(claim: RunClaim, row: Checked) -> Run | None:
    """The row's run on the sample that a run claims to have judged; None for all of its facts."""
    if claim.identity.plan == row.claim.run.identity.plan:
        return None
    samples = [row.sample_on(day) for day in sample_days(claim.created)]
    return next((s for s in samples if s.record.identity.plan == claim.identity.plan), None)


def _refusals(attestation: Attested, row: Checked, judge_of: JudgeOf) -> Iterator[Refusal]:
    claim = attestation.claim
    assert claim is not None
    row_identity = row.claim.run.identity
    yield from check_sending(claim.created, ATTESTATION)
    yield from _check_order(claim, row)
    if claim.run is not None and attestation.run is not None:
        identity = claim.run.identity
        same: tuple[str, ...] = ("checkpoint", "dtype")
        if claim.kind == "re-judged":
            same += JUDGED_AGAIN if attestation.sampled else (*JUDGED_AGAIN, "plan")
        for name in same:
            if getattr(identity, name) != getattr(row_identity, name):
                yield Refusal("row", ATTESTATION, f"{name} is not the row's")
        yield from _check_judge(claim.kind, identity, row_identity, attestation.replies is not None)
        check = check_run if claim.kind == "re-run" else check_judged_run
        run, replies = attestation.run, attestation.replies
        yield from check(claim.run, run, replies, claim.created, judge_of, ATTESTATION)
        yield from _check_utility(attestation.utility, claim, identity, row)
    for record in attestation.attacks.records:
        if record.kind not in attestation.attacks.answers:
            what = "comes without its answers, and nothing follows from figures alone"
            yield Refusal("attack", f"{record.kind}.json", what)
    yield from check_attacks(attestation.attacks, attacked_row(row, claim.created), judge_of)


def _check_utility(
    sent: SentUtility | None, claim: Attestation, identity: ClaimedIdentity, row: Checked
) -> Iterator[Refusal]:
    if sent is None:
        return
    if row.utility is None:
        yield Refusal("utility", SENT_UTILITY, "the row sent none that it could confirm")
    yield from check_utility(sent, identity, claim.created)


def _check_order(claim: Attestation, row: Checked) -> Iterator[Refusal]:
    """Nobody judges, or writes of, a row that is not sent yet: the day on which it is judged again
    decides the sample, so that it must not be one of the attester's choice.
    """
    times = [claim.created]
    if claim.run is not None and claim.kind == "re-judged":
        times.append(claim.run.created)
    sent = datetime.fromisoformat(row.claim.created) - CLOCK_SLACK
    if any(datetime.fromisoformat(time) < sent for time in times):
        yield Refusal("times", ATTESTATION, "made before the row was sent")


def _check_judge(
    kind: AttestationKind, identity: ClaimedIdentity, row: ClaimedIdentity, asked: bool
) -> Iterator[Refusal]:
    """A rerun is judged as the row is. Judged again is by another judge, or by a paid one anew:
    `asked` says whether there are replies of its own.
    """
    same = identity.judge_identity == row.judge_identity
    if kind == "re-run" and not same:
        yield Refusal("judge", ATTESTATION, f"{kind} takes the row's judge")
    if kind == "re-judged" and same and not asked:
        yield Refusal("judge", ATTESTATION, f"{kind} takes another judge, or a paid one anew")
