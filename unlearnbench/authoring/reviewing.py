"""One round of a review: what was decided before, what the table says now, and the result.

    taken = take_review(out, paraphrased, recheck)
    # write the benchmark, with `decision_lines(taken.decisions)` in making/, and then
    write_review(taken.paraphrased, out, taken.decisions)

In this order a process that is killed loses no decision: they are kept before the table that holds
them is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.authoring.decisions import Decisions, stored_decisions
from unlearnbench.authoring.reading_back import read_review
from unlearnbench.authoring.review import REVIEW_CSV
from unlearnbench.authoring.taking_up import Recheck, take_up
from unlearnbench.paraphrasing.candidates import Paraphrased


@dataclass(frozen=True, slots=True)
class ReviewTaken:
    """The facts with everything that was ever decided taken up, and all these decisions."""

    paraphrased: tuple[Paraphrased, ...]
    decisions: Decisions


def kept_review(out: Path, paraphrased: Sequence[Paraphrased], recheck: Recheck) -> ReviewTaken:
    """Take up what was decided in earlier rounds, and no table. Raises `BenchmarkError`."""
    before = stored_decisions(out / "making")
    return ReviewTaken(tuple(take_up(paraphrased, before, recheck)), before)


def decided_about(
    out: Path, proposed: Sequence[Paraphrased], table: Path | None, *, resume: bool
) -> Decisions:
    """Every decision about proposed facts: those taken up before, and the table's on `resume`.

    They are needed before paraphrases are: an accepted fact gets some. Raises as `take_review`.
    """
    before = stored_decisions(out / "making")
    path = table or out / REVIEW_CSV
    if not resume or (table is None and not path.exists()):
        return before
    return {**before, **read_review(path, proposed, before, alone=True)}


def take_review(
    out: Path,
    paraphrased: Sequence[Paraphrased],
    recheck: Recheck,
    table: Path | None = None,
    proposed: Sequence[Paraphrased] = (),
) -> ReviewTaken:
    """Take up a review; writes nothing.

    Args:
        out: The benchmark's folder, with `making/decisions.jsonl` if something was decided before.
        paraphrased: The facts as paraphraser and checks left them, nothing decided.
        recheck: Checks what a person wrote.
        table: The table with decisions. Default: the folder's `review.csv`, if there is one.
        proposed: Proposed facts in doubt, which the table may decide about too.

    Raises:
        BenchmarkError: If a table or the kept decisions cannot be taken up.
    """
    before = stored_decisions(out / "making")
    state = take_up(paraphrased, before, recheck)
    path = table or out / REVIEW_CSV
    if table is None and not path.exists():
        return ReviewTaken(tuple(state), before)
    decisions = {**before, **read_review(path, [*proposed, *state], before)}
    return ReviewTaken(tuple(take_up(paraphrased, decisions, recheck)), decisions)
