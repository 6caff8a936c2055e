"""Rows for attacks, asked for in rounds until each place has as many as it is to have.

Nothing here waits for a person: a row that fails a check is asked for again, with the reason, and
at last left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.finding import ROUNDS, OnRound
from unlearnbench.paraphrasing.llm.items import AskedModel, FactItem
from unlearnbench.types import Fact

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Slot(Generic[T]):
    """What is asked about together: one fact, or those of a topic; and the rows there so far.

    `refused` are texts that are not to be proposed again, with the reason.
    """

    name: str
    facts: Sequence[Fact]
    wanted: int
    rows: list[T] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RowKind(Generic[R, T]):
    """How rows are asked for and read.

    `item` asks for a slot's rows, `rows` takes them from a reply, `check` says why each of a
    round's is left out, or None, `text` is how a row is named when it is not to be proposed again.
    """

    item: Callable[[Slot[T]], FactItem]
    rows: Callable[[Slot[T], R], Sequence[T]]
    check: Callable[[Sequence[tuple[Slot[T], T]]], Sequence[CandidateDoubt | None]]
    text: Callable[[T], str]


def fill_slots(
    slots: Sequence[Slot[T]],
    model: AskedModel[R],
    kind: RowKind[R, T],
    on_round: OnRound,
) -> Counter[str]:
    """Fill slots as far as that goes; the reasons for which rows were left out, counted."""
    left_out: Counter[str] = Counter()
    for _ in range(ROUNDS):
        lacking = [slot for slot in slots if len(slot.rows) < slot.wanted]
        if not lacking:
            break
        items = [kind.item(slot) for slot in lacking]
        replies = model.ask_all(items)
        proposed: list[tuple[Slot[T], T]] = []
        for slot, item in zip(lacking, items, strict=True):
            reply = replies[item.id]
            slot.problem = reply if isinstance(reply, str) else ""
            if not isinstance(reply, str):
                proposed += [(slot, row) for row in kind.rows(slot, reply)]
        for (slot, row), doubt in zip(proposed, kind.check(proposed), strict=True):
            if doubt is not None:
                left_out[doubt.rule] += 1
                slot.refused[kind.text(row)] = f"{doubt.rule}: {doubt.what}"
            elif len(slot.rows) < slot.wanted:
                slot.rows.append(row)
        filled = sum(len(slot.rows) >= slot.wanted for slot in slots)
        on_round(f"proposing {model.definition.task}", filled, len(slots))
    return left_out
