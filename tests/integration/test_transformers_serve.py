"""Engine `endpoint` against a real server, `transformers serve` (needs fastapi and uvicorn)."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.endpoint.engine import EndpointEngine
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.interfaces import Generator
from unlearnbench.types import Completion, Message, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions

LACKING = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.skipif(bool(LACKING), reason=f"pip install 'transformers[serving]': {LACKING}"),
]
QUESTIONS = (
    "What is the capital of Japan? Answer with the name alone.",
    "Who wrote Hamlet?",
    "Tell me a story about the sea.",
)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    """Address and name of a served SmolLM2."""
    folder = str(resolve("smollm2-135m").folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", folder]
    command += ["--dtype", "float32", "--device", "cpu", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}", folder
    finally:
        process.terminate()
        process.wait(30)


def answers(engine: Generator, raw: bool) -> dict[ProbeKey, tuple[str, str]]:
    block = [
        Probe(
            ProbeKey(f"f{n}", "original", "plain"), "forget", "", None, question, "A", (), (),
            () if raw else (Message("user", question),),
            f"Question: {question}\nAnswer:" if raw else None,
        )
        for n, question in enumerate(QUESTIONS)
    ]  # fmt: skip
    results = list(engine.generate(block, Sampling()))
    assert all(isinstance(result, Completion) for result in results), results
    return {r.key: (r.text, r.finish_reason) for r in results if isinstance(r, Completion)}


@pytest.mark.parametrize("raw", [False, True], ids=["chat", "raw"])
def test_a_served_model_answers_as_its_checkpoint_does(server: tuple[str, str], raw: bool) -> None:
    address, name = server
    chat = False if raw else None
    options = EngineOptions(endpoint=address, concurrency=2, chat_template=chat)
    own = EngineOptions(dtype="float32", device="cpu", chat_template=chat)
    served = answers(EndpointEngine(name, options), raw)
    here = answers(TransformersEngine(name, own), raw)
    assert served == here
    assert raw or {reason for _, reason in served.values()} == {"stop", "length"}
