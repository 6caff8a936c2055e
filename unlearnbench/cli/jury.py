"""How far the members of a jury agree on a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout
from unlearnbench.errors import RunError

if TYPE_CHECKING:
    from unlearnbench.runs.run import Run


def print_jury(run: Run, as_json: bool) -> None:
    """Fleiss' kappa, Krippendorff's alpha, and every answer on which members differ.

    Raises `RunError` if no jury judged the run.
    """
    from unlearnbench.judging.jury import votes_of
    from unlearnbench.scoring.agreement import fleiss_kappa, krippendorff_alpha

    rows = [(row, votes_of(row.evidence or "")) for row in run.rows()]
    voted = [(row, votes) for row, votes in rows if votes]
    if not voted:
        raise RunError(f"{run.path} was not judged by a jury, but by {run.record.judge.name}")
    all_votes = [votes for _, votes in voted]
    disputed = [(row, votes) for row, votes in voted if len(set(votes.values())) > 1]
    kappa, alpha = fleiss_kappa(all_votes), krippendorff_alpha(all_votes)
    if as_json:
        fields = ("fact", "phrasing", "context", "answer", "response")
        disagreements = [
            {**{f: getattr(row, f) for f in fields}, "votes": dict(votes)}
            for row, votes in disputed
        ]
        record = {"n": len(voted), "fleiss_kappa": kappa, "krippendorff_alpha": alpha}
        print(json.dumps({**record, "disagreements": disagreements}, indent=2, ensure_ascii=False))
        return
    text = ", ".join(
        f"{name} {'not defined' if value is None else format(value, '.3f')}"
        for name, value in (("Fleiss' kappa", kappa), ("Krippendorff's alpha", alpha))
    )
    stdout().print(f"jury: {len(disputed)} of {len(voted)} answers are disputed; {text}")
    for row, votes in disputed:
        verdicts = "; ".join(f"{name}: {verdict}" for name, verdict in votes.items())
        probe = f"{row.fact}/{row.phrasing}/{row.context}: {row.answer!r}"
        stdout().print(f"{probe} <- {row.response!r} ({verdicts})")
