"""How a conversation is handed to a chat template: contents in parts, system turn folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from unlearnbench.types import Message


@dataclass(frozen=True, slots=True)
class TurnShape:
    """How a conversation is handed to a template.

    `parts`: contents as lists of parts; `folded`: the system's turn within the first user's.
    """

    parts: bool = False
    folded: bool = False

    @property
    def note(self) -> str:
        """What a run says of it; nothing for the usual form."""
        parts = ["takes contents in parts"] if self.parts else []
        parts += ["takes no system turn: it stands in the user's first turn"] if self.folded else []
        return f"its chat template {' and '.join(parts)}" if parts else ""


TURN_SHAPES = (
    TurnShape(),
    TurnShape(folded=True),
    TurnShape(parts=True),
    TurnShape(parts=True, folded=True),
)


def shapes_for(turns: Sequence[Message], folds: bool = True) -> tuple[TurnShape, ...]:
    """The forms that a conversation can take; only one with a system turn can be folded."""
    foldable = folds and turns[0].role == "system" and len(turns) > 1
    return tuple(form for form in TURN_SHAPES if foldable or not form.folded)


def fold(turns: Sequence[Message]) -> list[Message]:
    """The conversation with its system turn at the head of the first user turn."""
    system, first, *rest = turns
    return [replace(first, content=f"{system.content}\n\n{first.content}"), *rest]


def as_template_turn(turn: Message, form: TurnShape) -> dict[str, Any]:
    """A turn as templates take it."""
    parts = [{"type": "text", "text": turn.content}]
    return {"role": turn.role, "content": parts if form.parts else turn.content}
