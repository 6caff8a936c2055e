"""Attestations of a row by others: judged again, run again, or attacked. Checked like the row.

They are beside the submissions, in `attestations/<row>/<any name>/`. A row's own submitter cannot
attest it. Whether two names are two people is checked by whoever merges attestations.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnbench.runs.run import Run
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
from unlearnbench.submissions.fields import slug
from unlearnbench.submissions.layout import (
    ATTACK_FILES,
    ATTESTATION,
    ATTESTATION_FILES,
    FILES_OF_KIND,
    MOST_ATTESTATIONS,
    SENT_COMPLETIONS,
    SENT_OUTCOMES,
)
from unlearnbench.submissions.read import Plans, read_claim, read_folder, rebuild
from unlearnbench.submissions.reproduction import Rerun, compare_rerun
from unlearnbench.submissions.schema import Attestation, RunClaim
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.verify import Checked, attacked_row


@dataclass(frozen=True)
class Attested:
    """One attestation. It counts if it has no `reasons` against it.

    `run` is the row's run judged or made again, `agreement` compares it with the row.
    """

    folder: Path
    reasons: tuple[Refusal, ...] = ()
    claim: Attestation | None = None
    run: Run | None = None
    agreement: Rerun | None = None
    attacks: Attacks = NO_ATTACKS

    @property
    def ok(self) -> bool:
        """Whether there are no reasons against it."""
        return not self.reasons

    def asked_as_the_base(self, row: Checked) -> bool:
        """Whether it confirms the row by a run with all that surrounds the base's weights."""
        if not self.ok or self.claim is None or self.claim.run is None or self.agreement is None:
            return False
        same = different_parts(self.claim.run.surroundings, row.base.claim.run.surroundings) == ()
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
    if len(folders) > MOST_ATTESTATIONS:
        what = f"{len(folders)} attestations, at most {MOST_ATTESTATIONS} are read"
        return [Attested(folder, (Refusal("too-many", folder.name, what),))]
    return [check_attestation(path, row, judge_of) for path in folders]


def attestation_folders(folder: Path) -> list[Path]:
    """The entries of a folder of attestations, by name; empty if it is missing or a link."""
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def check_attestation(folder: Path, row: Checked, judge_of: JudgeOf) -> Attested:
    """Check one attestation of a row. Never raises because of its contents."""
    try:
        return apart(lambda: _check(folder, row, judge_of), folder.name)
    except Refusal as reason:
        return Attested(folder, (reason,))


def _check(folder: Path, row: Checked, judge_of: JudgeOf) -> Attested:
    attestation = _read(folder, row)
    reasons = tuple(_refusals(attestation, row, judge_of))
    agreement = compare_rerun(row.run, attestation.run) if attestation.run and not reasons else None
    attacks = attestation.attacks.without_answers
    return replace(attestation, reasons=reasons, agreement=agreement, attacks=attacks)


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
    if not fits or (claim.run is None) != (claim.kind == "attacked"):
        raise Refusal("kind", ATTESTATION, f"what lies beside it is not what {claim.kind} needs")
    run = None if claim.run is None else _run(folder, claim.run, row, data)
    return Attested(folder, (), claim, run, None, read_attacks(data))


def _run(folder: Path, claim: RunClaim, row: Checked, data: Mapping[str, bytes]) -> Run:
    plan = Plans(row.benchmark).plan_for(claim.identity, ATTESTATION)
    answers = None if SENT_COMPLETIONS in data else row.completions
    return rebuild(folder / "run", claim, plan, data, answers)


def _refusals(attestation: Attested, row: Checked, judge_of: JudgeOf) -> Iterator[Refusal]:
    claim = attestation.claim
    assert claim is not None
    row_identity = row.claim.run.identity
    yield from check_sending(claim.created, ATTESTATION)
    if claim.run is not None and attestation.run is not None:
        identity = claim.run.identity
        same: tuple[str, ...] = ("checkpoint", "dtype")
        if claim.kind == "re-judged":
            same += ("prompt_format", "prompts", "plan")
        for name in same:
            if getattr(identity, name) != getattr(row_identity, name):
                yield Refusal("row", ATTESTATION, f"{name} is not the row's")
        if (identity.judge_identity == row_identity.judge_identity) == (claim.kind == "re-judged"):
            expected = "another judge" if claim.kind == "re-judged" else "the row's judge"
            yield Refusal("judge", ATTESTATION, f"{claim.kind} takes {expected}")
        check = check_run if claim.kind == "re-run" else check_judged_run
        yield from check(claim.run, attestation.run, claim.created, judge_of, ATTESTATION)
    yield from check_attacks(attestation.attacks, attacked_row(row, claim.created), judge_of)


def same_person(first: str, second: str) -> bool:
    """Whether two names are equal up to case, width and spaces."""
    return _folded(first) == _folded(second)


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
