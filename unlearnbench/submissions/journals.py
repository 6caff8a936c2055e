"""Read the lines of a submitted run: strictly, each planned probe exactly once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from unlearnbench.scoring.answers import digest, readings
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Completion, Context, Judgement, ProbeKey, Split

MOST_THOUGHTS = 8192
"""Most tokens of a thinking block before an answer."""
_Token = Annotated[int, Field(ge=0, le=10_000_000)]
_Text = Annotated[str, Field(max_length=200)]
SentLines = Iterable[tuple[str, JsonValue]]
_Line = TypeVar("_Line", bound="_Keyed")


class _Keyed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    fact: _Text
    phrasing: _Text
    context: Context
    sample: Annotated[int, Field(ge=0, le=10_000)]

    @property
    def key(self) -> ProbeKey:
        """The probe's identity."""
        return ProbeKey(self.fact, self.phrasing, self.context, self.sample)


class SentResponse(_Keyed):
    """A submitted response."""

    text: Annotated[str, Field(max_length=20_000)]
    finish_reason: Literal["stop", "length"]
    n_tokens: Annotated[int, Field(ge=0, le=100_000)]
    thoughts: Annotated[str, Field(max_length=100_000)] = ""
    token_ids: Annotated[list[_Token], Field(max_length=20_000)] = []


class _Outcome(_Keyed):
    verdict: Literal["correct", "incorrect"]
    judge: _Text
    raw: Annotated[str, Field(max_length=20_000)]
    response_sha256: _Text


def read_completions(
    lines: SentLines, planned: Collection[ProbeKey], name: str, most_tokens: int
) -> dict[ProbeKey, Completion]:
    """Responses by key. Raises `Refusal` for a missing, repeated, unplanned or bad line."""
    responses: dict[ProbeKey, Completion] = {}
    for where, row in _planned(_rows(lines, SentResponse), planned):
        check_tokens(row.n_tokens, row.text, row.thoughts, most_tokens, where)
        ids = tuple(row.token_ids)
        if ids and len(ids) != row.n_tokens:
            raise Refusal("tokens", where, f"{row.n_tokens} tokens, {len(ids)} are listed")
        responses[row.key] = Completion(
            row.key, row.text, row.finish_reason, row.n_tokens, row.thoughts, ids
        )
    _complete(responses, planned, name)
    return responses


def check_tokens(n: int, text: str, thoughts: str, most: int, where: str) -> None:
    """Raise `Refusal` unless an answer with its thoughts can have `n` tokens.

    `most` is the most that an answer may have; thoughts have room of their own.
    """
    if text.strip() and not n:
        raise Refusal("tokens", where, "an answer of no tokens")
    allowed = most + (MOST_THOUGHTS if thoughts else 0)
    if n > allowed:
        raise Refusal("tokens", where, f"{n} tokens, {allowed} were allowed")


def read_outcomes(
    lines: SentLines,
    answers: Mapping[ProbeKey, Completion],
    splits: Mapping[ProbeKey, Split],
    name: str,
    judge: str,
) -> dict[ProbeKey, Judgement]:
    """The verdicts by key, each on the submitted response. Raises `Refusal`."""
    verdicts: dict[ProbeKey, Judgement] = {}
    for where, row in _planned(_rows(lines, _Outcome), answers):
        if row.judge != judge:
            raise Refusal("judge", where, "judged by another judge than the run's")
        if row.response_sha256 != digest(readings(answers[row.key], splits[row.key])):
            raise Refusal("response", where, "the verdict was given on another response")
        verdicts[row.key] = Judgement(row.key, row.verdict, row.judge, row.raw, row.response_sha256)
    _complete(verdicts, answers, name)
    return verdicts


def read_answers(lines: SentLines) -> Iterator[tuple[str, SentResponse]]:
    """(place, answer) of each line, whatever was planned. Raises `Refusal`."""
    return _rows(lines, SentResponse)


def _rows(lines: SentLines, shape: type[_Line]) -> Iterator[tuple[str, _Line]]:
    for where, line in lines:
        try:
            yield where, shape.model_validate(line)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            raise Refusal("schema", where, f"{place[:80]}: {first['msg']}") from error


def _planned(
    rows: Iterable[tuple[str, _Line]], planned: Collection[ProbeKey]
) -> Iterator[tuple[str, _Line]]:
    keys: set[ProbeKey] = set()
    for where, row in rows:
        if row.key not in planned:
            raise Refusal("unplanned", where, f"{row.key} is not in the protocol's plan")
        if row.key in keys:
            raise Refusal("doubled", where, f"{row.key} appears twice")
        keys.add(row.key)
        yield where, row


def _complete(keys: Collection[ProbeKey], planned: Collection[ProbeKey], name: str) -> None:
    missing = next((key for key in planned if key not in keys), None)
    if missing is not None:
        raise Refusal("missing", name, f"{len(planned) - len(keys)} are missing, first {missing}")
