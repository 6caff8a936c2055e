"""Reasoning models: which marks enclose their thoughts, and how much room these are given.

A model that thinks aloud may use up its tokens before it answers. Such an answer was not given: it
is never read as a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

DEFAULT_THINK_TOKENS = 1024
"""Room for thoughts where a model has marks for them and its template cannot switch them off."""
SWITCHES = ("enable_thinking", "thinking")
"""Variables by which chat templates let thinking be switched (Qwen 3, GLM, SmolLM 3; DeepSeek)."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What opens and closes a model's thoughts."""

    open: str
    close: str


_NAMED = re.compile(
    r"<(\|?)(?P<bare>(?:[\w-]+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection))\|?>"
    r"|\[(?P<square>THINK)\]",
    re.IGNORECASE,
)
"""`<think>`, `<thought>`, `<reasoning>`, `<|thinking|>`, `<seed:think>`, `[THINK]` and the like."""
_OTHERS = (
    Marks("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    Marks("<|begin_of_thought|>", "<|end_of_thought|>"),
    Marks("<|START_THINKING|>", "<|END_THINKING|>"),
    Marks("<|inner_prefix|>", "<|inner_suffix|>"),
    Marks("<unused94>thought", "<unused95>"),
    Marks("<|channel>thought", "<channel|>"),
    Marks("◁think▷", "◁/think▷"),
)


def find_marks(text: str) -> tuple[Marks, ...]:
    """All pairs of marks of which a text (a template, an answer, a vocabulary) holds the opening
    or the closing one, in the order in which they appear.
    """
    found: dict[Marks, int] = {}
    for match in re.finditer(r"</?\|?/?[\w:-]+\|?>|\[/?THINK\]", text, re.IGNORECASE):
        opening = _NAMED.fullmatch(re.sub("/", "", match.group(), count=1))
        if opening is not None:
            found.setdefault(_pair(opening), match.start())
    for marks in _OTHERS:
        places = [text.find(mark) for mark in (marks.open, marks.close) if mark in text]
        if places:
            found.setdefault(marks, min(places))
    return tuple(sorted(found, key=lambda marks: found[marks]))


def _pair(opening: re.Match[str]) -> Marks:
    mark = opening.group()
    if opening["square"]:
        return Marks(mark, mark.replace("[", "[/"))
    name = opening["bare"]
    return Marks(mark, mark.replace(name, f"/{name}"))


def marks_of(tokenizer: PreTrainedTokenizerBase) -> tuple[Marks, ...]:
    """The marks that a tokenizer's chat template or its added tokens name."""
    added = " ".join(str(token) for token in tokenizer.get_added_vocab())
    return find_marks(f"{tokenizer.chat_template or ''} {added}")


def switches(tokenizer: PreTrainedTokenizerBase, on: bool) -> dict[str, bool]:
    """Values for the variables by which a chat template switches thinking; none if it cannot."""
    template = str(tokenizer.chat_template or "")
    able = any(re.search(rf"\b{name}\b", template) for name in SWITCHES)
    return dict.fromkeys(SWITCHES, on) if able else {}


def split_thoughts(text: str, marks: Sequence[Marks], begun: bool) -> tuple[str, str, bool]:
    """(thoughts, what follows them, whether the block was left open).

    `begun`: the prompt ended with an opening mark. A block counts as thoughts only where nothing
    was written before it; a closing mark without an opening one ends thoughts that began at once.
    """
    for pair in marks:
        opens = text.lstrip().startswith(pair.open)
        start = text.index(pair.open) + len(pair.open) if opens else 0
        end = text.find(pair.close, start)
        if end >= 0 and (opens or begun or pair.open not in text[:end]):
            return text[start:end], text[end + len(pair.close) :], False
        if opens:
            return text[start:], "", True
    return (text, "", True) if begun else ("", text, False)


def begins_thinking(prompt_tail: str, marks: Sequence[Marks]) -> bool:
    """Whether a prompt ends with an opening mark."""
    return any(prompt_tail.rstrip().endswith(pair.open) for pair in marks)


class ThinkingLimit:
    """Ends a row `max_new_tokens` after its thoughts, or `think_tokens` later if they never end.

    `decode` gives the text of token ids; `begun` says of each row whether its prompt opened the
    block. A row that does not think gets `max_new_tokens` like any other.
    """

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        marks: Sequence[Marks],
        begun: Sequence[bool],
        max_new_tokens: int,
        think_tokens: Sequence[int],
    ) -> None:
        self._decode = decode
        self._marks = marks
        self._begun = begun
        self._answer = max_new_tokens
        self._think = think_tokens
        self._tail = max(len(pair.close) for pair in marks)
        self._closed: dict[int, int] = {}

    def __call__(self, row: int, output: Sequence[int]) -> bool:
        """Whether `row`, which has written `output`, is at its end."""
        n = len(output)
        if row not in self._closed:
            tail = self._decode(output[-self._tail :])
            if any(pair.close in tail for pair in self._marks):
                self._closed[row] = n
        closed = self._closed.get(row)
        if closed is not None:
            return n >= min(closed, self._think[row]) + self._answer
        if n < self._answer:
            return False
        if n == self._answer and not self._begun[row]:
            written = self._decode(output).lstrip()
            return not any(written.startswith(pair.open) for pair in self._marks)
        return n >= self._answer + self._think[row]
