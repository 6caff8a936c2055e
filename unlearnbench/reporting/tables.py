"""Headings and cells of the page's tables, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.display import NOTHING, counted, interval_text, value_text
from unlearnbench.reporting.charts import TradeOffPoint, shown_name
from unlearnbench.reporting.distance import Distance, share_text
from unlearnbench.reporting.load import CheckpointRuns, ScoreRun, StressRun
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import Figures, RelearnIdentity, RelearnRecord, figures
from unlearnbench.scoring.known import AMONG_KNOWN
from unlearnbench.scoring.scores import HEADLINE, headline_of
from unlearnbench.scoring.ways import WAYS, without_ways
from unlearnbench.types import Score

_MEANING = {
    "forget.original": "forget facts answered to the original question",
    "forget.paraphrase": "forget facts answered to the original question or any paraphrase",
    "forget.icr": "the same after in-context retain samples",
    "forget.worst_case": "forget facts answered in any of these ways: the headline",
    "forget.strict": "… or in any of the ways of the table below: the headline of profile strict",
    AMONG_KNOWN: "the same among the forget facts that the base knew",
    "retain.mean": "retain questions answered: what the model should still know",
    "fluency": "responses that are language: neither empty nor a loop",
    "never.mean": "responses about invented facts judged correct: the judge's errors",
    "never.worst_case": "invented facts judged correct at least once: the judge's errors",
}


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: its heading, its cells, and whether it is emphasised."""

    heading: str
    cells: tuple[str, ...]
    strong: bool = False


def run_rows(checkpoint: CheckpointRuns, shown: Callable[[Path], str] = str) -> list[TableRow]:
    """One row per run of a section: profile, judge, date, extent, open, folder as `shown`."""
    rows = []
    for score in checkpoint.scores:
        facts = {p.key.fact for p in score.run.probes}
        extent = f"{counted(len(facts), 'fact')}, {counted(len(score.run.probes), 'probe')}"
        n_open = str(score.run.n_open)
        date = (score.run.record.created or "unknown")[:10]
        about = score.identity
        cells = (about.profile, about.judge, date, extent, n_open, shown(score.path))
        rows.append(TableRow("score", cells))
    for attack in checkpoint.attacks:
        attacked = attack.identity
        if isinstance(attack, StressRun):
            name, extent = "stress", counted(len(attack.record.findings), "variant")
        else:
            name, extent = "relearn", counted(len(attack.record.arms), "arm")
        extent += ", LoRA" if isinstance(attacked, RelearnIdentity) and attacked.lora else ""
        extent += ", unfinished" if attack.record.status == "running" else ""
        n_open = str(attack.record.n_open)
        date = attack.record.date or "unknown"
        cells = (attacked.profile, attacked.judge, date, extent, n_open, shown(attack.path))
        rows.append(TableRow(name, cells))
    return rows


def score_rows(run: Run) -> list[TableRow]:
    """One row per score: value, interval, number of units, how many are open, meaning."""
    rows = []
    headline = headline_of(run.scores)
    for name, score in _with_known(run, headline):
        share = figures(score)
        meaning = _MEANING.get(name, f"retain questions of tier {name.partition('.')[2]}")
        cells = (value_text(share), interval_text(share.interval), str(share.n), str(share.n_open))
        rows.append(TableRow(name, (*cells, meaning), name == headline))
    return rows


def way_rows(run: Run) -> list[TableRow]:
    """One row per way of profile `strict`: what leaks in it, and in it alone."""
    based = {} if run.base is None else {e.way: figures(e.score) for e in run.base.ways}
    rows = []
    for effect in run.ways:
        cells = (WAYS[effect.way], *_rate(figures(effect.score)), f"+{len(effect.added)}")
        base = value_text(based[effect.way]) if based else NOTHING
        rows.append(TableRow(effect.way, (*cells, base)))
    return rows


def _with_known(run: Run, headline: str) -> Iterator[tuple[str, Score]]:
    """The scores by name, and below the headline its share among what the base knew."""
    among_known = run.among_known
    for name in without_ways(run.scores):
        yield name, run.scores[name]
        if name == headline and among_known is not None and among_known.n:
            yield AMONG_KNOWN, among_known


def distance_rows(distance: Distance) -> list[TableRow]:
    """A row a place, near to far: the checkpoint and its base; the worst case first."""
    first = distance.places[0]
    cells = [(f"{first.name}, worst case", first.worst, first.base_worst)]
    cells += [(place.name, place.model, place.base) for place in distance.places]
    return [TableRow(name, (share_text(own), share_text(base))) for name, own, base in cells]


def stress_rows(stress: StressRun) -> list[TableRow]:
    """One row per door: leaked, interval, new, control, probes, note."""
    record, rows = stress.record, []
    if record.baseline is not None:
        base = record.baseline
        cells = (*_rate(base.score), "", value_text(base.control), "", base.unranked or "")
        rows.append(TableRow("as score asks", cells))
    for name, door in record.findings.items():
        share = ("not asked", NOTHING) if door.score is None else _rate(door.score)
        control = ""
        if door.control is not None:
            control = f"{value_text(door.control)}, {door.control.kind}"
        new = f"+{len(door.beyond)}" if door.score is not None else ""
        note = door.note if door.ranked else f"diagnostic, not counted. {door.note}".strip()
        rows.append(TableRow(name, (*share, new, control, str(door.probes), note)))
    if record.union is not None:
        union = record.union
        cells = (*_rate(union.score), f"+{len(union.beyond)}", "", "", "without diagnostics")
        rows.append(TableRow("all doors together", cells, strong=True))
    return rows


def relearn_rows(record: RelearnRecord) -> list[TableRow]:
    """One row per point: seed, step, and the measured shares, with the interval of `forget`."""
    rows = []
    if record.ceiling is not None:
        rows.append(TableRow("base model", (NOTHING, NOTHING, *_point(record.ceiling))))
    for name, arm in record.arms.items():
        for seed, points in arm.seeds.items():
            heading = shown_name(name, arm)
            rows += [TableRow(heading, (seed, str(p.step), *_point(p))) for p in points]
    return rows


@dataclass(frozen=True, slots=True)
class TradeOff:
    """Checkpoints scored alike. `points`: (label, worst case, retain)."""

    title: str
    points: tuple[tuple[str, Figures, Figures], ...]

    @property
    def marks(self) -> list[TradeOffPoint]:
        """A numbered point a checkpoint; what is open counts as leaked, and as not answered."""
        return [
            TradeOffPoint(
                name=f"{number} {label}",
                worst_case=worst.high,
                retain=retain.low,
                worst_case_interval=worst.interval,
                retain_interval=retain.interval,
                style=number,
                is_open=bool(worst.n_open or retain.n_open),
            )
            for number, (label, worst, retain) in enumerate(self.points, start=1)
        ]

    @property
    def rows(self) -> list[TableRow]:
        """One numbered row per point."""
        return [
            TableRow(f"{number} {label}", (*_rate(worst), *_rate(retain)))
            for number, (label, worst, retain) in enumerate(self.points, start=1)
        ]


def trade_offs(checkpoints: Sequence[CheckpointRuns]) -> list[TradeOff]:
    """Sets of two or more checkpoints whose score runs can be compared.

    Their benchmark, profile, limit and judge are equal; otherwise differences could come from the
    questions instead of the models.
    """
    sets: dict[tuple[str, str, str, int | None], list[tuple[str, ScoreRun]]] = {}
    for checkpoint in checkpoints:
        for score in checkpoint.scores:
            if {HEADLINE, "retain.mean"} <= score.run.scores.keys():
                about = score.identity
                key = (about.benchmark_fingerprint, about.profile, about.judge_identity)
                sets.setdefault((*key, about.limit), []).append((checkpoint.label, score))
    return [_trade_off(runs) for runs in sets.values() if _has_several_checkpoints(runs)]


def _has_several_checkpoints(runs: Sequence[tuple[str, ScoreRun]]) -> bool:
    return len({score.identity.checkpoint for _, score in runs}) > 1


def _trade_off(runs: Sequence[tuple[str, ScoreRun]]) -> TradeOff:
    about = runs[0][1].identity
    limit = f", first {about.limit} facts" if about.limit else ""
    title = f"{about.benchmark} {about.benchmark_version}, {about.profile}, judge {about.judge}"
    points = tuple(
        (label, figures(scores[headline_of(scores)]), figures(scores["retain.mean"]))
        for label, scores in ((label, score.run.scores) for label, score in runs)
    )
    return TradeOff(title + limit, points)


def _rate(share: Figures) -> tuple[str, str]:
    return value_text(share), interval_text(share.interval) if share.n else NOTHING


def _point(point: object) -> tuple[str, ...]:
    names = ("forget", "question", "cloze", "never", "shuffled", "retain", "fluency")
    first, *rest = (getattr(point, name) for name in names)
    return (*_rate(first), *(value_text(share) for share in rest))
