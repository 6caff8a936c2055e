"""Servers on this machine, of the tests' own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import Any

POLL_S = 0.01
"""How long a server may go on once it is to end: by default, half a second a test."""


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """Answer in threads of its own until the `with` ends; yields the address."""
    handler: Any = server.RequestHandlerClass
    handler = getattr(handler, "func", handler)  # of a partial
    handler.disable_nagle_algorithm = True  # else a body waits 40 ms for its headers' receipt
    threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
