"""Make a leaderboard submission out of runs, and check submissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unlearnbench.errors import SubmissionError
from unlearnbench.interfaces import Judge
from unlearnbench.judging.catalogue import make_judge
from unlearnbench.protocol.run import load_run
from unlearnbench.runs.attacks import attack_kind, read_attack
from unlearnbench.submissions.bundle import About, bundle
from unlearnbench.submissions.verify import Verification, copies
from unlearnbench.submissions.verify import verify as check


def submit(
    run: str | Path,
    base: str | Path,
    about: About,
    *,
    attacks: Sequence[str | Path] = (),
    out: str | Path | None = None,
) -> Path:
    """Write a submission folder from a score run, the base model's, and attack runs.

    `out` defaults to `submissions/<name>`. The folder is verified before it is handed over. Raises
    `SubmissionError` with every reason why the row could not be ranked, `RunError` for what is no
    run.
    """
    records: dict[str, Path] = {}
    for folder in attacks:
        kind = attack_kind(Path(folder))
        if kind is None:
            raise SubmissionError(f"{folder}: neither a relearn nor a stress run")
        read_attack(Path(folder), kind)
        if kind in records:
            raise SubmissionError(f"{folder}: a second {kind} run; give one of each")
        records[kind] = Path(folder) / f"{kind}.json"
    target = Path(out) if out is not None else Path("submissions") / _folder_name(about.name)
    made = bundle(load_run(run), load_run(base), records, about, target)
    found = verify([made])[0]
    if not found.ok:
        raise SubmissionError(f"{made}: would be refused: {found.reasons[0]}")
    return made


def verify(folders: Sequence[str | Path]) -> list[Verification]:
    """Check submissions without their models; copies are looked for among them."""
    judges: dict[str, Judge] = {}

    def judge_of(name: str) -> Judge:
        if name not in judges:
            judges[name] = make_judge(name)
        return judges[name]

    found = [check(Path(folder), judge_of) for folder in folders]
    read = [one.checked for one in found if one.checked is not None]
    return [
        replace(one, reasons=[*one.reasons, *copies(one.checked, read)]) if one.checked else one
        for one in found
    ]


def _folder_name(name: str) -> str:
    from unlearnbench.naming import label

    return label(name.lower()) or "submission"
