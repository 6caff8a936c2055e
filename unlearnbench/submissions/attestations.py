"""What others found out about a row: judged again, run again, attacked. Checked like the row.

They lie beside the submissions, in `attestations/<row>/<any name>/`. What its own submitter says of
a row is no attestation. Whether two names are two people is for those to see who merge them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.runs.run import Run
from unlearnbench.submissions.attacks import NO_ATTACKS, Attacks, read_attacks
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
from unlearnbench.submissions.verify import Checked


@dataclass(frozen=True)
class Attested:
    """One attestation. It counts if there are no `reasons` against it.

    `run` is what was judged or asked again, `agreement` how that compares with the row.
    """

    folder: Path
    reasons: tuple[Refusal, ...] = ()
    claim: Attestation | None = None
    run: Run | None = None
    agreement: Rerun | None = None
    attacks: Attacks = NO_ATTACKS

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def attestations_of(submission: Path) -> Path:
    """The folder that holds the attestations about a submission."""
    return submission.absolute().parent.parent / "attestations" / submission.name


def attested(row: Checked, judge_of: JudgeOf) -> list[Attested]:
    """All attestations about a row, by name. Never raises for what they hold."""
    folder = attestations_of(row.folder)
    if folder.is_symlink() or folder.parent.is_symlink():
        return [Attested(folder, (Refusal("link", folder.name, "links are not followed"),))]
    folders = attestation_folders(folder)
    if len(folders) > MOST_ATTESTATIONS:
        what = f"{len(folders)} attestations, at most {MOST_ATTESTATIONS} are read"
        return [Attested(folder, (Refusal("too-many", folder.name, what),))]
    return [check_attestation(path, row, judge_of) for path in folders]


def attestation_folders(folder: Path) -> list[Path]:
    """What lies in a folder of attestations, by name; nothing if there is none or it is a link."""
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def check_attestation(folder: Path, row: Checked, judge_of: JudgeOf) -> Attested:
    """Check one attestation about a row."""
    try:
        one = _read(folder, row)
    except Refusal as reason:
        return Attested(folder, (reason,))
    reasons = tuple(_doubts(one, row, judge_of))
    agreement = compare_rerun(row.runs["run"], one.run) if one.run and not reasons else None
    return Attested(folder, reasons, one.claim, one.run, agreement, one.attacks)


def _read(folder: Path, row: Checked) -> Attested:
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
    plan = Plans(row.benchmark).named(claim.identity, ATTESTATION)
    answers = None if SENT_COMPLETIONS in data else row.answered
    return rebuild(folder / "run", claim, plan, data, answers)


def _doubts(one: Attested, row: Checked, judge_of: JudgeOf) -> Iterator[Refusal]:
    claim = one.claim
    assert claim is not None
    theirs = row.claim.run.identity
    yield from about_sending(claim.created, ATTESTATION)
    if claim.run is not None and one.run is not None:
        mine = claim.run.identity
        for name in ("checkpoint", "dtype", "prompt_format"):
            if getattr(mine, name) != getattr(theirs, name):
                yield Refusal("row", ATTESTATION, f"{name} is not the row's")
        if claim.kind == "re-judged" and mine.prompts != theirs.prompts:
            yield Refusal("row", ATTESTATION, "prompts are not the row's")
        if (mine.judge_identity == theirs.judge_identity) == (claim.kind == "re-judged"):
            other = "another judge" if claim.kind == "re-judged" else "the row's judge"
            yield Refusal("judge", ATTESTATION, f"{claim.kind} takes {other}")
        yield from about_times(claim.run, claim.created, ATTESTATION)
        yield from about_protocol(claim.run, ATTESTATION)
        yield from about_judge(claim.run, one.run, judge_of, ATTESTATION)
        yield from about_scores(claim.run, one.run, ATTESTATION)
    yield from about_attacks(one.attacks, theirs, row.facts, judge_of)


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same but for case, width and spaces."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
