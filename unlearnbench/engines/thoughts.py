"""Reasoning models: a model's thoughts and its answer, told apart by the marks between them.

A model that thinks aloud may use up its tokens before it answers. Such an answer was not given: it
is never read as a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_THINK_TOKENS = 1024
"""Room for thoughts where a model thinks and cannot be told not to."""
SWITCHES = ("enable_thinking", "thinking")
"""Variables by which chat templates let thinking be switched (Qwen 3, GLM, SmolLM 3; DeepSeek)."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What opens and closes a model's thoughts."""

    open: str
    close: str


_TAG = re.compile(r"</?\|?/?[\w:-]+\|?>|\[/?THINK\]", re.IGNORECASE)
_OPENING = re.compile(
    r"<\|?(?P<name>(?:[\w-]+:)?(?:(?:inner[_-])?(?:think(?:ing)?|thoughts?|monologue)"
    r"|reason(?:ing)?|reflection|analysis|scratch[_-]?pad|cot|deliberation))\|?>"
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
    """All pairs of marks of which a text (a template, an answer, a vocabulary) holds one, in the
    order in which they appear.
    """
    places: dict[Marks, int] = {}
    for match in _TAG.finditer(text):
        opening = _OPENING.fullmatch(match.group().replace("/", "", 1))
        if opening is not None:
            places.setdefault(_pair(opening), match.start())
    for marks in _OTHERS:
        starts = [text.find(mark) for mark in (marks.open, marks.close) if mark in text]
        if starts:
            places.setdefault(marks, min(starts))
    return tuple(sorted(places, key=lambda marks: places[marks]))


def _pair(opening: re.Match[str]) -> Marks:
    mark, name = opening.group(), opening["name"] or opening["square"]
    return Marks(mark, mark.replace(name, f"/{name}"))


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
