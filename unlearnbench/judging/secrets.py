"""Keys never leave the environment; and what providers say about waiting."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"^\d+(?:\.\d+)?$")
_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


def scrubbed(text: str) -> str:
    """`text` without the value of any environment variable that is named like a secret."""
    for name, value in os.environ.items():
        if name.upper().endswith(_NAMES) and len(value) >= 6:
            text = text.replace(value, f"[{name}]")
    return text


def retry_after(header: str | None) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110, 10.2.3), or None if it says nothing."""
    if header is None:
        return None
    if _SECONDS.match(header.strip()):
        return float(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds()) if when.tzinfo else None
