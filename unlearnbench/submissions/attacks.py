"""Attack records as they were sent: of the shape that this program writes, or refused."""

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
    """The attack records that were sent; None for a kind that was not."""

    stress: FinishedStress | None = None
    relearn: FinishedRelearn | None = None

    @property
    def records(self) -> list[FinishedStress | FinishedRelearn]:
        """Those that are there."""
        return [record for record in (self.relearn, self.stress) if record is not None]


NO_ATTACKS = Attacks()


def read_attacks(data: Mapping[str, bytes]) -> Attacks:
    """The attack records among some files. Raises `Refusal` with the place that is wrong."""
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
    known: JsonValue = record.to_disk()
    odd = unknown_field(current, known)
    if odd is not None:
        raise Refusal("attack", name, f"not the shape of a record: {odd[:120]}: no such field")
    return record


def unknown_field(sent: JsonValue, known: JsonValue) -> str | None:
    """The first field of `sent` that a record read from it does not hold, by its path."""
    if isinstance(sent, dict) and isinstance(known, dict):
        for name, value in sent.items():
            below = unknown_field(value, known[name]) if name in known else ""
            if below is not None:
                return f"{name}.{below}" if below else name
    if isinstance(sent, list) and isinstance(known, list):
        for place, pair in enumerate(zip(sent, known, strict=True)):
            below = unknown_field(*pair)
            if below is not None:
                return f"{place}.{below}"
    return None
