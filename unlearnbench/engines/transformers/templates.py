"""A tokenizer's chat template: which one, in which form it takes a conversation, where it ends.

Templates come with the checkpoint and fail in many ways: they leave turns out, want the content in
parts, refuse a system turn, ignore the generation prompt. Each prompt is rendered in the form that
shows every turn; a rendering that does not is a `PromptError`, never a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from unlearnbench.engines.transformers import dates
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.held import missing
from unlearnbench.errors import EngineError
from unlearnbench.types import Message, Setting

NONE: Mapping[str, Setting] = {}
"""No variables beside those that every template sees."""
DERIVED = "its chat template opens no answer: prompts end as it begins an assistant's turn"
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
_SPECIAL_PURPOSE = ("rag", "tool", "function", "json", "grounded", "vision")


class RenderError(PromptError):
    """The template fails on a conversation, or leaves some of it out."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a conversation is handed to a template.

    `parts`: contents as lists of parts; `folded`: the system's turn within the first user's.
    """

    parts: bool = False
    folded: bool = False

    @property
    def note(self) -> str:
        """What a run says of it; nothing for the usual form."""
        said = ["takes contents in parts"] if self.parts else []
        said += ["takes no system turn: it stands in the user's first turn"] if self.folded else []
        return f"its chat template {' and '.join(said)}" if said else ""


FORMS = (Form(), Form(folded=True), Form(parts=True), Form(parts=True, folded=True))


def choose_template(tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
    """(name, template); both empty if the tokenizer has none, the name where it has only one.

    Of several named ones: `default`, else the first that is not for tools or retrieval, else the
    first. Raises `EngineError` for what is no template.
    """
    found: object = tokenizer.chat_template
    if not found:
        return "", ""
    named = found if isinstance(found, Mapping) else {"": found}
    for name, text in named.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise EngineError(f"its chat template {name!r} is not a text; mend the tokenizer")
    full = {str(name): str(text) for name, text in named.items() if text}
    if not full:
        return "", ""
    plain = [n for n in full if not any(word in n.lower() for word in _SPECIAL_PURPOSE)]
    name = "default" if "default" in full else (plain or list(full))[0]
    return name, full[name]


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
        self._opens = lru_cache(maxsize=64)(self._find_whether_opens)

    def prompts(self, turns: Sequence[Message], form: Form) -> Iterator[tuple[str, str]]:
        """(prompt, note): the ways to render a conversation up to its answer, best first.

        A last turn of the assistant's own is a beginning that the model goes on from. Raises
        `RenderError` in place of a way that fails or leaves something out.
        """
        if turns[-1].role == "assistant":
            yield from self._continued(turns, form)
            return
        if self._opens(tuple(turn.role for turn in turns), form):
            yield self._checked(self._apply(turns, form, asks=True), turns, form), form.note
        derived = self._checked(self._before_answer(turns, form), turns, form)
        yield derived, "; ".join(filter(None, [form.note, DERIVED]))

    def written(self, turns: Sequence[Message], prompt: str, answer: str, form: Form) -> str:
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
        for form in (Form(), Form(parts=True)):
            try:
                head, mark, tail = self._apply(turns, form).rpartition(turns[1].content)
            except RenderError:
                continue
            if head and mark:
                return tail
        return ""

    def _find_whether_opens(self, roles: tuple[str, ...], form: Form) -> bool:
        """Whether such a conversation, rendered with a generation prompt, ends where an answer may
        begin: the prompt makes a difference, or nothing else stands before an assistant's words.

        Raises `RenderError` if a turn is left out or out of order.
        """
        marked = [
            Message(role, f"{_TURN}{chr(97 + number)}")  # type: ignore[arg-type]
            for number, role in enumerate(roles)
        ]
        asked = self._checked(self._apply(marked, form, asks=True), marked, form)
        plain = self._apply(marked, form)
        last = marked[-1].content
        if asked.rpartition(last)[2].strip() != plain.rpartition(last)[2].strip():
            return True
        return self._before_answer(marked, form).strip() == asked.strip()

    def _before_answer(self, turns: Sequence[Message], form: Form) -> str:
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

    def _continued(self, turns: Sequence[Message], form: Form) -> Iterator[tuple[str, str]]:
        """With the begun answer at its end: as the template lays it out, else behind the prompt."""
        begun = turns[-1].content
        try:
            text = self._checked(self._apply(turns, form, begun=True), turns, form)
            if text.rstrip().endswith(begun.rstrip()):
                yield text, form.note
        except RenderError:
            pass  # refused by the template, as `_before_answer` says
        for prompt, note in self.prompts(turns[:-1], form):
            yield f"{prompt}{begun}" if prompt[-1:].isspace() else f"{prompt} {begun}", note

    def _checked(self, text: str, turns: Sequence[Message], form: Form) -> str:
        """The rendering, if it holds every turn: the system's anywhere, the others in order."""
        said = [turn.content for turn in turns if turn.role != "system"]
        system = [turn.content for turn in turns if turn.role == "system"]
        lost = missing(text, said) or missing(text, system)
        if lost is not None:
            role = next(turn.role for turn in turns if turn.content == lost)
            what = "" if lost.startswith(_TURN) else f": {_shown(lost)}"
            raise RenderError(f"its chat template leaves out words of the {role}'s{what}")
        written_out = ("'type': 'text'", '"type": "text"')
        if form.parts and any(mark in text for mark in written_out):
            raise RenderError("its chat template writes out the list of parts")
        return text

    def _apply(
        self, turns: Sequence[Message], form: Form, *, asks: bool = False, begun: bool = False
    ) -> str:
        """The library's rendering. Raises `RenderError` with the template's own words."""
        listed = [_listed(turn, form) for turn in (_fold(turns) if form.folded else turns)]
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


def forms_for(turns: Sequence[Message]) -> tuple[Form, ...]:
    """The forms that a conversation can take; only one with a system turn can be folded."""
    foldable = turns[0].role == "system" and len(turns) > 1
    return tuple(form for form in FORMS if foldable or not form.folded)


def _fold(turns: Sequence[Message]) -> list[Message]:
    system, first, *rest = turns
    return [replace(first, content=f"{system.content}\n\n{first.content}"), *rest]


def _listed(turn: Message, form: Form) -> dict[str, Any]:
    parts = [{"type": "text", "text": turn.content}]
    return {"role": turn.role, "content": parts if form.parts else turn.content}


def _shown(text: str) -> str:
    plain = " ".join(text.split())
    return repr(plain if len(plain) <= 60 else f"{plain[:57]}…")
