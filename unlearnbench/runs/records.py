"""The lines of a run's JSONL files: nouns to JSON values and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from unlearnbench.hashing import sha256_json
from unlearnbench.types import Completion, Failure, Judgement, Message, Probe, ProbeKey


def key_record(key: ProbeKey) -> dict[str, Any]:
    """A key's fields, which stand at the start of every line."""
    return asdict(key)


def key_from(record: dict[str, Any]) -> ProbeKey:
    """The key of a line."""
    return ProbeKey(record["fact"], record["phrasing"], record["context"], record["sample"])


def probe_record(probe: Probe) -> dict[str, Any]:
    """A line of `probes.jsonl`."""
    fields = asdict(probe)
    del fields["key"]
    return {**key_record(probe.key), **fields}


def plan_fingerprint(probes: Sequence[Probe]) -> str:
    """sha256 over every probe of a plan, to the letter of its prompt and in its order."""
    return sha256_json([probe_record(probe) for probe in probes])


def probe_from(record: dict[str, Any]) -> Probe:
    """A probe from its line."""
    fields = {k: v for k, v in record.items() if k not in ProbeKey.__dataclass_fields__}
    fields["messages"] = tuple(Message(**message) for message in fields["messages"])
    fields["aliases"] = tuple(fields["aliases"])
    fields["examples"] = tuple(fields["examples"])
    return Probe(key=key_from(record), **fields)


def completion_record(result: Completion | Failure) -> dict[str, Any]:
    """A line of `completions.jsonl`: an answer, or the error that stands in its place."""
    if isinstance(result, Failure):
        return {**key_record(result.key), "error": result.error}
    return {
        **key_record(result.key),
        "text": result.text,
        "finish_reason": result.finish_reason,
        "n_tokens": result.n_tokens,
    }


def completion_from(record: dict[str, Any]) -> Completion | Failure:
    """An answer or a failure from its line."""
    if "error" in record:
        return Failure(key_from(record), "generate", record["error"])
    return Completion(key_from(record), record["text"], record["finish_reason"], record["n_tokens"])


def outcome_record(result: Judgement | Failure) -> dict[str, Any]:
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


def outcome_from(record: dict[str, Any]) -> Judgement | Failure:
    """A verdict or a failure from its line."""
    if "error" in record:
        return Failure(key_from(record), "judge", record["error"])
    fields = ("verdict", "judge", "raw", "response_sha256")
    return Judgement(key_from(record), *(record[field] for field in fields))
