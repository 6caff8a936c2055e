"""Make one self-contained HTML page from runs; all text on it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unlearnbench.display import percent, visible
from unlearnbench.files.disk import clear_leftovers, write_atomically
from unlearnbench.reporting import tables
from unlearnbench.reporting.answers import Leak, leaks_of
from unlearnbench.reporting.caveats import against_base, n_open
from unlearnbench.reporting.charts import (
    Curves,
    distance_chart,
    relearning_chart,
    svg_in_page,
    svg_style,
    trade_off_chart,
)
from unlearnbench.reporting.diagnosis import Diagnosis, diagnose
from unlearnbench.reporting.distance import distance_of
from unlearnbench.reporting.load import (
    CheckpointRuns,
    Corrections,
    ScoreRun,
    Submitted,
    base_of,
    collect_runs,
    given_base,
)
from unlearnbench.reporting.matrix import Matrix, matrix, matrix_style
from unlearnbench.reporting.redact import Redact, Redaction, redaction
from unlearnbench.reporting.utility import UtilityPart, utility_part
from unlearnbench.runs.run import Run
from unlearnbench.scoring.findings import FACTS, POINTS, RETAIN_FLOOR
from unlearnbench.scoring.fluency import FLOOR


@dataclass(frozen=True, slots=True)
class DistancePart:
    """Over-forgetting by distance as the page shows it; `sentence` may be empty."""

    chart: Curves
    rows: list[tables.TableRow]
    sentence: str


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A score run as the page shows it."""

    title: str
    rows: list[tables.TableRow]
    ways: list[tables.TableRow]
    matrix: Matrix | None
    distance: DistancePart | None


@dataclass(frozen=True, slots=True)
class StressPart:
    """A stress folder as the page shows it."""

    title: str
    rows: list[tables.TableRow]


@dataclass(frozen=True, slots=True)
class RelearnPart:
    """A relearning folder as the page shows it."""

    title: str
    chart: Curves | None
    rows: list[tables.TableRow]


@dataclass(frozen=True, slots=True)
class Section:
    """Everything about one checkpoint. `number` is part of its ids on the page."""

    number: int
    label: str
    fingerprint: str
    about: str
    training: str
    runs: list[tables.TableRow]
    diagnosis: Diagnosis
    scores: list[ScorePart]
    stresses: list[StressPart]
    relearnings: list[RelearnPart]
    utility: UtilityPart | None
    leaks: list[Leak]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Page:
    """A report: its HTML and its counts. `n_open`: probes and facts without a verdict."""

    html: str
    n_checkpoints: int
    n_leaks: int
    n_open: int


def make_page(
    paths: Iterable[Path],
    corrections: Corrections,
    submitted: Submitted | None = None,
    base: Run | None = None,
    redact: Redact | None = None,
) -> Page:
    """The page about the runs in some folders of `score`, `stress` and `relearn`.

    `submitted` opens submissions, whose runs are shown like any other. `base` is a run of the model
    before unlearning, where that is not among the runs; `redact` says what is blanked. Raises
    `RunError` for a folder that is none of these, or damaged, and a base of other questions.
    """
    checkpoints = collect_runs(paths, corrections, submitted)
    before = None if base is None else given_base(base, checkpoints)
    blank = redaction(redact, checkpoints)
    _rename(checkpoints, blank)
    sections = [
        section(n, checkpoint, checkpoints, before, blank)
        for n, checkpoint in enumerate(checkpoints, start=1)
    ]
    return Page(
        html=render(sections, checkpoints, redact),
        n_checkpoints=len(checkpoints),
        n_leaks=sum(len(part.leaks) for part in sections),
        n_open=sum(n_open(checkpoint) for checkpoint in checkpoints),
    )


def write_page(page: Page, out: Path) -> None:
    """Write the page. Raises `RunError` if it cannot be written."""
    clear_leftovers(out.parent, out.name)
    write_atomically(out, page.html)


def _rename(checkpoints: Sequence[CheckpointRuns], blank: Redaction) -> None:
    """Give checkpoints whose names must not be shown a number."""
    for number, checkpoint in enumerate(checkpoints, start=1):
        checkpoint.label = blank.name(checkpoint.label, f"checkpoint {number}")


def section(
    number: int,
    checkpoint: CheckpointRuns,
    others: Sequence[CheckpointRuns],
    given: CheckpointRuns | None = None,
    blank: Redaction = Redaction(None),
) -> Section:
    """One checkpoint's section. Raises `RunError` for a damaged run below an attack's folder."""
    base = given or base_of(checkpoint, others)
    folders = [attack.path.name for attack in checkpoint.attacks]
    leaks, notes = leaks_of(checkpoint)
    return Section(
        number=number,
        label=checkpoint.label,
        fingerprint=checkpoint.identity.checkpoint,
        about=f"{blank.name(checkpoint.identity.benchmark)} "
        f"{checkpoint.identity.benchmark_version}",
        training=_origin(checkpoint, blank),
        runs=tables.run_rows(checkpoint, blank.path),
        diagnosis=_redacted(diagnose(checkpoint, base), blank, folders),
        scores=[_score_part(score, base, blank) for score in checkpoint.scores],
        stresses=[
            StressPart(s.identity.profile, blank.notes(tables.stress_rows(s)))
            for s in checkpoint.stresses
        ],
        relearnings=[
            RelearnPart(
                f"{r.identity.profile}{', LoRA' if r.identity.lora else ''}",
                relearning_chart(r.record),
                tables.relearn_rows(r.record),
            )
            for r in checkpoint.relearnings
        ],
        utility=utility_part(checkpoint, base, blank),
        leaks=[blank.leak(leak) for leak in leaks],
        notes=[blank.remark(note, folders) for note in notes],
    )


def _origin(checkpoint: CheckpointRuns, blank: Redaction) -> str:
    """How the checkpoint came about, if that is known."""
    training = checkpoint.training
    if training is None:
        return ""
    return f"{training.method} from {blank.name(training.base.name)}, {training.steps} steps"


def _score_part(score: ScoreRun, base: CheckpointRuns | None, blank: Redaction) -> ScorePart:
    title = f"{score.identity.profile}, judge {score.identity.judge}"
    compared = against_base(score.run, base)
    rows, ways = tables.score_rows(compared), tables.way_rows(compared)
    leaks, distance = blank.matrix(matrix(score.run)), _distance_part(compared)
    return ScorePart(title, rows, ways, leaks, distance)


def _distance_part(run: Run) -> DistancePart | None:
    distance = distance_of(run, run.base)
    chart = distance_chart(distance.places) if distance is not None else None
    if distance is None or chart is None:
        return None
    return DistancePart(chart, tables.distance_rows(distance), distance.sentence)


def _redacted(diagnosis: Diagnosis, blank: Redaction, names: Sequence[str]) -> Diagnosis:
    caveats = (blank.remark(text, names) for text in diagnosis.caveats)
    return replace(diagnosis, caveats=tuple(caveats))


def render(
    sections: Sequence[Section],
    checkpoints: Sequence[CheckpointRuns],
    redact: Redact | None = None,
) -> str:
    """The HTML. A template that uses a missing value raises."""
    environment = Environment(
        loader=PackageLoader("unlearnbench.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["svg_in_page"] = svg_in_page
    limits = {
        "points": POINTS,
        "facts": FACTS,
        "fluency": percent(FLOOR),
        "retain": percent(RETAIN_FLOOR),
    }
    compared = [(plan, trade_off_chart(plan.marks)) for plan in tables.trade_offs(checkpoints)]
    return environment.get_template("page.html.j2").render(
        sections=sections,
        compared=compared,
        limits=limits,
        redact=redact,
        css=_template_text("page.css") + Markup(matrix_style() + svg_style()),
        js=_template_text("page.js"),
    )


def _template_text(name: str) -> Markup:
    """A file of the package that is put into the page unescaped."""
    return Markup((files("unlearnbench.reporting") / "templates" / name).read_text("utf-8"))
