"""The same for an open-weight model, through an engine in this process or in workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, cast
from weakref import WeakValueDictionary

from unlearnbench.interfaces import Generator
from unlearnbench.plugins import load
from unlearnbench.remote.errors import CanaryError, Failed, MalformedReplyError
from unlearnbench.remote.prompts import Prompt, Reply
from unlearnbench.remote.settings import ModelSettings
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


MakeEngine = Callable[[str], Generator]
"""Loads the checkpoint of that name."""
_LOADED: WeakValueDictionary[str, Generator] = WeakValueDictionary()
"""Checkpoints in use: a paraphraser and its second reader load theirs once."""
C = TypeVar("C", bound=Prompt)
R = TypeVar("R")


def in_this_process(checkpoint: str) -> Generator:
    """The checkpoint in engine `transformers`, here; shared by all who ask the same one."""
    engine = _LOADED.get(checkpoint)
    if engine is None:
        engine = cast(Generator, load("engines", "transformers")(checkpoint, EngineOptions()))
        _LOADED[checkpoint] = engine
    return engine


class LocalModel(Generic[C, R]):
    """A checkpoint, which `make` loads on first use. Raises the role's error without a checkpoint.

    `read` is that of `PaidCalls`.
    """

    def __init__(
        self,
        file: ModelSettings,
        read: Callable[[C, Reply], R],
        make: MakeEngine = in_this_process,
    ) -> None:
        if not file.model:
            role = file.role
            raise role.error(
                f"{role.noun} local needs a checkpoint: {role.option} local:CHECKPOINT"
            )
        self.file = file
        self._read, self._make = read, make
        self.checkpoint = file.model
        self.usage = Usage(dollars=None)
        self._engine: Generator | None = None
        self._failed: dict[str, Failed] = {}

    @property
    def engine(self) -> Generator:
        """The loaded checkpoint."""
        if self._engine is None:
            self._engine = self._make(self.checkpoint)
        return self._engine

    def run(self, calls: Sequence[C]) -> Iterator[tuple[C, R | Failed]]:
        """Generate all replies in one block, so that the instructions are encoded once."""
        pending: dict[ProbeKey, C] = {}
        for number, call in enumerate(calls):
            if call.user in self._failed:
                yield call, self._failed[call.user]
            else:
                pending[ProbeKey(f"call-{number}", "original", "plain")] = call
        chat = self.engine.info.prompt_format == "chat"
        block = [_probe(key, call, chat, self.file.role.noun) for key, call in pending.items()]
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
                yield call, self._read(call, Reply(result.text, 0, result.n_tokens))
            except (MalformedReplyError, CanaryError) as error:
                # Decoding is greedy: a retry would give the same reply.
                self._failed[call.user] = Failed(str(error), own=True)
                yield call, self._failed[call.user]
        for call in pending.values():
            yield call, Failed(f"the {self.file.role.noun}'s engine gave no reply")


def _probe(key: ProbeKey, prompt: Prompt, chat: bool, topic: str) -> Probe:
    turns = (Message("system", prompt.system), Message("user", prompt.user))
    return Probe(
        key=key,
        split="forget",
        topic=topic,
        tier=None,
        question=prompt.user,
        answer="",
        aliases=(),
        messages=turns if chat else (),
        text=None if chat else f"{prompt.system}\n\n{prompt.user}\n\n",
    )
