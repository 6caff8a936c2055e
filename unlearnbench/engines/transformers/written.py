"""From the tokens that a model wrote to its answer: nothing that could be the answer is lost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from unlearnbench.engines.thoughts import Marks, find_marks, split_thoughts
from unlearnbench.engines.transformers.packed import Decoded
from unlearnbench.engines.transformers.stops import is_mark, is_prose
from unlearnbench.engines.transformers.thinking import marks_of
from unlearnbench.types import Completion, Failure, FinishReason, ProbeKey


class Reader:
    """Reads what was decoded with one tokenizer; `stop_ids` end a turn."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop_ids: frozenset[int]) -> None:
        self.tokenizer = tokenizer
        pad = tokenizer.pad_token_id
        padding = {pad} if is_mark(tokenizer, pad) else set()
        self._silent = stop_ids | padding

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, special ones included."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))

    def read(self, key: ProbeKey, row: Decoded, begun: bool = False) -> Completion | Failure:
        """The completion of a row; `begun` says that its prompt opened a thinking block.

        Special tokens stay in the text, but for those that end or pad a turn, or that the chat
        template writes between turns. A row whose tokens have no text, or that the model's logits
        broke, is a `Failure`.
        """
        if row.reason == "nonfinite":
            error = "the model returned NaN or infinite logits; try --dtype float32"
            return Failure(key, "generate", error)
        strange = next((token for token in row.tokens if token not in self._known), None)
        if strange is not None:
            error = f"the model wrote token {strange}, which its tokenizer does not know"
            return Failure(key, "generate", error)
        raw = self.decode([token for token in row.tokens if token not in self._silent])
        marks = tuple(dict.fromkeys((*self.marks, *find_marks(raw))))
        thoughts, rest, left_open = split_thoughts(raw, marks, begun)
        text = self._without_marks(rest)
        if row.tokens and not text.strip() and not thoughts.strip() and not _blank(raw):
            error = f"the model wrote {len(row.tokens)} tokens without any text"
            return Failure(key, "generate", error)
        reason: FinishReason = "thinking" if left_open else row.reason
        thoughts = self._without_marks(thoughts)
        return Completion(key, text, reason, len(row.tokens), thoughts, tuple(row.tokens))

    @cached_property
    def marks(self) -> tuple[Marks, ...]:
        """The marks of thinking that the tokenizer knows."""
        return marks_of(self.tokenizer)

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self.tokenizer.get_vocab().values())

    @cached_property
    def _template_marks(self) -> tuple[str, ...]:
        """Special tokens that the chat template writes, but for those that enclose thoughts."""
        template = str(self.tokenizer.chat_template or "")
        special = {str(token) for token in self.tokenizer.all_special_tokens}
        return tuple(sorted(t for t in special if t in template and not is_prose(t)))

    def _without_marks(self, text: str) -> str:
        """A mark between turns separates what stands on either side of it."""
        for mark in self._template_marks:
            text = text.replace(mark, "\n")
        return text


def _blank(raw: str) -> bool:
    """Whether a model wrote nothing but blanks, which is an answer, if a poor one."""
    return bool(raw) and not raw.strip()
