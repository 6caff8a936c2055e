"""A tokenizer's chat template: which one, in which form it takes a conversation, where it ends.

Templates come with the checkpoint and fail in many ways: they leave turns out, want the content in
parts, refuse a system turn, ignore the generation prompt. Each prompt is rendered in the form that
shows every turn; a rendering that does not is a `PromptError`, never a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from unlearnbench.engines.thoughts import find_marks
from unlearnbench.engines.transformers import dates
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.held import missing, squeezed
from unlearnbench.engines.transformers.named_templates import choose_template
from unlearnbench.engines.transformers.turn_shapes import (
    TurnShape,
    as_template_turn,
    fold,
)
from unlearnbench.types import Message, Setting

NONE: Mapping[str, Setting] = {}
"""No variables beside those that every template sees."""
DERIVED = "its chat template opens no answer: prompts end as it begins an assistant's turn"
WORDED = (
    "its chat template opens answers otherwise than it begins an assistant's turn: prompts end as "
    "it begins one"
)
_MARK, _TURN = "wordsofnobody", "turnofnobody"
_FAULTS = (
    TemplateError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
)
"""What an expression in a template can raise."""
_TAG = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\([^()]*\)|\{[^{}]*\}")
_Way = Literal["asked", "before", "begun"]
"""With a generation prompt; up to an assistant's words; with an answer's beginning at its end."""


class RenderError(PromptError):
    """The template fails on a conversation, or leaves some of it out."""


class Template:
    """The chat template of a tokenizer, and the variables that it sees."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, variables: Mapping[str, Setting] = NONE
    ) -> None:
        self._tokenizer = tokenizer
        name, text = choose_template(tokenizer)
        self.text = dates.pin(text)
        self.dated = dates.uses_dates(text)
        self._variables: dict[str, Any] = {**dates.VARIABLES, **variables}
        self.note = (
            f"of its named chat templates, none is the default: {name} is used"
            if name not in ("", "default")
            else ""
        )
        self._why_not_asked = lru_cache(maxsize=64)(self._find_why_not_asked)
        self._frame = lru_cache(maxsize=64)(self._make_frame)

    def prompts(self, turns: Sequence[Message], form: TurnShape) -> Iterator[tuple[str, str]]:
        """(prompt, note): the ways to render a conversation up to its answer, best first.

        A last turn of the assistant's own is a beginning that the model goes on from. Raises
        `RenderError` in place of a way that fails or leaves something out.
        """
        if turns[-1].role == "assistant":
            yield from self._continued(turns, form)
            return
        why = self._why_not_asked(tuple(turn.role for turn in turns), form)
        if not why:
            yield self._shown("asked", turns, form), form.note
        derived = self._shown("before", turns, form)
        yield derived, "; ".join(filter(None, [form.note, why or DERIVED]))

    def written(self, turns: Sequence[Message], prompt: str, answer: str, form: TurnShape) -> str:
        """What the template writes after a prompt for an answer, its end of turn included.

        A template that lays finished turns out differently cannot tell, and gives the bare answer.
        """
        try:
            whole = self._apply((*turns, Message("assistant", answer)), form)
        except RenderError:
            return answer
        rest = whole[len(prompt) :] if whole.startswith(prompt) else ""
        return rest if missing(rest, [answer]) is None else answer

    def closing(self) -> str:
        """What the template writes after a finished turn of the assistant's; empty if unknown."""
        turns = (Message("user", f"{_TURN}a"), Message("assistant", f"{_TURN}b"))
        for form in (TurnShape(), TurnShape(parts=True)):
            try:
                head, mark, tail = self._apply(turns, form).rpartition(turns[1].content)
            except RenderError:
                continue
            if head and mark:
                return tail
        return ""

    def _find_why_not_asked(self, roles: tuple[str, ...], form: TurnShape) -> str:
        """Why such a conversation is not rendered with a generation prompt; empty if it is.

        It is where the prompt begins an assistant's turn, with no words beyond those that stand
        before every answer, or where nothing else stands before an assistant's words. Raises
        `RenderError` if a turn is left out or out of order.
        """
        marked = _marked(roles)
        last = marked[-1].content
        prompt = self._checked(self._apply(marked, form, asks=True), marked, form)
        head, _, opening = map(squeezed, prompt.rpartition(last))
        tail = squeezed(self._apply(marked, form).rpartition(last)[2])
        if opening == tail:
            same = self._before_answer(marked, form).strip() == prompt.strip()
            return "" if same else DERIVED
        try:
            before = self._checked(self._before_answer(marked, form), marked, form)
        except RenderError:
            return ""
        begins = squeezed(before.rpartition(last)[2])
        if head.endswith(begins.removeprefix(tail)):
            return ""  # as a user's turn: it does not tell who speaks
        return "" if _opens_alike(opening, begins) else WORDED

    def _shown(self, way: _Way, turns: Sequence[Message], form: TurnShape) -> str:
        """A rendering that holds every turn, within words that do not depend on what is said.

        Raises `RenderError`.
        """
        text = self._checked(self._render(way, turns, form), turns, form)
        frame = self._frame(way, tuple(turn.role for turn in turns), form)
        for mark, turn in zip(_marked([turn.role for turn in turns]), turns, strict=True):
            frame = frame.replace(mark.content, turn.content)
        if squeezed(frame) != squeezed(text):
            raise RenderError("its chat template writes other words around some turns than others")
        return text

    def _make_frame(self, way: _Way, roles: tuple[str, ...], form: TurnShape) -> str:
        return self._render(way, _marked(roles), form)

    def _render(self, way: _Way, turns: Sequence[Message], form: TurnShape) -> str:
        if way == "before":
            return self._before_answer(turns, form)
        return self._apply(turns, form, asks=way == "asked", begun=way == "begun")

    def _before_answer(self, turns: Sequence[Message], form: TurnShape) -> str:
        """What the template writes before an assistant's words, blanks at its end left to them."""
        answered = (*turns, Message("assistant", _MARK))
        try:
            whole = self._apply(answered, form)
        except RenderError:
            # Some templates refuse a conversation that ends with the assistant.
            whole = self._apply((*answered, Message("user", f"{_MARK}z")), form)
        head, mark, _ = whole.partition(_MARK)
        if not mark:
            raise RenderError("its chat template shows no place for an answer")
        return head.rstrip(" \t")

    def _continued(self, turns: Sequence[Message], form: TurnShape) -> Iterator[tuple[str, str]]:
        """With the begun answer at its end: as the template lays it out, else behind the prompt."""
        begun = turns[-1].content
        try:
            text = self._shown("begun", turns, form)
            if text.rstrip().endswith(begun.rstrip()):
                yield text, form.note
        except RenderError:
            pass  # refused by the template, as `_before_answer` says
        for prompt, note in self.prompts(turns[:-1], form):
            yield f"{prompt}{begun}" if prompt[-1:].isspace() else f"{prompt} {begun}", note

    def _checked(self, text: str, turns: Sequence[Message], form: TurnShape) -> str:
        """The rendering, if it holds every turn: the system's anywhere, the others in order."""
        contents = [turn.content for turn in turns if turn.role != "system"]
        system = [turn.content for turn in turns if turn.role == "system"]
        lost = missing(text, contents) or missing(text, system)
        if lost is not None:
            role = next(turn.role for turn in turns if turn.content == lost)
            what = "" if lost.startswith(_TURN) else f": {_shown(lost)}"
            raise RenderError(f"its chat template leaves out words of the {role}'s{what}")
        written_out = ("'type': 'text'", '"type": "text"')
        if form.parts and any(mark in text for mark in written_out):
            raise RenderError("its chat template writes out the list of parts")
        return text

    def _apply(
        self, turns: Sequence[Message], form: TurnShape, *, asks: bool = False, begun: bool = False
    ) -> str:
        """The library's rendering. Raises `RenderError` with the template's own words."""
        listed = [as_template_turn(turn, form) for turn in (fold(turns) if form.folded else turns)]
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    listed,
                    chat_template=self.text,
                    tokenize=False,
                    add_generation_prompt=asks,
                    continue_final_message=begun,
                    **self._variables,
                )
            )
        except _FAULTS as error:
            words = " ".join(str(error).split())[:200] or type(error).__name__
            raise RenderError(f"its chat template fails: {words}") from error


def _marked(roles: Sequence[str]) -> list[Message]:
    """A conversation whose contents no template can know."""
    return [
        Message(role, f"{_TURN}{chr(97 + number)}")  # type: ignore[arg-type]
        for number, role in enumerate(roles)
    ]


def _opens_alike(opening: str, begins: str) -> bool:
    """Whether a generation prompt is how an assistant's turn begins, but for marks and thoughts."""
    if begins.startswith(opening):
        return True
    rest = opening.removeprefix(begins)
    if rest == opening:
        return False
    return bool(find_marks(rest)) or not any(c.isalnum() for c in _TAG.sub("", rest))


def _shown(text: str) -> str:
    plain = " ".join(text.split())
    return repr(plain if len(plain) <= 60 else f"{plain[:57]}…")
