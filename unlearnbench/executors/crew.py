"""Work in units that each want one model in a state of its own, spread over workers.

for finding in crew.map(test, attacks):             # several at a time, in their order
    ...
crew.unit("near, seed 0", lambda lease: points(lease))   # one worker for as long as it lasts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from unlearnbench.interfaces import Generator

T = TypeVar("T")
A = TypeVar("A")


class Lease(Protocol):
    """A worker that a unit has for itself, from the moment it first needs one."""

    def engine(self, make: Callable[[Any], Generator]) -> Generator:
        """An engine that `make` makes there of the worker's models; the one before is gone."""
        ...

    def measure(self, work: Callable[[Any], T]) -> T:
        """What `work` makes of the worker's models."""
        ...


class Crew(Protocol):
    """Workers that hold models; what they answer is written by the process that calls."""

    @property
    def whole(self) -> Generator:
        """All workers as one engine of the unchanged model, until the first unit begins."""
        ...

    def map(self, work: Callable[[A], T], items: Sequence[A]) -> Iterator[T]:
        """Do `work` on the items, several at a time; the results in order of the items."""
        ...

    def unit(self, name: str, work: Callable[[Lease], T]) -> T:
        """Do `work`, from its beginning again if the worker is lost; raises after three losses."""
        ...
