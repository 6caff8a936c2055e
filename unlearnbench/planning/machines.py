"""The machines that `--on` names: what they hold, how fast they are, what they are rented for.

    machine = named_machine("8xH100")
    machine.count, machine.memory_bytes, machine.peak("bfloat16")

The machines that ship are in `machines.toml`; `--on mine.toml` or `--on 4xmine.toml` takes one of
the same form from a file of the user's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from unlearnbench.errors import UnlearnbenchError
from unlearnbench.files.reading import read_text
from unlearnbench.naming import nearest

Kind = Literal["measured", "counted", "estimate", "listed"]
"""Where a figure comes from: taken here, counted exactly, worked out, or a published figure."""

_SEVERAL = re.compile(r"(?P<count>[0-9]{1,6})x(?P<name>.+)", re.IGNORECASE)
_NUMBERS = ("memory", "bfloat16", "float32", "bandwidth", "link", "price")


@dataclass(frozen=True, slots=True)
class Machine:
    """Devices of one kind. Memory in bytes, rates a second, all a device; `price` in US dollars.

    `bfloat16` is None where such products have no hardware. `origin` says whether its figures were
    measured or published, `fitted` which measurements the cost model was fitted to, if any.
    """

    name: str
    title: str
    kind: Literal["cuda", "cpu"]
    count: int
    memory_bytes: float
    bfloat16: float | None
    float32: float
    bandwidth: float
    link: float
    origin: Kind = "listed"
    price: float | None = None
    price_date: str = ""
    fitted: str = ""

    def peak(self, dtype: str) -> float:
        """FLOP/s of one device; float32's where bfloat16 has no hardware."""
        if dtype != "float32" and self.bfloat16 is not None:
            return self.bfloat16
        return self.float32

    @property
    def dtype(self) -> str:
        """What `--dtype auto` takes there."""
        return "float32" if self.bfloat16 is None else "bfloat16"


@cache
def known_machines() -> Mapping[str, Machine]:
    """Every machine that ships, by name."""
    return _read(Path(__file__).with_name("machines.toml"))


def named_machine(text: str, price: float | None = None) -> Machine:
    """The machine that `--on` names, such as `h100`, `8xH100` or `2xmine.toml`.

    Raises `UnlearnbenchError` for an unknown one, with the nearest.
    """
    several = _SEVERAL.fullmatch(text)
    name, count = (several["name"], int(several["count"])) if several else (text, 1)
    if count < 1:
        raise UnlearnbenchError(f"--on {text}: give at least one device")
    if name.endswith(".toml"):
        found = next(iter(_read(Path(name)).values()))
    else:
        machines = known_machines()
        if name.lower() not in machines:
            raise UnlearnbenchError(
                f"--on {text}: unknown machine {name!r}; {nearest(name.lower(), machines)}; or "
                "cpu for this one's processor, or a file NAME.toml of the same form as "
                "planning/machines.toml"
            )
        found = machines[name.lower()]
    return replace(priced(found, price), count=count)


def priced(machine: Machine, price: float | None) -> Machine:
    """The machine at the user's own price a device and hour, if there is one."""
    if price is None:
        return machine
    return replace(machine, price=price, price_date="your --price")


def _read(path: Path) -> dict[str, Machine]:
    try:
        tables = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UnlearnbenchError(f"{path}: not TOML: {error}") from error
    machines = {name: _machine(path, name, t) for name, t in tables.items() if isinstance(t, dict)}
    if not machines:
        raise UnlearnbenchError(f"{path}: names no machine; give a table such as [mine]")
    return machines


def _machine(path: Path, name: str, table: Mapping[str, object]) -> Machine:
    known = {*_NUMBERS, "title", "kind", "price_date", "price_source", "source", "fitted", "origin"}
    for key in table:
        if key not in known:
            raise UnlearnbenchError(f"{path}: {name}: no such field {key!r}; {nearest(key, known)}")
    kind = table.get("kind", "cuda")
    if kind not in ("cuda", "cpu"):
        raise UnlearnbenchError(f"{path}: {name}: kind = {kind!r}: cuda or cpu")
    numbers = {key: _number(path, name, key, table.get(key)) for key in _NUMBERS}
    for key in ("memory", "float32", "bandwidth"):
        if numbers[key] is None:
            raise UnlearnbenchError(f"{path}: {name}: {key} is missing")
    half, price = numbers["bfloat16"], numbers["price"]
    return Machine(
        name=name,
        title=str(table.get("title", name)),
        kind="cpu" if kind == "cpu" else "cuda",
        count=1,
        memory_bytes=1e9 * (numbers["memory"] or 0),
        bfloat16=None if half is None else 1e12 * half,
        float32=1e12 * (numbers["float32"] or 0),
        bandwidth=1e9 * (numbers["bandwidth"] or 0),
        link=1e9 * (numbers["link"] or 32),
        origin="measured" if table.get("origin") == "measured" else "listed",
        price=price,
        price_date=str(table.get("price_date", "")),
        fitted=str(table.get("fitted", "")),
    )


def _number(path: Path, name: str, key: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise UnlearnbenchError(f"{path}: {name}: {key} = {value!r}: a number greater than 0")
    return float(value)
