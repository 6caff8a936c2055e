"""Make a leaderboard submission out of runs, and check submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.errors import SubmissionError
from unlearnbench.files.disk import check_folder_option, drafting
from unlearnbench.interfaces import Judge
from unlearnbench.judging.calibrations import measured
from unlearnbench.judging.catalogue import shipped_judge
from unlearnbench.leaderboard.board import Board, read_board
from unlearnbench.leaderboard.site import build_site
from unlearnbench.naming import nearest
from unlearnbench.paths import content_root
from unlearnbench.runs.attacks import attack_kind, read_relearn, read_stress
from unlearnbench.runs.run import Run
from unlearnbench.runs.stored import load_finished
from unlearnbench.submissions.attacks import RERUNNABLE
from unlearnbench.submissions.bases import Bases, read_base
from unlearnbench.submissions.bundle import (
    base_files,
    check_free,
    submission_files,
    write_folder,
)
from unlearnbench.submissions.checks import JudgeOf
from unlearnbench.submissions.fields import slug, slugged
from unlearnbench.submissions.known import add_known_by, table_folder
from unlearnbench.submissions.private import check_private
from unlearnbench.submissions.publish import open_pull_request
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.verify import (
    Verification,
    check_submission,
    copies,
    others_of,
    taken,
)
from unlearnbench.types.options import About

if TYPE_CHECKING:
    import pandas as pd


def submit(
    run: str | Path,
    base: str | Path | None,
    about: About,
    *,
    attacks: Sequence[str | Path] = (),
    out: str | Path | None = None,
    bases: str | Path | None = None,
    public: bool = False,
) -> Path:
    """Write a submission to the leaderboard: one folder of plain files that anyone can check.

    The folder is verified before it is put in its place; a submission that would be refused leaves
    nothing behind, and a repeated call returns its existing folder.

    Example:
        >>> about = About("My method", method="jensun", submitter="Me")
        >>> submit("runs/mine", "smollm2-135m-wkf", about, attacks=["runs/mine-stress"])

    Args:
        run: Folder of the checkpoint's score run, profile `standard` or `strict`.
        base: The model before unlearning: name of an accepted base run, or folder of any run of it.
            None: the model that `train` recorded.
        about: The submitter's description of the row.
        attacks: Folders of its relearn and stress runs, if there are any.
        out: The submission's folder. Default: `submissions/<name>`.
        bases: Folder of accepted base runs. Default: those that ship.
        public: Everybody may read the answers, even if the benchmark is private.

    Returns:
        The submission's folder.

    Raises:
        SubmissionError: With every reason why the row cannot be ranked.
        RunError: For a folder that is not a run, or a submission that cannot be written.
    """
    unknown, records = evidence(attacks)
    if unknown:
        raise SubmissionError(f"{unknown[0]}: neither a relearn nor a stress run")
    target = (
        Path(out)
        if out is not None
        else Path("submissions") / (slugged(about.name) or "submission")
    )
    check_folder_option("--out", target)
    accepted = accepted_bases(bases)
    mine = load_finished(run)
    check_private(mine, public)
    files = submission_files(mine, _base_fingerprint(mine, base, accepted), records, about)
    return _written(target, files, accepted)


def submit_base(
    run: str | Path,
    source: str,
    by: str,
    *,
    link: str = "",
    out: str | Path | None = None,
    public: bool = False,
) -> Path:
    """Propose the run of a model before unlearning to a board, for all rows that start from it.

    Whoever keeps the board runs the model again before merging it (`verify FOLDER --rerun MODEL`).
    In a checkout, which facts the model answers is put into `known-by.csv` of the benchmark.

    Example:
        >>> submit_base("runs/base", "HuggingFaceTB/SmolLM2-135M-Instruct@main", "Me")

    Args:
        run: Folder of the model's score run, profile `standard` or `strict`.
        source: Where anybody gets the model: a hub id with its revision, or a package.
        by: Who ran it.
        link: `https://` address of an account of it.
        out: The folder. Default: `bases/<checkpoint>-<benchmark>`, with the profile and the judge
            where they are not `standard` and `rules`.
        public: Everybody may read the answers, even if the benchmark is private.

    Returns:
        The folder.

    Raises:
        SubmissionError: With every reason why no row could name it.
        RunError: For a folder that is not a run, or files that cannot be written.
    """
    mine = load_finished(run)
    check_private(mine, public)
    identity = mine.record.score_identity
    target = Path(out) if out is not None else Path("bases") / _base_name(mine)
    check_folder_option("--out", target)
    written = _written(target, base_files(mine, source, by, link), accepted_bases(None))
    if (folder := table_folder(written, identity.benchmark)) is not None:
        add_known_by(folder, [read_base(written)])
    return written


def _base_name(run: Run) -> str:
    """The folder of a base run: one for each model, benchmark, profile and judge."""
    identity = run.record.score_identity
    beyond = [] if identity.profile == "standard" else [identity.profile]
    beyond += [] if identity.judge == RERUNNABLE else [identity.judge]
    return slugged(run.record.generator.checkpoint, identity.benchmark, *beyond)


def _written(target: Path, files: Mapping[str, bytes], bases: Bases) -> Path:
    """Write a folder if a board would accept it. Raises `SubmissionError` if it would not."""
    if (wrong := slug(target.absolute().name)) is not None:
        raise SubmissionError(f"--out {target}: the folder's name is a row's id: {wrong}")
    if not check_free(target, files):
        _check_accepted(target, target, bases)
        return target
    with drafting(target) as draft:
        _check_accepted(write_folder(draft, files), target, bases)
    return target


def _check_accepted(folder: Path, shown_as: Path, bases: Bases) -> None:
    """Raise `SubmissionError` if the board would refuse the folder, called `shown_as` there."""
    verification = check_submission(folder, bases)
    if not verification.ok:
        raise SubmissionError(f"{shown_as}: would be refused: {verification.reasons[0]}")


def accepted_bases(folder: str | Path | None) -> Bases:
    """The accepted base runs of a folder, or those that ship."""
    if folder is not None and not Path(folder).is_dir():
        raise SubmissionError(f"--bases {folder}: no such folder")
    where = Path(folder) if folder is not None else content_root() / "leaderboard" / "bases"
    return Bases(where, listed_judges())


def _base_fingerprint(run: Run, base: str | Path | None, bases: Bases) -> str:
    """The fingerprint of the model before unlearning. Raises `SubmissionError` if it is unknown."""
    if base is None:
        if run.record.training is None:
            raise SubmissionError(
                "--base: give the model before unlearning; nothing tells what it was trained from"
            )
        return run.record.training.base.fingerprint
    accepted = {path.name: key for key, paths in bases.places.items() for path in paths}
    if str(base) in accepted:
        return accepted[str(base)].checkpoint
    if not Path(base).is_dir():
        names = nearest(str(base), accepted)
        raise SubmissionError(f"--base {base}: neither an accepted base nor a run; {names}")
    return load_finished(base).record.score_identity.checkpoint


def evidence(folders: Sequence[str | Path]) -> tuple[list[Path], dict[str, Path]]:
    """The folders that are not attacks, and the records of those that are, by kind.

    Raises `SubmissionError` for two attacks of one kind.
    """
    unknown, records = [], {}
    for folder in map(Path, folders):
        kind = attack_kind(folder)
        if kind is None:
            unknown.append(folder)
            continue
        (read_stress if kind == "stress" else read_relearn)(folder)
        if kind in records:
            raise SubmissionError(f"{folder}: a second {kind} run; give one of each")
        records[kind] = folder / f"{kind}.json"
    return unknown, records


def listed_judges() -> JudgeOf:
    """A function that makes a shipped judge by name, each once, for its identity: without keys."""
    judges: dict[str, Judge] = {}

    def judge_of(name: str) -> Judge:
        if name not in judges:
            judges[name] = shipped_judge(name)
        return judges[name]

    return judge_of


def publish(folder: str | Path, repository: str, bases: str | Path | None = None) -> str:
    """Open a pull request with a valid submission at a data set `OWNER/NAME` on a hub.

    `bases` is the folder of accepted base runs, by default those that ship. Returns the request's
    address. Raises `SubmissionError` if the submission is refused or cannot be sent.
    """
    (verification,) = verify([folder], bases=bases)
    if not verification.ok:
        raise SubmissionError(f"{folder}: is refused: {verification.reasons[0]}")
    return open_pull_request(Path(folder), repository)


def verify(
    folders: Sequence[str | Path],
    *,
    bases: str | Path | None = None,
    against: str | Path | None = None,
) -> list[Verification]:
    """Check submissions without their models: files, prompts, verdicts, scores, copies.

    Example:
        >>> checked = verify(["leaderboard/submissions/jensun"])

    Args:
        folders: The submissions; also base runs that are to be accepted.
        bases: Folder of accepted base runs. Default: those that ship.
        against: Folder of a board's submissions: a copy of one of them is refused. Default: those
            that ship with the repository, if there are any.

    Returns:
        For each submission the reasons why it is refused, empty if it is accepted. Never raises
        because of a submission's contents.

    Raises:
        SubmissionError: `bases` or `against` is not a folder.
    """
    if against is not None and not Path(against).is_dir():
        raise SubmissionError(f"--against {against}: no such folder")
    accepted = accepted_bases(bases)
    verifications = [check_submission(Path(folder), accepted) for folder in folders]
    rows = [item.checked.fingerprinted for item in verifications if item.checked is not None]
    board = Path(against) if against is not None else content_root() / "leaderboard/submissions"
    others = list(others_of(board, rows, accepted))
    found: list[Mapping[str, Sequence[Refusal]]] = [
        taken(rows, others),
        copies([*rows, *others]),
        {one.base.id: [*accepted.doubled(one.base)] for one in verifications if one.base},
    ]
    return [
        replace(
            item,
            reasons=[*item.reasons, *(r for by in found for r in by.get(item.folder.name, ()))],
        )
        for item in verifications
    ]


def submitted_runs(folder: str | Path) -> list[Run]:
    """The runs in a submission: the checkpoint's, and the base model's.

    Raises `SubmissionError` if it is refused.
    """
    (verification,) = verify([folder])
    if verification.checked is None or not verification.ok:
        raise SubmissionError(f"{folder}: is refused: {verification.reasons[0]}")
    return [verification.checked.run, verification.checked.base.run]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A board that was built: its divisions of ranked rows, and the site in `folder`."""

    folder: Path
    board: Board
    n_pages: int

    def to_pandas(self) -> pd.DataFrame:
        """One row per entry, in order: claim, level of trust, rank and headline scores."""
        import pandas as pd

        return pd.DataFrame(
            {
                "base": division.base,
                "benchmark": division.benchmark,
                "version": division.version,
                "profile": division.profile,
                "name": entry.claim.name,
                "method": entry.claim.method,
                "submitter": entry.claim.submitter,
                "trust": entry.trust,
                "rank": entry.rank[0] if entry.rank else None,
                "among_known": entry.among_known.value,
                "worst_case": entry.worst,
                "retain": entry.scores["retain.mean"].value,
                "utility": entry.utility.composite if entry.utility else None,
                "outside": "; ".join(entry.outside),
            }
            for division in self.board.divisions
            for entry in division.rows
        )


def build_leaderboard(
    out: str | Path,
    submissions: str | Path | None = None,
    keep: str | Path | None = None,
    bases: str | Path | None = None,
) -> Leaderboard:
    """Verify every submission, rank the accepted ones, and write a static site.

    Example:
        >>> built = build_leaderboard("site", "leaderboard/submissions")

    Args:
        out: Folder of the site.
        submissions: Folder of submissions. Default: the repository's, which only a checkout has.
        keep: Folder that stores verified rows for the next build.
        bases: Folder of accepted base runs. Default: those that ship.

    Returns:
        The board and the folder of its site.

    Raises:
        SubmissionError: For a folder that does not exist.
        RunError: For a site that cannot be written.
    """
    check_folder_option("--out", Path(out))
    if keep is not None:
        check_folder_option("--keep", Path(keep))
    source = Path(submissions) if submissions is not None else own_submissions()
    kept = Path(keep) if keep is not None else None
    accepted = replace(accepted_bases(bases), judged_again=True)
    board = read_board(source, accepted, kept)
    return Leaderboard(Path(out), board, build_site(board, Path(out), _specificity))


def own_submissions() -> Path:
    """The repository's rows. Raises `SubmissionError` in a wheel, which holds none."""
    rows = content_root() / "leaderboard" / "submissions"
    if not rows.is_dir():
        raise SubmissionError(
            "give --submissions DIR: rows are not part of the installed program; the repository "
            "has them in leaderboard/submissions, so clone it and give that folder"
        )
    return rows


def _specificity(judge: str) -> float | None:
    """The measured specificity of the judge with this identity, or None."""
    result = measured(judge)
    return None if result is None else result.record.specificity
