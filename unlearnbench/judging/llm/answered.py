"""A usable reply of an LLM judge with its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearnbench.judging.llm.prompt import Call, Reading, read_reply
from unlearnbench.remote.prompts import Reply, usable


@dataclass(frozen=True, slots=True)
class Answered:
    """A usable reply, without secrets, and the verdicts in it by id."""

    reply: Reply
    readings: Mapping[str, Reading]


def answered(call: Call, reply: Reply) -> Answered:
    """Read a reply. Raises its problem, or what `read_reply` raises."""
    clean = usable(reply)
    return Answered(clean, read_reply(call, clean.text))
