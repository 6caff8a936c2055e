"""Remove keys from texts, and read a server's Retry-After header."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, urlsplit

_SECONDS = re.compile(r"^\d+(?:\.\d+)?$")
_NAMES = ("KEY", "KEYS", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS", "AUTHORIZATION")
_ADDRESSES = ("_URL", "_URI", "_PROXY")
_SHORTEST = 6
_SHORTEST_ENCODED = 8


def scrubbed(text: str) -> str:
    """`text` without the value of any environment variable whose name suggests a secret.

    Usual encodings of it are removed too: percent-encoded, base64 (alone or within a header),
    hexadecimal, escaped for JSON or HTML. A password in an address counts as a secret.
    """
    return scrubber()(text)


def scrubber() -> Callable[[str], str]:
    """`scrubbed` for many texts, with the present environment."""
    secrets = tuple(_secrets())
    if not secrets:
        return str
    pattern, names = _spellings(secrets)
    return lambda text: pattern.sub(lambda match: f"[{names[match.group()]}]", text)


def _secrets() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        upper = name.upper()
        if upper.endswith(_NAMES) and len(value.strip()) >= _SHORTEST:
            yield name, value.strip()
        elif upper.endswith(_ADDRESSES) and "@" in value:
            password = _password(value)
            if len(password) >= _SHORTEST:
                yield name, password


def _password(address: str) -> str:
    try:
        return unquote(urlsplit(address).password or "")
    except ValueError:
        return ""


@lru_cache(maxsize=8)
def _spellings(secrets: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    """One pattern for all spellings of all secrets, and the variable of each spelling."""
    names: dict[str, str] = {}
    for name, value in secrets:
        for spelling in _spellings_of(value):
            names.setdefault(spelling, name)
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), names


def _spellings_of(value: str) -> Iterator[str]:
    yield value
    data = value.encode("utf-8", "surrogateescape")
    for encoded in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), encoded)
    yield from (data.hex(), data.hex().upper(), html.escape(value))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    for shift in range(3):
        # In base64 three bytes make four characters, so a secret has three spellings, depending on
        # where it begins; the characters at its ends depend on the neighbouring bytes too.
        encoded_text = base64.b64encode(bytes(shift) + data).decode()
        inner = encoded_text[(0, 2, 3)[shift] : (shift + len(data)) * 8 // 6]
        if len(inner) >= _SHORTEST_ENCODED:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def retry_after(header: str | None) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110, 10.2.3); None without a valid one."""
    if header is None:
        return None
    if _SECONDS.match(header.strip()):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None
