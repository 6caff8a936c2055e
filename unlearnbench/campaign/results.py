"""What came out of a campaign: one row a checkpoint, and the figures of its runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from unlearnbench.campaign.jobs import CampaignJob
from unlearnbench.campaign.workflow import is_done
from unlearnbench.files.disk import write_atomically
from unlearnbench.runs.attacks import read_finished, read_relearn, read_stress
from unlearnbench.runs.run import load_run
from unlearnbench.runs.schema import FinishedRelearn
from unlearnbench.scoring.scores import headline_of
from unlearnbench.utility.derived import least_composite


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A checkpoint and its figures, shares in 0 … 1; None where there is no result yet.

    Scores with open facts are the conservative end of their interval: `worst_case`
    (`forget.strict` under that profile), `stress` (the share that leaked through any ranked door)
    and `relearnt` (the highest of a benign arm) the high one, `retain`, `fluency` and `utility`
    (the composite beside the base's) the low one.
    `warnings` are the codes of what speaks against reading the worst case as forgetting, `missing`
    the jobs that have not ended well.
    """

    model: str
    method: str
    settings: str
    seed: int | None
    checkpoint: str
    worst_case: float | None = None
    worst_case_low: float | None = None
    worst_case_high: float | None = None
    retain: float | None = None
    fluency: float | None = None
    n_open: int | None = None
    utility: float | None = None
    stress: float | None = None
    relearnt: float | None = None
    warnings: str = ""
    missing: str = ""


def campaign_rows(jobs: Sequence[CampaignJob], out: Path) -> tuple[CampaignRow, ...]:
    """One row for each base and each checkpoint. Raises `RunError` for a damaged result."""
    return tuple(_rows(jobs, out))


def result_folders(jobs: Sequence[CampaignJob], out: Path) -> list[Path]:
    """Folders of the runs that there are, for a report."""
    return [out / j.folder for j in jobs if j.kind != "train" and (out / j.record).is_file()]


def write_table(rows: Sequence[CampaignRow], path: Path) -> None:
    """The rows as a CSV file; an empty cell where there is no result."""
    text = io.StringIO()
    names = [field.name for field in fields(CampaignRow)]
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_atomically(path, text.getvalue())


def _rows(jobs: Sequence[CampaignJob], out: Path) -> Iterator[CampaignRow]:
    following: dict[str, list[CampaignJob]] = {}
    for job in jobs:
        if job.kind not in ("base", "train"):
            following.setdefault(job.needs[0], []).append(job)
    for job in jobs:
        if job.kind == "base":
            yield _row(job, [job], out)
        elif job.kind == "train":
            yield _row(job, [job, *following[job.key]], out)


def _row(first: CampaignJob, parts: Sequence[CampaignJob], out: Path) -> CampaignRow:
    training = first.training
    figures: dict[str, float | int | str] = {}
    for part in parts:
        if (out / part.record).is_file():
            figures |= _figures(part, out / part.folder)
    return CampaignRow(
        model=first.model,
        method=training.method if training else "before unlearning",
        settings=training.described if training else "",
        seed=training.seed if training else None,
        checkpoint=str(first.folder) if training else first.model,
        missing=" ".join(part.kind for part in parts if not is_done(part, out)),
        **figures,  # type: ignore[arg-type]  # each under a field's name
    )


def _figures(job: CampaignJob, folder: Path) -> Mapping[str, float | int | str]:
    """A result's figures under the row's names."""
    if job.kind in ("base", "score"):
        run = load_run(folder)
        scores, worst = run.scores, run.scores[headline_of(run.scores)]
        return {
            "worst_case": worst.high,
            "worst_case_low": worst.interval.low,
            "worst_case_high": worst.interval.high,
            "retain": scores["retain.mean"].low,
            "fluency": scores["fluency"].low,
            "n_open": worst.n_open,
            **({} if (left := least_composite(run)) is None else {"utility": left}),
            "warnings": " ".join(f.code for f in run.findings if f.severity == "warning"),
        }
    if job.kind == "stress":
        union = read_stress(folder).union
        return {"stress": union.score.high} if union else {}
    if job.kind == "relearn" and read_relearn(folder).status != "running":
        record = read_finished(folder, "relearn")
        worst_arm = record.summary.worst_benign if isinstance(record, FinishedRelearn) else None
        return {"relearnt": worst_arm.maximum} if worst_arm else {}
    return {}
