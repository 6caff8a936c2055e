"""Stop sending calls to a server once they fail for a reason that all of them share.

The first calls go out a few at a time until one has succeeded, so that a wrong model, a wrong key
or a refused setting shows before most of the money is spent. A single fact whose call fails stops
nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_AT_ONCE = 5
"""Calls at a time until one has succeeded, at first and after a refusal."""
REJECTED_CALLS = 3
"""Different calls refused in a row for the same reason after which no more are made."""
USELESS = ((3, 6), (2, 10))
"""(calls, replies): unusable replies to different calls, before the first usable one, after which
no more calls are made.
"""
USELESS_CALLS = 10
"""Different calls in a row without a usable reply after which no more are made."""
SILENT_CALLS = 4
"""Calls in a row that used up their attempts without a reply after which no more are made."""
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\b[\w-]*\d[\w-]*\b")
"""Parts that may differ between two messages with the same reason: names, numbers, ids."""


class GivenUpError(Exception):
    """No more calls are made; the message says why."""


class Patience:
    """Decides from the calls so far whether more are made. Thread-safe."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._changed = threading.Condition()
        self._running = 0
        self._succeeded = False
        self._careful = True
        self._reason = ""
        self._rejections: dict[str, set[str]] = {}
        self._useless: set[str] = set()
        self._replies = 0
        self._silent = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for permission to make a call. Raises `GivenUpError` once no more are made."""
        with self._changed:
            self._changed.wait_for(lambda: self._reason or self._running < self._limit())
            if self._reason:
                raise GivenUpError(self._reason)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def succeeded(self) -> None:
        """Report a call that gave a result."""
        with self._changed:
            self._succeeded, self._careful, self._silent = True, False, 0
            self._rejections.clear()
            self._useless.clear()
            self._replies = 0
            self._changed.notify_all()

    def failed(self, subject: str, text: str, rejected: bool) -> None:
        """Report a call about `subject` without a usable reply.

        `rejected`: for a reason that all calls share.
        """
        with self._changed:
            self._useless.add(subject)
            self._replies += 1
            enough = len(self._useless) >= USELESS_CALLS
            if not self._succeeded:
                calls = len(self._useless)
                enough |= any(calls >= c and self._replies >= r for c, r in USELESS)
            if rejected:
                self._careful = True
                same = self._rejections.setdefault(_VARYING.sub("", text), set())
                same.add(subject)
                enough |= len(same) >= REJECTED_CALLS
            if enough:
                self._give_up(len(self._useless), text)

    def exhausted(self, text: str) -> None:
        """Report a call that used up its attempts."""
        with self._changed:
            self._silent += 1
            if self._silent >= SILENT_CALLS:
                self._give_up(self._silent, text)

    def _limit(self) -> int:
        return min(FIRST_AT_ONCE, self._at_once) if self._careful else self._at_once

    def _give_up(self, calls: int, text: str) -> None:
        self._reason = self._reason or f"given up: {calls} calls in a row failed: {text}"
        self._changed.notify_all()
