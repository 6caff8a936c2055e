"""What a checkpoint can still do, as the page shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.reporting.load import CheckpointRuns
from unlearnbench.reporting.redact import BLANK, Redaction
from unlearnbench.reporting.tables import TableRow
from unlearnbench.runs.preference_calibrations import trust_mark
from unlearnbench.runs.schema.utility import Metric, UtilityRecord
from unlearnbench.utility.beside import metrics_beside
from unlearnbench.utility.degeneration import answer_kind
from unlearnbench.utility.derived import utility_of_run, why_not_derived

_MEANING = {
    "choice.letters": "bundled questions whose right letter is the most probable; chance is 0.25",
    "choice.texts": "the same by the most probable written-out choice; chance is 0.25",
    "choice.one_letter": "questions in which the most frequent letter was taken",
    "answers.degenerate": "instructions answered by no real answer; the kinds below",
    "answers.ngram_entropy": "how varied the answers are; grows with their length",
    "answers.distinct_2_of_40": "different pairs among the first 40 words of an answer",
    "retain.degenerate": "retain questions answered by no real answer; the kinds below",
    "prose.perplexity": "how surprised by bundled prose; compare within one tokenizer",
    "prose.bits_per_byte": "the same by text, for any tokenizer; less is better",
    "drift.kl": "divergence from the base a token, in nats",
    "drift.jsd": "the same, symmetric, at most 0.693",
    "win_rate": "answers that a judge prefers to the base's, both orders; 0.5: as good as it",
    "win_rate.length_controlled": "the same, as if both were always of one length",
    "win_rate.agreeing": "instructions on which both orders agree; near 0: it went by the position",
    "composite": "harmonic mean of what is left of the base's parts; 1: all of it",
}


@dataclass(frozen=True, slots=True)
class Degenerate:
    """An answer that is none, with the instruction (its id where the rows are others now)."""

    instruction: str
    kind: str
    response: str


@dataclass(frozen=True, slots=True)
class UtilityPart:
    """The metrics, the answers that are none, and what a reader must know."""

    base: str
    rows: list[TableRow]
    degenerate: list[Degenerate]
    notes: list[str]


def utility_part(
    checkpoint: CheckpointRuns, base: CheckpointRuns | None, blank: Redaction
) -> UtilityPart | None:
    """The utility of a checkpoint, from the first of its runs that has one; None without any.

    Raises `RunError` for a `utility.json` that is damaged or of another checkpoint.
    """
    record, before = _first(checkpoint), None if base is None else _first(base)
    if record is None:
        return None
    metrics, base_metrics = metrics_beside(record, before)
    name = record.base.checkpoint if record.base else before.model.checkpoint if before else ""
    judge = record.preferences.identity if record.preferences else None
    rows = [
        TableRow(
            n + trust_mark(n, judge),
            _cells(metric, base_metrics.get(n), _meaning(n)),
            n == "composite",
        )
        for n, metric in metrics.items()
    ]
    return UtilityPart(
        base=blank.name(name) if base_metrics else "",
        rows=rows,
        degenerate=_degenerate(record, blank),
        notes=list(_notes(record, before, bool(base_metrics))),
    )


def _meaning(metric: str) -> str:
    """What a metric says; those of others' instructions have a name before them."""
    _, found, rate = metric.partition(".win_rate")
    return _MEANING.get(f"win_rate{rate}" if found else metric, "")


def _first(checkpoint: CheckpointRuns) -> UtilityRecord | None:
    records = (utility_of_run(score.run) for score in checkpoint.scores)
    return next((record for record in records if record is not None), None)


def _cells(metric: Metric, base: Metric | None, meaning: str) -> tuple[str, ...]:
    interval = "–" if metric.interval is None else "{:.3f} to {:.3f}".format(*metric.interval)
    return (_text(metric), interval, str(metric.n), str(metric.n_open), _text(base), meaning)


def _text(metric: Metric | None) -> str:
    if metric is None or metric.low is None or metric.high is None:
        return "–"
    return f"{metric.low:.3f} to {metric.high:.3f}" if metric.n_open else f"{metric.low:.3f}"


def _degenerate(record: UtilityRecord, blank: Redaction) -> list[Degenerate]:
    known = {row.id: row for row in load_utility_sets().instructions}
    rows = []
    for name, answer in record.model.answers.items():
        asked = known.get(name)
        kind = (
            "open"
            if answer.text is None
            else answer_kind(answer.text, asked.language if asked else "en")
        )
        if kind != "good":
            text = answer.fault or "" if answer.text is None else answer.text
            shown = text if blank.mode is None else BLANK
            rows.append(Degenerate(asked.instruction if asked else name, kind, shown))
    return rows


def _notes(record: UtilityRecord, before: UtilityRecord | None, compared: bool) -> Iterator[str]:
    if (reason := why_not_derived(record)) is not None:
        yield f"Not derived: {reason}"
    if record.open:
        yield f"{len(record.open)} answers are open: what rests on them is a range, or missing"
    if before is not None and not compared:
        yield "The base's utility was measured on other questions or in another way: not compared"
    if record.drift is not None and record.drift.refused is not None:
        yield f"No drift: {record.drift.refused}"
    if not compared and before is None:
        yield "No composite: no base whose utility was measured is among the runs"
