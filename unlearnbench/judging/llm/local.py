"""Transport `local`: an open-weight model in this process, through an engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from unlearnbench.errors import JudgeError
from unlearnbench.interfaces import Generator
from unlearnbench.judging.llm.answered import Answered, Reply, answered
from unlearnbench.judging.llm.definition import JudgeDefinition, JudgeFile
from unlearnbench.judging.llm.prompt import Call, CanaryError, MalformedReplyError
from unlearnbench.plugins import load
from unlearnbench.remote.errors import Failed
from unlearnbench.types import (
    Completion,
    Message,
    Probe,
    ProbeKey,
    Sampling,
    Usage,
)
from unlearnbench.types.options import EngineOptions

LONGEST_REPLY = 8192
"""Most tokens of a reply where the definition sets no limit."""


class LocalModel:
    """A checkpoint as judge, loaded on first use. Raises `JudgeError` without a checkpoint."""

    def __init__(self, file: JudgeFile) -> None:
        if not file.model:
            raise JudgeError("judge local needs a checkpoint: --judge local:CHECKPOINT")
        self.file = file
        self.checkpoint = file.model
        self.usage = Usage(dollars=None)
        self._engine: Generator | None = None

    @property
    def engine(self) -> Generator:
        """The loaded checkpoint."""
        if self._engine is None:
            make = load("engines", "transformers")
            self._engine = cast(Generator, make(self.checkpoint, EngineOptions()))
        return self._engine

    def pinned(self, definition: JudgeDefinition) -> JudgeDefinition:
        """The definition with the checkpoint's fingerprint in place of its name, so that a judge's
        identity follows from its weights and not from what they are called.
        """
        info = self.engine.info
        return definition.with_model(info.fingerprint, info.checkpoint)

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        """Generate all replies in one block, so that the rubric is encoded once."""
        pending = {ProbeKey(f"call-{n}", "original", "plain"): call for n, call in enumerate(calls)}
        chat = self.engine.info.prompt_format == "chat"
        block = [_probe(key, call, chat) for key, call in pending.items()]
        if not block:
            return
        for result in self.engine.generate(
            block, Sampling(self.file.max_output_tokens or LONGEST_REPLY)
        ):
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
