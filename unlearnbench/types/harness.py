"""Tasks of another harness, found and ready to be run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HarnessTask:
    """A task of lm-eval, or a group of them, loaded with its data.

    `name` is as the user gave it; `data` the sha256 of it, the version of lm-eval, the limit and,
    of a task's own file, its text; `loaded` is what lm-eval's table of tasks gave.
    """

    name: str
    data: str
    limit: int | None
    loaded: object
