"""What became of a run's answers to retain questions: whether they are answers at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from unlearnbench.runs.run import Run
from unlearnbench.runs.schema.utility import Metric
from unlearnbench.scoring.answers import answer_text
from unlearnbench.scoring.intervals import clustered
from unlearnbench.scoring.refusals import says_nothing
from unlearnbench.utility.degeneration import KINDS, answer_kind
from unlearnbench.utility.language import likely_language

_OPEN = "open"


def retain_metrics(run: Run) -> dict[str, Metric]:
    """Shares of a run's retain answers that are none, by kind; nothing if it asked no retain fact.

    `retain.degenerate` is their sum, `retain.refusal` the stray refusals. Each answer is held to
    the language of its question. One that did not come may be of any kind. Intervals are clustered
    by fact.
    """
    kinds: dict[str, list[str]] = defaultdict(list)
    for fact, kind in _kinds(run):
        kinds[fact].append(kind)
    if not kinds:
        return {}
    bad: list[str] = [kind for kind in KINDS if kind != "good"]
    named = {"degenerate": bad, **{kind: [kind] for kind in bad}}
    facts = [Counter(of_fact) for of_fact in kinds.values()]
    return {f"retain.{name}": _pooled_share(facts, group) for name, group in named.items()}


def _kinds(run: Run) -> Iterator[tuple[str, str]]:
    """(fact, kind of its answer) of every retain probe."""
    verdicts = {outcome.key: outcome.verdict for outcome in run.outcomes}
    for probe in run.probes:
        if probe.split == "retain":
            text = answer_text(run.completions.get(probe.key))
            if text is not None and says_nothing(text) and verdicts[probe.key] == "correct":
                yield probe.key.fact, "good"  # a gold answer that is such a word
                continue
            kind = _OPEN if text is None else answer_kind(text, likely_language(probe.question))
            yield probe.key.fact, kind


def _pooled_share(facts: list[Counter[str]], kinds: list[str]) -> Metric:
    low = [(sum(fact[kind] for kind in kinds), fact.total()) for fact in facts]
    high = [(n + fact[_OPEN], size) for (n, size), fact in zip(low, facts, strict=True)]
    units = sum(size for _, size in low)
    return Metric(
        low=sum(n for n, _ in low) / units,
        high=sum(n for n, _ in high) / units,
        interval=(clustered(low).low, clustered(high).high),
        n=units,
        n_open=sum(fact[_OPEN] for fact in facts),
    )
