"""One forgery."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Forgery:
    """A change of a good submission that has to be refused.

    `change` works on the submission's folder in place, whose SHA256SUMS are made anew afterwards.
    `code` is the code of the expected refusal, `words` stand in its text.
    """

    name: str
    change: Callable[[Path], object]
    code: str
    words: str


def used() -> float:
    """Processor time of this process and of those that it started, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def seal(folder: Path) -> None:
    """Make SHA256SUMS anew, as a forger would."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    sums = (
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n"
        for p in files
    )
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")
