"""Read a submitted `utility.json` and derive its metrics again; see docs/TRUST.md."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from unlearnbench.benchmark.utility_sets import UtilitySets, load_utility_sets
from unlearnbench.errors import SubmissionError
from unlearnbench.runs.schema.utility import Measurement, Metric, UtilityRecord
from unlearnbench.submissions.fields import CLOCK_SLACK
from unlearnbench.submissions.layout import SENT_UTILITY
from unlearnbench.submissions.schema import ClaimedIdentity, JsonObject
from unlearnbench.submissions.untrusted import Refusal, parse_sent
from unlearnbench.submissions.utility_claim import MetricClaim, UtilityClaim
from unlearnbench.submissions.utility_ways import (
    SENT_SETTINGS,
    check_ways,
    why_not_the_protocol,
)
from unlearnbench.utility.choice import LETTERS
from unlearnbench.utility.summary import metrics_of

MOST_UTILITY_BYTES = 4 * 1024 * 1024
"""Most bytes of a submitted `utility.json`; the bundled questions take a tenth."""
MOST_MASS = 1 + 1e-4
"""Most that the probabilities of four letters come to, with room for rounding."""
SHIFTED = 1e-9
"""By how much a metric may differ, relatively: libraries add in different orders."""
OTHER_QUESTIONS = "measured on other questions than this version's; measure it again"


@dataclass(frozen=True)
class SentUtility:
    """What was sent of a model's utility, and the metrics that were derived from it here."""

    claim: UtilityClaim
    measured: Measurement
    metrics: Mapping[str, Metric]


def read_utility_claim(data: Mapping[str, bytes]) -> SentUtility | None:
    """The utility among a folder's files; None if there is none.

    Raises `Refusal` unless it holds exactly this version's questions, each with possible numbers.
    """
    sent = data.get(SENT_UTILITY)
    if sent is None:
        return None
    if len(sent) > MOST_UTILITY_BYTES:
        what = f"{len(sent)} bytes, at most {MOST_UTILITY_BYTES}"
        raise Refusal("too-large", SENT_UTILITY, what)
    claim = UtilityClaim.from_sent(parse_sent(sent, SENT_UTILITY), SENT_UTILITY)
    sets = sets_of_rows()
    if claim.data != sets.fingerprint:
        raise Refusal("utility", f"{SENT_UTILITY}, data", OTHER_QUESTIONS)
    _check_rows(claim, sets)
    _check_numbers(claim, sets)
    measured = claim.measured
    return SentUtility(claim, measured, metrics_of(measured, sets))


@lru_cache(maxsize=1)
def sets_of_rows() -> UtilitySets:
    """The questions of this version, read once."""
    return load_utility_sets()


def _check_rows(held: UtilityClaim | Measurement, sets: UtilitySets) -> None:
    """Raise `Refusal` unless exactly the rows of the sets are there."""
    questions = [row.id for row in sets.questions]
    _check_ids("letters", held.letters, questions)
    _check_ids("choices", held.choices, questions)
    _check_ids("answers", held.answers, [row.id for row in sets.instructions])
    _check_ids("prose", held.prose, [row.id for row in sets.prose])


def _check_ids(part: str, sent: Collection[str], expected: Collection[str]) -> None:
    odd = sorted(set(sent) ^ set(expected))
    if odd:
        state = "missing" if odd[0] in expected else "no row of this version"
        raise Refusal("utility", f"{SENT_UTILITY}, {part}", f"{odd[0]!r}: {state}")


def _check_numbers(claim: UtilityClaim, sets: UtilitySets) -> None:
    """Raise `Refusal` for probabilities that no model gives."""
    for key, row in claim.letters.items():
        mass = math.fsum(map(math.exp, row))
        if mass > MOST_MASS:
            what = f"the probabilities of {LETTERS} come to {mass:.4f}"
            raise Refusal("utility", f"{SENT_UTILITY}, letters.{key}", what)
    for paragraph in sets.prose:
        n, size = len(claim.prose[paragraph.id]), len(paragraph.text.encode())
        if n > size:
            what = f"{n} tokens of a text of {size} bytes"
            raise Refusal("utility", f"{SENT_UTILITY}, prose.{paragraph.id}", what)


def check_utility(
    sent: SentUtility, identity: ClaimedIdentity, submitted: str
) -> Iterator[Refusal]:
    """Reasons to refuse what was sent beside the run of an identity."""
    claim = sent.claim
    if claim.fingerprint != identity.checkpoint:
        what = f"of {claim.fingerprint[:12]}…, the run is of {identity.checkpoint[:12]}…"
        yield Refusal("utility", f"{SENT_UTILITY}, fingerprint", what)
    if claim.dtype != identity.dtype:
        what = f"measured in {claim.dtype}, the run was made in {identity.dtype}"
        yield Refusal("utility", f"{SENT_UTILITY}, dtype", what)
    if datetime.fromisoformat(claim.created) > datetime.fromisoformat(submitted) + CLOCK_SLACK:
        yield Refusal("times", SENT_UTILITY, "measured after it was submitted")
    yield from check_ways(claim, identity.prompt_format)
    yield from _check_metrics(claim.metrics, sent.metrics)


def _check_metrics(
    claimed: Mapping[str, MetricClaim], derived: Mapping[str, Metric]
) -> Iterator[Refusal]:
    odd = sorted(set(claimed) ^ set(derived))
    if odd:
        what = "is claimed or derived, not both"
        yield Refusal("utility", f"{SENT_UTILITY}, metrics.{odd[0]}", what)
        return
    for name, metric in derived.items():
        told = claimed[name]
        pairs = zip(_numbers(told), _numbers(metric), strict=True)
        if not all(_same(one, other) for one, other in pairs):
            what = f"claimed {told.low}, what was sent gives {metric.low}"
            yield Refusal("utility", f"{SENT_UTILITY}, metrics.{name}", what)
            return


def _numbers(metric: Metric | MetricClaim) -> tuple[float | None, ...]:
    low, high = metric.interval or (None, None)
    return metric.low, metric.high, low, high, metric.n, metric.n_open


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=SHIFTED, abs_tol=SHIFTED)


def utility_fields(record: UtilityRecord) -> JsonObject:
    """What is sent of a record that lies beside a run.

    Raises `SubmissionError` if it cannot stand: answers are open, or the questions are others.
    """
    sets = sets_of_rows()
    if record.data != sets.fingerprint:
        raise SubmissionError(f"{SENT_UTILITY}: {OTHER_QUESTIONS}")
    model = record.model
    still_open = [key for key, answer in model.answers.items() if answer.text is None]
    if still_open:
        raise SubmissionError(
            f"{SENT_UTILITY}: {len(still_open)} answers are open ({still_open[0]} …); measure it "
            "again"
        )
    if (reason := why_not_the_protocol(model.settings)) is not None:
        raise SubmissionError(f"{SENT_UTILITY}: {reason}")
    try:
        _check_rows(model, sets)
        metrics = metrics_of(model, sets)
    except (Refusal, ValueError) as error:  # a record that was changed by hand
        raise SubmissionError(f"{error}; measure it again") from error
    return {
        "schema_version": UtilityClaim.VERSION,
        "created": record.created,
        "data": record.data,
        **model.model_dump(mode="json", include=_SENT),
        "settings": {n: v for n, v in model.settings.items() if n in SENT_SETTINGS},
        "answers": {key: answer.text for key, answer in model.answers.items()},
        "metrics": {n: MetricClaim.of(m) for n, m in metrics.items()},
    }


_SENT = {"fingerprint", "dtype", "vocabulary", "letters", "choices", "prose"}
