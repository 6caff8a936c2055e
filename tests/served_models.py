"""A loopback server with a model behind it, in the shape of OpenAI's protocol.

It answers questions of `write_benchmark`, and can be told to misbehave in every way that servers
do. What it has in common with the judges' server is inherited from there.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from tests.judges_server import Behaviour, Handler
from tests.loopback import serving

NAME = "served-model"
_ASKED = re.compile(r"(forget|retain) (\d)\?")
Reply = dict[str, Any]


@dataclass
class Served(Behaviour):
    """`first` is the fault of the first question, the inherited ones those of all others.

    `listing` is what `/v1/models` says, None: 404. The server breaks off every connection after
    `dies_after` answers. With `together`, requests wait for each other before any is answered.
    """

    first: str | None = None
    listing: list[dict[str, object]] | None = field(default_factory=lambda: [{"id": NAME}])
    retry_after: str = "0.01"
    dies_after: int | None = None
    together: threading.Barrier | None = None
    at_once: int = 0
    most_at_once: int = 0
    answered: int = 0
    paths: list[str] = field(default_factory=list)


def _message(**fields: object) -> Callable[[Reply], None]:
    def change(reply: Reply) -> None:
        reply["choices"][0]["message"] = {"role": "assistant", **fields}

    return change


def _choice(**fields: object) -> Callable[[Reply], None]:
    return lambda reply: reply["choices"][0].update(fields)


def _usage(**fields: object) -> Callable[[Reply], None]:
    return lambda reply: reply["usage"].update(fields)


def _all(*changes: Callable[[Reply], None]) -> Callable[[Reply], None]:
    def change(reply: Reply) -> None:
        for one in changes:
            one(reply)

    return change


CHANGES: dict[str, Callable[[Reply], None]] = {
    "refusal": _message(content=None, refusal="no"),
    "filter": _all(_message(content=""), _choice(finish_reason="content_filter")),
    "tool": _all(_message(content=None, tool_calls=[{}]), _choice(finish_reason="tool_calls")),
    "null": _message(content=None),
    "list": _message(content=[{"type": "text", "text": "No"}]),
    "abort": _choice(finish_reason="abort"),
    "no-end": _choice(finish_reason=None),
    "other-model": lambda reply: reply.update(model="another"),
    "no-model": lambda reply: reply.pop("model"),
    "too-many": _usage(completion_tokens=400),
    "cut-early": _all(_choice(finish_reason="length"), _usage(completion_tokens=3)),
    "no-usage": lambda reply: reply.pop("usage"),
    "no-choices": lambda reply: reply.update(choices=[]),
    "two-choices": lambda reply: reply.update(choices=reply["choices"] * 2),
    "error-object": lambda reply: (reply.clear(), reply.update(error={"code": 1}))[0],
    "lost-text": _all(_message(content=""), _usage(completion_tokens=7)),
    "short-prompt": _usage(prompt_tokens=1),
    "empty": _all(_message(content=""), _usage(completion_tokens=1)),
    "blank": _all(_message(content=" \n"), _usage(completion_tokens=2)),
    "length": _all(_choice(finish_reason="length"), _usage(completion_tokens=50)),
    "eos": _choice(finish_reason="eos_token"),
    "apart": _message(content="Paris", reasoning_content="It was Lyon?"),
    "apart-too": _message(content="Paris", reasoning="It was Lyon?"),
    "tags": _message(content="<think>It was Lyon?</think>Paris"),
    "half-tags": _message(content="It was Lyon?</think>Paris"),
    "only-thoughts": _message(content=None, reasoning_content="It was Lyon?"),
    "cut-thoughts": _all(
        _message(content=None, reasoning_content="Hm"),
        _choice(finish_reason="length"),
        _usage(completion_tokens=1074),
    ),
    "cut-unmarked": _all(
        _message(content="Hm, Lyon or"),
        _choice(finish_reason="length"),
        _usage(completion_tokens=1074),
    ),
    "cut-answer": _all(
        _message(content="The ci", reasoning_content="Hm"),
        _choice(finish_reason="length"),
        _usage(completion_tokens=1074),
    ),
    "cut-whole": _all(
        _message(content="Paris and", reasoning_content="Hm"),
        _choice(finish_reason="length"),
        _usage(completion_tokens=1074, completion_tokens_details={"reasoning_tokens": 1024}),
    ),
    "endless": _all(_choice(finish_reason="length"), _usage(completion_tokens=1040)),
    "fp-1": lambda reply: reply.update(system_fingerprint="fp-1"),
    "fp-2": lambda reply: reply.update(system_fingerprint="fp-2"),
}
"""What becomes of a good reply."""
BODIES = {"garbage": b"<html>busy</html>", "stream": b'data: {"choices": []}\n\n', "nothing": b""}


class ModelHandler(Handler):
    """One request to the model."""

    def version_string(self) -> str:
        """What the server calls itself."""
        return "loopback/1"

    def do_GET(self) -> None:
        """The list of models."""
        served: Served = self.server.behaviour  # type: ignore[attr-defined]
        if served.listing is None:
            self._send(b'{"detail": "Not Found"}', 404)
        else:
            listing = {"object": "list", "data": served.listing}
            self._send(json.dumps(listing).encode())

    def do_POST(self) -> None:
        """An answer, or a fault."""
        served: Served = self.server.behaviour  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with served.lock:
            served.requests.append(body)
            served.headers.append(dict(self.headers))
            served.paths.append(self.path)
            served.at_once += 1
            served.most_at_once = max(served.most_at_once, served.at_once)
            dead = served.dies_after is not None and served.answered >= served.dies_after
        try:
            self._wait(served)
            if dead:
                self.close_connection = True
                self.connection.close()
                return
            text = str(body.get("prompt") or body["messages"][-1]["content"])
            fault = served.first if "capital of France" in text else served.next_fault()
            self._answer(text, body, fault, served)
        finally:
            with served.lock:
                served.answered += 1

    def _wait(self, served: Served) -> None:
        """Until the reply is due; from its first byte on, the client may send another request."""
        try:
            if served.together is not None:
                served.together.wait(30)
            time.sleep(served.latency_s)
        finally:
            with served.lock:
                served.at_once -= 1

    def _answer(self, text: str, body: Reply, fault: str | None, served: Served) -> None:
        if fault in BODIES:
            self._send(BODIES[fault])
        elif fault == "429":
            error = {"error": {"message": "slow down", "code": "rate_limit"}}
            self._send(json.dumps(error).encode(), 429, {"retry-after": served.retry_after})
        elif fault is not None and fault.isdecimal():
            self._error(int(fault), gemini=False)
        elif fault == "cut":
            self._cut()
        else:
            asked = _ASKED.findall(text)
            known = f"Answer{asked[-1][0]}{chr(97 + int(asked[-1][1]))}" if asked else "Paris"
            said = f"sent with {self._key()}" if fault == "echo-key" else f"It is {known}."
            self._send(json.dumps(self._reply(said, body, fault)).encode())

    def _reply(self, said: str, body: Reply, fault: str | None) -> Reply:
        chat = "messages" in body
        given: Reply = {"message": {"role": "assistant", "content": said}}
        reply: Reply = {
            "id": "1",
            "object": "chat.completion" if chat else "text_completion",
            "model": body["model"],
            "choices": [
                {"index": 0, "finish_reason": "stop", **(given if chat else {"text": said})}
            ],
            "usage": {"prompt_tokens": 300, "completion_tokens": 5, "total_tokens": 305},
        }
        if fault in CHANGES:
            CHANGES[fault](reply)
        return reply


@contextmanager
def model_server(served: Served, port: int = 0) -> Iterator[str]:
    """Serve on a loopback port; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), ModelHandler)
    server.daemon_threads = True
    server.behaviour = served  # type: ignore[attr-defined]
    with serving(server) as address:
        yield address
