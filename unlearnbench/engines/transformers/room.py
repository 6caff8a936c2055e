"""How much a model may write: a fixed number of tokens for its answer, and room for thoughts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.engines.thoughts import DEFAULT_THINK_TOKENS
from unlearnbench.engines.transformers.packed import Enough
from unlearnbench.engines.transformers.thinking import begins_thinking, switches
from unlearnbench.engines.transformers.written import Reader
from unlearnbench.types import Setting

_TAIL = 24
"""Tokens of a prompt that are looked at for an opening mark."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`most_tokens` is what a row may take at most; `enough` ends rows earlier, None: none."""

    most_tokens: int
    enough: Enough | None


class Thinking:
    """What a model's thoughts are given.

    `think_tokens` None: thinking is switched off where the template can, and has
    `DEFAULT_THINK_TOKENS` where it cannot. `window` is the model's context window. `templated`:
    prompts are written by the template, which alone can switch thinking.
    """

    def __init__(
        self,
        reader: Reader,
        think_tokens: int | None,
        window: int | None,
        templated: bool = True,
    ) -> None:
        self._reader = reader
        self._window = window
        on = bool(think_tokens)
        self.variables: Mapping[str, Setting] = switches(reader.tokenizer, on) if templated else {}
        room = DEFAULT_THINK_TOKENS if think_tokens is None else think_tokens
        self.tokens = room if reader.marks and (on or not self.variables) else 0

    @property
    def settings(self) -> dict[str, Setting]:
        """What a run records; nothing for a model that has no marks for thoughts."""
        if not self._reader.marks:
            return {}
        switched = {"thinking": "on" if self.tokens else "off"} if self.variables else {}
        return {**switched, "think_tokens": self.tokens}

    def begun(self, prompt: Sequence[int]) -> bool:
        """Whether a prompt ends inside a block of thoughts."""
        marks = self._reader.marks
        return bool(marks) and begins_thinking(self._reader.decode(prompt[-_TAIL:]), marks)

    def limit(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> Limit:
        """The limit of a batch: every row has room for its answer, and for as many thoughts as its
        context window leaves.
        """
        if not self.tokens:
            return Limit(max_new_tokens, None)
        rooms = [self._room(len(prompt) + max_new_tokens) for prompt in prompts]
        begun = [self.begun(prompt) for prompt in prompts]
        enough = _ThinkingLimit(self._reader, begun, max_new_tokens, rooms)
        return Limit(max_new_tokens + max(rooms), enough)

    def _room(self, taken: int) -> int:
        if self._window is None:
            return self.tokens
        return max(0, min(self.tokens, self._window - taken))


class _ThinkingLimit:
    """Ends a row `answer` tokens after its thoughts, or when their room is used up.

    `begun` says of each row whether its prompt opened the block. A row that does not think gets
    `answer` tokens like any other model's.
    """

    def __init__(
        self, reader: Reader, begun: Sequence[bool], answer: int, rooms: Sequence[int]
    ) -> None:
        self._reader = reader
        self._begun = begun
        self._answer = answer
        self._rooms = rooms
        self._tail = max(len(pair.close) for pair in reader.marks)
        self._closed: dict[int, int] = {}

    def __call__(self, row: int, output: Sequence[int]) -> bool:
        """Whether a row that has written `output` is at its end."""
        n, room = len(output), self._rooms[row]
        if row not in self._closed:
            tail = self._reader.decode(output[-self._tail :])
            if any(pair.close in tail for pair in self._reader.marks):
                self._closed[row] = n
        closed = self._closed.get(row)
        if closed is not None:
            return n >= min(closed, room) + self._answer
        if n < self._answer:
            return False
        if n == self._answer and not self._begun[row]:
            written = self._reader.decode(output).lstrip()
            return not any(written.startswith(pair.open) for pair in self._reader.marks)
        return n >= self._answer + room
