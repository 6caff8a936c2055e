"""Transport `local`: an open-weight model, through an engine in this process or in workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from unlearnbench.errors import JudgeError
from unlearnbench.executors.blocks import SpreadGenerator, Task
from unlearnbench.interfaces import Generator
from unlearnbench.judging.llm.answered import Answered, Reply, answered
from unlearnbench.judging.llm.definition import JudgeDefinition, JudgeFile
from unlearnbench.judging.llm.prompt import Call, CanaryError, MalformedReplyError
from unlearnbench.plugins import load
from unlearnbench.remote.errors import Failed
from unlearnbench.types import (
    Completion,
    Failure,
    Message,
    Probe,
    ProbeKey,
    Sampling,
    Usage,
)
from unlearnbench.types.options import EngineOptions

LONGEST_REPLY = 8192
"""Most tokens of a reply where the definition sets no limit."""
BLOCK_CALLS = 32
"""Calls that a worker is given at a time; the rubric is encoded once for each."""

MakeEngine = Callable[[str], Generator]
"""Loads the checkpoint of that name."""


def in_this_process(checkpoint: str) -> Generator:
    """The checkpoint in engine `transformers`, here."""
    return cast(Generator, load("engines", "transformers")(checkpoint, EngineOptions()))


class LocalModel:
    """A checkpoint as judge, which `make` loads on first use.

    Raises `JudgeError` without a checkpoint.
    """

    def __init__(self, file: JudgeFile, make: MakeEngine = in_this_process) -> None:
        if not file.model:
            raise JudgeError("judge local needs a checkpoint: --judge local:CHECKPOINT")
        self.file = file
        self.checkpoint = file.model
        self.usage = Usage(dollars=None)
        self._make = make
        self._engine: Generator | None = None

    @property
    def engine(self) -> Generator:
        """The loaded checkpoint."""
        if self._engine is None:
            self._engine = self._make(self.checkpoint)
        return self._engine

    def pinned(self, definition: JudgeDefinition) -> JudgeDefinition:
        """The definition with the checkpoint's fingerprint in place of its name, so that a judge's
        identity follows from its weights and not from what they are called.
        """
        info = self.engine.info
        return definition.with_model(info.fingerprint, info.checkpoint)

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        """Generate all replies in one block, so that the rubric is encoded once; workers are given
        smaller ones.
        """
        pending = {ProbeKey(f"call-{n}", "original", "plain"): call for n, call in enumerate(calls)}
        chat = self.engine.info.prompt_format == "chat"
        block = [_probe(key, call, chat) for key, call in pending.items()]
        if not block:
            return
        for result in self._replies(block):
            call = pending.pop(result.key)
            self.usage.calls += 1
            if not isinstance(result, Completion):
                yield call, Failed(result.error)
                continue
            self.usage.output_tokens += result.n_tokens
            try:
                yield call, answered(call, Reply(result.text, 0, result.n_tokens))
            except (MalformedReplyError, CanaryError) as error:
                # Decoding is greedy: a retry would give the same reply.
                yield call, Failed(str(error))
        for call in pending.values():
            yield call, Failed("the judge's engine gave no reply")

    def _replies(self, block: Sequence[Probe]) -> Iterator[Completion | Failure]:
        sampling = Sampling(self.file.max_output_tokens or LONGEST_REPLY)
        engine = self.engine
        if not isinstance(engine, SpreadGenerator):
            yield from engine.generate(block, sampling)
            return
        parts = (block[at : at + BLOCK_CALLS] for at in range(0, len(block), BLOCK_CALLS))
        tasks = [Task(tuple(part), frozenset(probe.key for probe in part)) for part in parts]
        for _, results in engine.answer_tasks(tasks, sampling, lambda _: None):
            yield from results.values()


def _probe(key: ProbeKey, call: Call, chat: bool) -> Probe:
    turns = (Message("system", call.system), Message("user", call.user))
    return Probe(
        key=key,
        split="forget",
        topic="judge",
        tier=None,
        question=call.user,
        answer="",
        aliases=(),
        messages=turns if chat else (),
        text=None if chat else f"{call.system}\n\n{call.user}\n\n",
    )
