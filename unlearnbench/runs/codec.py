"""The lines of a run's JSONL files: convert data types to JSON values and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, get_args

from unlearnbench.hashing import sha256_json_list
from unlearnbench.types import (
    Completion,
    Context,
    Failure,
    FinishReason,
    Judgement,
    Message,
    Probe,
    ProbeKey,
    Verdict,
)

Line = dict[str, Any]
"""A line of a journal, as JSON."""


def key_record(key: ProbeKey) -> Line:
    """A key's fields, which stand at the start of every line."""
    return {
        "fact": key.fact,
        "phrasing": key.phrasing,
        "context": key.context,
        "sample": key.sample,
    }


def key_from(record: Line) -> ProbeKey:
    """The key of a line. Raises `ValueError` if it has none."""
    context = _word(record, "context", get_args(Context))
    fact, phrasing = _text(record, "fact"), _text(record, "phrasing")
    return ProbeKey(fact, phrasing, cast(Context, context), _count(record.get("sample"), "sample"))


def _text(record: Line, field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str):
        raise ValueError(f"{field} is no text")
    return value


def _word(record: Line, field: str, known: Sequence[str]) -> str:
    value = _text(record, field)
    if value not in known:
        raise ValueError(f"{field} {value[:40]!r} is none of {', '.join(known)}")
    return value


def _count(value: object, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{field} is no count")
    return value


def probe_record(probe: Probe) -> Line:
    """A line of `probes.jsonl`. Plans are fingerprinted by it: its names never change."""
    return {
        **key_record(probe.key),
        "split": probe.split,
        "topic": probe.topic,
        "tier": probe.tier,
        "question": probe.question,
        "answer": probe.answer,
        "aliases": list(probe.aliases),
        "examples": list(probe.examples),
        "messages": [{"role": turn.role, "content": turn.content} for turn in probe.messages],
        "text": probe.text,
    }


def plan_fingerprint(probes: Sequence[Probe]) -> str:
    """sha256 over every probe of a plan, to the letter of its prompt and in its order."""
    return sha256_json_list(probe_record(probe) for probe in probes)


def probe_from(record: Line) -> Probe:
    """A probe from its line. Raises `KeyError`, `TypeError` or `ValueError` for what is none."""
    return Probe(
        key=key_from(record),
        split=record["split"],
        topic=record["topic"],
        tier=record["tier"],
        question=record["question"],
        answer=record["answer"],
        aliases=tuple(record["aliases"]),
        examples=tuple(record["examples"]),
        messages=tuple(Message(turn["role"], turn["content"]) for turn in record["messages"]),
        text=record["text"],
    )


def completion_record(result: Completion | Failure) -> Line:
    """A line of `completions.jsonl`: an answer, or the error that stands in its place."""
    if isinstance(result, Failure):
        return {**key_record(result.key), "error": result.error}
    return {
        **key_record(result.key),
        "text": result.text,
        "finish_reason": result.finish_reason,
        "n_tokens": result.n_tokens,
        **({"thoughts": result.thoughts} if result.thoughts else {}),
        **({"token_ids": list(result.token_ids)} if result.token_ids else {}),
    }


def completion_from(record: Line) -> Completion | Failure:
    """An answer or a failure from its line; what cannot be read is a failure.

    Raises `ValueError` for a line without a key.
    """
    key = key_from(record)
    if "error" in record:
        return Failure(key, "generate", str(record["error"]))
    try:
        reason = cast(FinishReason, _word(record, "finish_reason", get_args(FinishReason)))
        ids = record.get("token_ids", [])
        if not isinstance(ids, list):
            raise ValueError("token_ids is no list")
        # All at once: token ids are most of what a large run holds.
        if ids and (set(map(type, ids)) != {int} or min(ids) < 0):
            raise ValueError("a token id is no count")
        return Completion(
            key,
            _text(record, "text"),
            reason,
            _count(record.get("n_tokens"), "n_tokens"),
            _text({"thoughts": "", **record}, "thoughts"),
            tuple(ids),
        )
    except ValueError as error:
        return Failure(key, "generate", f"the stored answer cannot be read: {error}")


def outcome_record(result: Judgement | Failure) -> Line:
    """A line of `outcomes.jsonl`: a verdict, or the error that stands in its place."""
    if isinstance(result, Failure):
        return {**key_record(result.key), "error": result.error}
    return {
        **key_record(result.key),
        "verdict": result.verdict,
        "judge": result.judge,
        "raw": result.raw,
        "response_sha256": result.response_sha256,
    }


def outcome_from(record: Line) -> Judgement | Failure:
    """A verdict or a failure from its line; what is no verdict is a failure.

    Raises `ValueError` for a line without a key.
    """
    key = key_from(record)
    if "error" in record:
        return Failure(key, "judge", str(record["error"]))
    try:
        verdict = cast(Verdict, _word(record, "verdict", get_args(Verdict)))
        judge, raw = _text(record, "judge"), _text(record, "raw")
        return Judgement(key, verdict, judge, raw, _text(record, "response_sha256"))
    except ValueError as error:
        return Failure(key, "judge", f"the stored verdict cannot be read: {error}")
