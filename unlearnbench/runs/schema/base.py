"""The base of all stored records: a version, and one way to write and read them.

A record is a frozen pydantic class. `from_disk` reads any version that ever landed: each older
one has a function in the class's `OLDER` that turns its JSON into the next version's. A file of a
newer version, or one that lacks a field, is refused with a `RunError` that names file and field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError

from unlearnbench.errors import RunError

Int = Annotated[int, Strict()]
Float = Annotated[float, Strict()]
Bool = Annotated[bool, Strict()]
"""A number in quotes is none: what was checked is then used as it stands."""
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Count = Annotated[int, Strict(), Field(ge=0)]
Status = Literal["running", "open", "complete"]
"""`open`: it came to its end, and some facts have no verdict."""
Convert = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns one version of a record's JSON into the next."""


def _with_zone(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its zone")
    return text


Time = Annotated[str, AfterValidator(_with_zone)]
"""ISO 8601 with its zone; UTC where this program wrote it."""


def utc_now() -> str:
    """The time in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Part(BaseModel):
    """A part of a record. Fields that it does not know are left out."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", defer_build=True, ser_json_inf_nan="constants"
    )


class UnknownVersionError(ValueError):
    """A record of a version that this program does not read."""


class Record(Part):
    """A record with its own file. `VERSION` is written, `OLDER` converts earlier versions."""

    VERSION: ClassVar[int]
    OLDER: ClassVar[Mapping[int, Convert]]

    @classmethod
    def from_disk(cls, data: Mapping[str, object], where: Path) -> Self:
        """The record that a file's JSON object holds, whichever version wrote it.

        Args:
            data: The file's object.
            where: The file, for messages.

        Raises:
            RunError: It is of a version that this program does not know, or a field is missing or
                wrong; the message names the file and the field.
        """
        try:
            return cls.model_validate(cls.upgraded(data))
        except ValidationError as error:
            raise RunError(f"{where}: {fault(error)}; restore it, or make the run again") from error
        except UnknownVersionError as error:
            raise RunError(f"{where}: {error}; use the version that wrote it") from error

    @classmethod
    def upgraded(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """A file's object, converted to the newest version. Raises `UnknownVersionError`."""
        version = data.get("schema_version")
        if type(version) is not int or not (version == cls.VERSION or version in cls.OLDER):
            shown = repr(version)[:40]
            raise UnknownVersionError(
                f"schema_version {shown}, this program reads 1 to {cls.VERSION}"
            )
        current = dict(data)
        for number in range(version, cls.VERSION):
            current = cls.OLDER[number](current)
        return current

    def to_disk(self) -> dict[str, Any]:
        """The record as a JSON object, its version first."""
        return {"schema_version": self.VERSION, **self.model_dump(mode="json")}


def fault(error: ValidationError) -> str:
    """The first invalid field and its fault: `identity.plan: Field required`."""
    first = error.errors(include_url=False)[0]
    # A tag, `<score>`, says which of several classes a part was read as; it is no field.
    names = (str(part) for part in first["loc"] if not str(part).startswith("<"))
    return f"{'.'.join(names)[:120]}: {first['msg']}"
