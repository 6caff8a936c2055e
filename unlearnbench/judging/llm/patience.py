"""When to stop putting calls to a provider: a fault that all of them share is not paid for often.

The first calls go out a few at a time, until one has succeeded, so that a wrong model, a wrong key
or a setting that is refused is seen before most of the money is spent. One fact whose call fails on
its own stops nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_AT_ONCE = 5
"""Calls under way while none has succeeded, or since the last refusal."""
REJECTED_CALLS = 3
"""So many different calls in a row refused for one reason, and no more are made."""
USELESS = ((3, 6), (2, 10))
"""(calls, replies): so many replies of no use to so many calls, before the first of use, and no
more calls are made.
"""
USELESS_CALLS = 10
"""So many different calls in a row without a reply of use, and no more are made."""
SILENT_CALLS = 4
"""So many calls in a row that got no reply with all their attempts, and no more are made."""
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\b[\w-]*\d[\w-]*\b")
"""What differs between two messages of one reason: names, numbers, ids."""


class GivenUpError(Exception):
    """No more calls are made; the message says why."""


class Patience:
    """What the calls so far say of the next ones. Thread-safe."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._changed = threading.Condition()
        self._under_way = 0
        self._succeeded = False
        self._careful = True
        self._why = ""
        self._rejections: dict[str, set[int]] = {}
        self._useless: set[int] = set()
        self._replies = 0
        self._silent = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn to put a call. Raises `GivenUpError` once there is no more use."""
        with self._changed:
            self._changed.wait_for(lambda: self._why or self._under_way < self._limit())
            if self._why:
                raise GivenUpError(self._why)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def succeeded(self) -> None:
        """A call gave verdicts."""
        with self._changed:
            self._succeeded, self._careful, self._silent = True, False, 0
            self._rejections.clear()
            self._useless.clear()
            self._replies = 0
            self._changed.notify_all()

    def failed(self, call: int, text: str, rejected: bool) -> None:
        """A call was `rejected` for a reason that is not its own, or its reply is of no use."""
        with self._changed:
            self._useless.add(call)
            self._replies += 1
            enough = len(self._useless) >= USELESS_CALLS
            if not self._succeeded:
                calls = len(self._useless)
                enough |= any(calls >= c and self._replies >= r for c, r in USELESS)
            if rejected:
                self._careful = True
                same = self._rejections.setdefault(_VARYING.sub("", text), set())
                same.add(call)
                enough |= len(same) >= REJECTED_CALLS
            if enough:
                self._give_up(len(self._useless), text)

    def exhausted(self, text: str) -> None:
        """A call failed with all its attempts."""
        with self._changed:
            self._silent += 1
            if self._silent >= SILENT_CALLS:
                self._give_up(self._silent, text)

    def _limit(self) -> int:
        return min(FIRST_AT_ONCE, self._at_once) if self._careful else self._at_once

    def _give_up(self, calls: int, text: str) -> None:
        self._why = self._why or f"given up: {calls} calls in a row failed: {text}"
        self._changed.notify_all()
