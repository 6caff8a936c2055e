"""Paid calls of an LLM judge: replies read as verdicts."""

from __future__ import annotations

from unlearnbench.judging.llm.answered import Answered, answered
from unlearnbench.judging.llm.definition import JudgeFile
from unlearnbench.judging.llm.prompt import Call
from unlearnbench.remote.errors import CallError
from unlearnbench.remote.paying import CostLimit, PaidCalls, Provider
from unlearnbench.remote.prompts import Reply


class Calls(PaidCalls[Call, Answered]):
    """Calls to the provider of a judge's model, limited to the dollars of `budget`."""

    def __init__(self, file: JudgeFile, provider: Provider, budget: CostLimit | None) -> None:
        super().__init__(file, provider, budget, _verdicts)


def _verdicts(call: Call, reply: Reply) -> Answered:
    """The verdicts in a reply; what the provider found wrong with it comes before any reading."""
    if isinstance(reply.problem, CallError):
        raise reply.problem
    return answered(call, reply)
