"""Where a server is, and which key it may be sent."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from unlearnbench.errors import EngineError

KEY = "ENDPOINT_API_KEY"
"""Environment variable with the key of an endpoint."""
OPENAI = "https://api.openai.com/v1"
_PATHS = ("/chat/completions", "/completions")


def base_address(typed: str) -> str:
    """The address below which a server's paths begin, from what a user typed.

    `http://host:8000` means `http://host:8000/v1`. Raises `EngineError` for what is no address, or
    for one that holds a name and password or a key.
    """
    try:
        parts = urlsplit(typed.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise EngineError(f"--endpoint: not an address ({error})") from error
    if parts.scheme not in ("http", "https") or not host:
        raise EngineError(f"--endpoint {typed}: give an address such as http://localhost:8000/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise EngineError(
            f"--endpoint: give {host} without a name, password or parameters; a key belongs into "
            f"the environment variable {KEY}"
        )
    path = parts.path.rstrip("/")
    for end in _PATHS:
        path = path.removesuffix(end)
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"


def key_for(address: str) -> str:
    """The key that a server may be sent: one of its own, or OpenAI's where it is made for.

    OPENAI_API_KEY goes to no other address than the one that it is for, so that a judge's key is
    not sent to the model that it judges.
    """
    own = os.environ.get(KEY)
    if own:
        return own
    meant = os.environ.get("OPENAI_BASE_URL") or OPENAI
    same = meant.rstrip("/") == address
    return (os.environ.get("OPENAI_API_KEY") if same else None) or "none"
