"""Read submitted attack records; refuse all that this program would not write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from unlearnbench.runs.attacks import RELEARN, STRESS
from unlearnbench.runs.schema import FinishedRelearn, FinishedStress, fault
from unlearnbench.runs.schema.base import UnknownVersionError
from unlearnbench.submissions.layout import ANSWERS_OF
from unlearnbench.submissions.untrusted import Refusal, parse_sent

Shape = TypeVar("Shape", FinishedStress, FinishedRelearn)


AttackRecord = FinishedStress | FinishedRelearn
RERUNNABLE = "rules"
"""The judge whose verdicts anybody can make again from the answers."""


@dataclass(frozen=True, slots=True)
class Attacks:
    """Submitted attack records; None for a kind without one.

    `answers` holds, by kind of record, the compressed answers that came with it.
    """

    stress: FinishedStress | None = None
    relearn: FinishedRelearn | None = None
    answers: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def records(self) -> list[AttackRecord]:
        """The records that are not None."""
        return [record for record in (self.relearn, self.stress) if record is not None]

    @property
    def without_answers(self) -> Attacks:
        """The same once it was checked: the answers themselves are not needed any more."""
        return replace(self, answers=dict.fromkeys(self.answers, b""))

    @property
    def derived(self) -> frozenset[str]:
        """The kinds of records that follow from answers judged again, once they were checked.

        Any other is told: it comes without its answers, or only its judge could judge them.
        """
        kinds = [r.kind for r in self.records if r.identity.judge == RERUNNABLE]
        return frozenset(kinds) & set(self.answers)


NO_ATTACKS = Attacks()


def read_attacks(data: Mapping[str, bytes]) -> Attacks:
    """The attack records among some files. Raises `Refusal` with the place of the fault."""
    stress = _read(data[STRESS], STRESS, FinishedStress) if STRESS in data else None
    relearn = _read(data[RELEARN], RELEARN, FinishedRelearn) if RELEARN in data else None
    answers = {kind: data[name] for kind, name in ANSWERS_OF.items() if name in data}
    for kind in answers:
        if f"{kind}.json" not in data:
            raise Refusal("attack", ANSWERS_OF[kind], f"answers without {kind}.json")
    return Attacks(stress, relearn, answers)


def _read(data: bytes, name: str, shape: type[Shape]) -> Shape:
    value = parse_sent(data, name)
    if not isinstance(value, dict) or value.get("kind") != shape.KIND:
        raise Refusal("attack", name, f"not a record of {shape.CALLED}")
    try:
        current = shape.upgraded(value)
        record = shape.model_validate(current)
        if value["schema_version"] != 1 and None in (record.created, record.finished):
            raise Refusal("times", name, "does not say when it was begun and finished")
    except UnknownVersionError as error:
        raise Refusal("attack", name, str(error)) from error
    except ValidationError as error:
        raise Refusal("attack", name, f"not the shape of a record: {fault(error)}"[:200]) from error
    fields: JsonValue = record.to_disk()
    odd = unknown_field(current, fields)
    if odd is not None:
        raise Refusal("attack", name, f"not the shape of a record: {odd[:120]}: no such field")
    return record


def unknown_field(value: JsonValue, fields: JsonValue) -> str | None:
    """The first field of `value` that a record read from it lacks, by its path."""
    if isinstance(value, dict) and isinstance(fields, dict):
        for name, part in value.items():
            below = unknown_field(part, fields[name]) if name in fields else ""
            if below is not None:
                return f"{name}.{below}" if below else name
    if isinstance(value, list) and isinstance(fields, list):
        for place, pair in enumerate(zip(value, fields, strict=True)):
            below = unknown_field(*pair)
            if below is not None:
                return f"{place}.{below}"
    return None
