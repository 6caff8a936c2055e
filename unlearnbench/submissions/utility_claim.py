"""The shape of a submitted `utility.json`: what a model gave, and the metrics claimed of it.

Only what metrics follow from is sent. An answer is text or it is not there, so that none is open;
drift, tasks and preferences cannot be derived from what a row may hold, and stay at home.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from unlearnbench.runs.schema.base import Convert
from unlearnbench.runs.schema.utility import Measurement, Metric, StoredAnswer
from unlearnbench.submissions.fields import BoundedCount, ClaimedTime, Sha256, ShownName
from unlearnbench.submissions.schema import Claim, JsonObject, SentModel, Settings

LEAST_LOGPROB = -10_000.0
"""Nats; what a model gives less probability than that is no number of a softmax."""
MOST_ANSWER = 20_000
"""Characters of an answer; 128 tokens are a tenth of that."""
MOST_ROWS, MOST_TOKENS, MOST_METRICS = 5_000, 5_000, 60
"""Rows of a kind, tokens of a paragraph, and metrics."""

LogProb = Annotated[float, Field(ge=LEAST_LOGPROB, le=0)]
Four = Annotated[list[LogProb], Field(min_length=4, max_length=4)]
Row = Annotated[str, Field(min_length=1, max_length=80)]
Answer = Annotated[str, Field(max_length=MOST_ANSWER)]
Tokens = Annotated[list[LogProb], Field(min_length=1, max_length=MOST_TOKENS)]
Figure = Annotated[float, Field(ge=-1e9, le=1e9)]
Fours = Annotated[dict[Row, Four], Field(max_length=MOST_ROWS)]


class MetricClaim(SentModel):
    """A claimed metric; it is computed again."""

    low: Figure | None
    high: Figure | None
    interval: Annotated[list[Figure], Field(min_length=2, max_length=2)] | None
    n: BoundedCount
    n_open: Literal[0]

    @classmethod
    def of(cls, metric: Metric) -> JsonObject:
        """A metric as it is claimed."""
        return metric.model_dump(mode="json")


def _from_1(data: JsonObject) -> JsonObject:
    """Version 1 did not say how the model was asked."""
    return {**data, "schema_version": 2, "settings": None}


class UtilityClaim(Claim):
    """What a model gave when its utility was measured, by the ids of the rows; see `Measurement`.

    `data` is the fingerprint of the questions, `fingerprint` the model's. `settings` are the
    engine's, `prompt_format` among them; None in version 1.
    """

    VERSION: ClassVar[int] = 2
    OLDER: ClassVar[Mapping[int, Convert]] = {1: _from_1}

    schema_version: Literal[2]
    created: ClaimedTime
    data: Sha256
    fingerprint: Sha256
    dtype: Literal["float32", "bfloat16", "float16"]
    settings: Settings | None
    vocabulary: Annotated[int, Field(ge=2, le=10_000_000)]
    letters: Fours
    choices: Fours
    answers: Annotated[dict[Row, Answer], Field(max_length=MOST_ROWS)]
    prose: Annotated[dict[Row, Tokens], Field(max_length=MOST_ROWS)]
    metrics: Annotated[dict[ShownName, MetricClaim], Field(max_length=MOST_METRICS)]

    @property
    def measured(self) -> Measurement:
        """What metrics are computed from."""
        return Measurement(
            checkpoint="",
            fingerprint=self.fingerprint,
            dtype=self.dtype,
            notes=(),
            letters={key: _four(row) for key, row in self.letters.items()},
            choices={key: _four(row) for key, row in self.choices.items()},
            answers={
                key: StoredAnswer(text=text, fault=None) for key, text in self.answers.items()
            },
            prose={key: tuple(map(float, row)) for key, row in self.prose.items()},
            vocabulary=self.vocabulary,
            tables={},
            tasks={},
            settings=self.settings or {},
        )


def _four(row: list[float]) -> tuple[float, float, float, float]:
    a, b, c, d = map(float, row)
    return a, b, c, d
