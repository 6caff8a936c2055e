"""Read submitted attack records; refuse all that this program would not write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from unlearnbench.runs.attacks import RELEARN, STRESS
from unlearnbench.runs.schema import FinishedRelearn, FinishedStress, fault
from unlearnbench.runs.schema.base import UnknownVersionError
from unlearnbench.submissions.untrusted import Refusal, parse_sent

Shape = TypeVar("Shape", FinishedStress, FinishedRelearn)


@dataclass(frozen=True, slots=True)
class Attacks:
    """Submitted attack records; None for a kind without one."""

    stress: FinishedStress | None = None
    relearn: FinishedRelearn | None = None

    @property
    def records(self) -> list[FinishedStress | FinishedRelearn]:
        """The records that are not None."""
        return [record for record in (self.relearn, self.stress) if record is not None]


NO_ATTACKS = Attacks()


def read_attacks(data: Mapping[str, bytes]) -> Attacks:
    """The attack records among some files. Raises `Refusal` with the place of the fault."""
    stress = _read(data[STRESS], STRESS, FinishedStress) if STRESS in data else None
    relearn = _read(data[RELEARN], RELEARN, FinishedRelearn) if RELEARN in data else None
    return Attacks(stress, relearn)


def _read(data: bytes, name: str, shape: type[Shape]) -> Shape:
    value = parse_sent(data, name)
    if not isinstance(value, dict) or value.get("kind") != shape.KIND:
        raise Refusal("attack", name, f"not a record of {shape.CALLED}")
    try:
        current = shape.upgraded(value)
        record = shape.model_validate(current)
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
