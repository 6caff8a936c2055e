"""llama.cpp's side of `perf/engine.py`: its server, asked with the same token ids."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

SLOTS = 32
"""Requests that the server decodes together; more were not faster on two cores."""
START_S = 120.0


def run_llama(
    server: Path, gguf: Path, prompts: Sequence[Sequence[int]], new_tokens: int, threads: int
) -> dict[str, Any]:
    """Seconds and texts of `llama-server` on a GGUF file, with its prompt cache.

    It computes in the file's own type: of a four-bit file its texts are not those of the others.
    Raises `RuntimeError` if the server does not start or refuses a prompt.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    room = SLOTS * (max(map(len, prompts)) + new_tokens)
    command = [str(server), "-m", str(gguf), "--port", str(port), "-np", str(SLOTS)]
    command += ["-c", str(room), "-t", str(threads), "--log-disable"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(process, address)
        began = time.perf_counter()
        with ThreadPoolExecutor(SLOTS) as pool:
            texts = list(pool.map(lambda ids: _answer(address, ids, new_tokens), prompts))
        return {"seconds": time.perf_counter() - began, "texts": texts}
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(f"{address}/health", timeout=2) as reply:
                if reply.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"llama-server did not start (exit code {process.poll()})")


def _answer(address: str, ids: Sequence[int], new_tokens: int) -> str:
    body = {"prompt": list(ids), "n_predict": new_tokens, "temperature": 0, "cache_prompt": True}
    data = json.dumps(body).encode()
    request = Request(f"{address}/completion", data, {"Content-Type": "application/json"})
    with urlopen(request, timeout=600) as reply:
        return str(json.loads(reply.read())["content"])
