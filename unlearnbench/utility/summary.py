"""From a stored measurement to its metrics; no model is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unlearnbench.benchmark.utility_sets import UtilitySets
from unlearnbench.runs.schema.utility import Drift, Measurement, Metric
from unlearnbench.scoring.intervals import Z95, wilson
from unlearnbench.utility.choice import LETTERS, choice_accuracy, chosen_letter
from unlearnbench.utility.degeneration import KINDS, degeneration
from unlearnbench.utility.drift import bits_per_byte, perplexity
from unlearnbench.utility.repetitiveness import cut_words, distinct_share, ngram_entropy
from unlearnbench.utility.tables import table_metrics

EQUAL_LENGTH = 40
"""Words to which answers are cut before distinct 2-grams are counted."""


def metrics_of(measured: Measurement, sets: UtilitySets) -> dict[str, Metric]:
    """All metrics of one model, by name, in the order in which they are shown."""
    return {
        **_choices(measured, sets),
        **_degeneration(measured, sets),
        **_variety(measured),
        **_prose(measured, sets),
        **_tables(measured),
        **_other_instructions(measured),
        **_tasks(measured),
    }


def drift_metrics(drift: Drift) -> dict[str, Metric]:
    """Mean divergence from the base a token: KL(base ‖ model) and JSD, in nats."""
    if drift.refused is not None:
        return {}
    return {
        "drift.kl": mean_metric([float(np.mean(row)) for row in drift.kl.values()]),
        "drift.jsd": mean_metric([float(np.mean(row)) for row in drift.jsd.values()]),
    }


def mean_metric(values: Sequence[float], n_open: int = 0) -> Metric:
    """A mean over units with its normal 95 % interval; nothing is known while units are open."""
    n = len(values) + n_open
    if n_open or not values:
        return Metric(low=None, high=None, interval=None, n=n, n_open=n_open)
    mean = float(np.mean(values))
    half = Z95 * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    interval = (mean - half, mean + half) if math.isfinite(half) else None
    return Metric(low=mean, high=mean, interval=interval, n=n)


def _choices(measured: Measurement, sets: UtilitySets) -> dict[str, Metric]:
    """Accuracy by letters and by written-out choices, and how often one letter was taken."""
    gold = [question.answer for question in sets.questions]
    metrics = {}
    for name, table in (("letters", measured.letters), ("texts", measured.choices)):
        rows = [table[question.id] for question in sets.questions]
        value, interval = choice_accuracy(rows, gold)
        ends = (interval.low, interval.high)
        metrics[f"choice.{name}"] = Metric(low=value, high=value, interval=ends, n=len(gold))
    taken = [chosen_letter(measured.letters[question.id]) for question in sets.questions]
    most = max(taken.count(letter) for letter in LETTERS)
    metrics["choice.one_letter"] = _share(most, len(gold), 0)
    return metrics


def _other_instructions(measured: Measurement) -> dict[str, Metric]:
    """N-gram entropy of the answers to instructions of others, as RWKU has it on AlpacaEval's."""
    metrics = {}
    for name, table in measured.instructions.items():
        texts = [answer.text for answer in table.answers.values()]
        values = [ngram_entropy(cut_words(text)) for text in texts if text is not None]
        metrics[f"{name}.ngram_entropy"] = mean_metric(values, len(texts) - len(values))
    return metrics


def _tables(measured: Measurement) -> dict[str, Metric]:
    """Accuracy on choice questions of others, each table's subjects after it."""
    metrics = {}
    for name, table in measured.tables.items():
        metrics.update(table_metrics(name, table))
    return metrics


def _tasks(measured: Measurement) -> dict[str, Metric]:
    """The figures of tasks of others, with the interval of ± 1.96 of their standard errors.

    A standard error of 0 says that all documents came out alike, not that the figure is certain.
    """
    metrics = {}
    for name, task in measured.tasks.items():
        for metric, (value, stderr) in ((m, (f.value, f.stderr)) for m, f in task.metrics.items()):
            ends = None if not stderr else (value - Z95 * stderr, value + Z95 * stderr)
            metrics[f"{name}.{metric}"] = Metric(low=value, high=value, interval=ends, n=task.n)
    return metrics


def _degeneration(measured: Measurement, sets: UtilitySets) -> dict[str, Metric]:
    """Shares of answers that are none; an open one may be of any kind."""
    languages = {row.id: row.language for row in sets.instructions}
    answers = [
        (row.text, languages[key]) for key, row in measured.answers.items() if row.text is not None
    ]
    n, n_open = len(measured.answers), len(measured.answers) - len(answers)
    counts = degeneration(answers)
    bad = [kind for kind in KINDS if kind != "good"]
    shares = {f"answers.{kind}": _share(counts[kind], n, n_open) for kind in bad}
    return {"answers.degenerate": _share(sum(counts[k] for k in bad), n, n_open), **shares}


def _variety(measured: Measurement) -> dict[str, Metric]:
    texts = [row.text for row in measured.answers.values()]
    words = [cut_words(text) for text in texts if text is not None]
    n_open = len(texts) - len(words)
    distinct = [distinct_share(row, 2, EQUAL_LENGTH) for row in words]
    return {
        "answers.ngram_entropy": mean_metric([ngram_entropy(row) for row in words], n_open),
        f"answers.distinct_2_of_{EQUAL_LENGTH}": mean_metric(
            [share for share in distinct if share is not None], n_open
        ),
    }


def _prose(measured: Measurement, sets: UtilitySets) -> dict[str, Metric]:
    rows = [np.asarray(measured.prose[paragraph.id]) for paragraph in sets.prose]
    whole = perplexity(np.concatenate(rows))
    losses = mean_metric([float(-row.mean()) for row in rows])
    ends = losses.interval and (math.exp(losses.interval[0]), math.exp(losses.interval[1]))
    bits = [bits_per_byte(row, p.text) for row, p in zip(rows, sets.prose, strict=True)]
    return {
        "prose.perplexity": Metric(low=whole, high=whole, interval=ends, n=len(rows)),
        "prose.bits_per_byte": mean_metric(bits),
    }


def _share(count: int, n: int, n_open: int) -> Metric:
    """A share whose open units are counted out in `low` and in in `high`."""
    low, high = wilson(count, n), wilson(count + n_open, n)
    return Metric(
        low=count / n,
        high=(count + n_open) / n,
        interval=(low.low, high.high),
        n=n,
        n_open=n_open,
    )
