"""Why a call to a server gave nothing: for good, for all calls alike, or for now."""

from __future__ import annotations

from dataclasses import dataclass


class CallError(Exception):
    """A call that cannot succeed when retried: the reply was refused or cut off."""


class RejectedError(CallError):
    """A call that failed for a reason all calls share: no access, an unsupported setting, another
    model behind the address.
    """


class LimitError(CallError):
    """A call that was not made because it might exceed the cost limit."""


class TransientError(Exception):
    """A call that may succeed later; `retry_after` is the server's requested pause in seconds."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a call gave no result.

    `own`: the reason lies in this call (it was refused, cut off, not understood), not in the server
    or in what may be spent.
    """

    error: str
    own: bool = False


class MalformedReplyError(Exception):
    """A reply that does not hold what was asked for; another attempt may give it."""


class CanaryError(Exception):
    """A reply that is wrong where the truth is known; the rest of it is not used."""
