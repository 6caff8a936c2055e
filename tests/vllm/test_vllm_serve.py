"""Engine `endpoint` against vLLM's own server, as `vllm serve` starts it."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.integration.test_transformers_serve import answers
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.endpoint.engine import EndpointEngine
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.types.options import EngineOptions

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None,
        reason="vLLM has an environment of its own: make test-vllm",
    ),
]
NAME = "small"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The command `vllm` looks for a distribution of its own name, which the CPU build is not.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager"]
    command += ["--model", str(resolve("smollm2-135m").folder), "--served-model-name", NAME]
    command += ["--dtype", "float32", "--host", "127.0.0.1", "--port", str(port)]
    settings = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    process = subprocess.Popen(
        command,
        env={**os.environ, **settings, "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(360):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the server ended"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.parametrize("raw", [False, True], ids=["chat", "raw"])
def test_a_served_model_answers_as_its_checkpoint_does(address: str, raw: bool) -> None:
    chat = False if raw else None
    served = EndpointEngine(NAME, EngineOptions(endpoint=address, chat_template=chat))
    own = EngineOptions(dtype="float32", device="cpu", chat_template=chat)
    here = TransformersEngine(str(resolve("smollm2-135m").folder), own)
    assert answers(served, raw) == answers(here, raw)
    assert any("vllm-" in note for note in served.info.notes)
