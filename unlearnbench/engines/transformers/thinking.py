"""Reasoning models: the marks that a tokenizer has for thoughts, its template's switches."""

from __future__ import annotations

import re
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from unlearnbench.engines.thoughts import SWITCHES, Marks, find_marks


def marks_of(tokenizer: PreTrainedTokenizerBase) -> tuple[Marks, ...]:
    """The marks that a tokenizer's chat template or its added tokens name."""
    added = " ".join(str(token) for token in tokenizer.get_added_vocab())
    return find_marks(f"{tokenizer.chat_template or ''} {added}")


def switches(tokenizer: PreTrainedTokenizerBase, on: bool) -> dict[str, bool]:
    """Values for the variables by which a chat template switches thinking; none if it cannot."""
    template = str(tokenizer.chat_template or "")
    able = any(re.search(rf"\b{name}\b", template) for name in SWITCHES)
    return dict.fromkeys(SWITCHES, on) if able else {}


def begins_thinking(prompt_tail: str, marks: Sequence[Marks]) -> bool:
    """Whether a prompt ends with an opening mark."""
    return any(prompt_tail.rstrip().endswith(pair.open) for pair in marks)
