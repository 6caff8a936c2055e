"""A loopback server that speaks the wire formats of Gemini and of OpenAI-compatible endpoints.

It judges by looking for the reference answer in the response, and can be told to misbehave in every
way a provider has been seen to.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.loopback import serving

MODEL = "gemini-2.5-flash"


@dataclass
class Behaviour:
    """`faults` are used up one a request, then `fault_rate` decides by chance."""

    faults: list[str] = field(default_factory=list)
    fault_rate: float = 0.0
    always: str | None = None
    latency_s: float = 0.0
    model: str | None = None
    seed: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def fault_of(self, body: dict[str, Any]) -> str | None:
        """The fault with which a request is answered; here whichever is next."""
        return self.next_fault()

    def next_fault(self) -> str | None:
        with self.lock:
            if self.always is not None:
                return self.always
            if self.faults:
                return self.faults.pop(0)
            if self.chance.random() < self.fault_rate:
                return self.chance.choice(TRANSIENT)
            return None


DRESSES = {
    "fenced": "```json\n{}\n```",
    "fenced-bare": "```\n{}\n```\n",
    "after-thoughts": '<think>\nMaybe {{"verdicts": []}}? No.\n</think>\n\n{}',
    "after-half-thoughts": "the template opened them\n</think>\n{}",
    "in-prose": "Here are the {{requested}} verdicts:\n\n{}\n\nLet me know if you need more.",
}
"""Ordinary wrappings of a reply."""


def dressed(text: str, dress: str | None) -> str:
    return DRESSES[dress].format(text) if dress in DRESSES else text


def user_text(body: dict[str, Any]) -> str:
    """The prompt without its instructions, in either format."""
    if "contents" in body:
        return str(body["contents"][0]["parts"][0]["text"])
    return str(body["messages"][-1]["content"])


def _basic(key: str) -> str:
    return base64.b64encode(f"user:{key}".encode()).decode()


TRANSIENT = ["429", "500", "503", "cut", "empty", "not-json", "missing-id", "double-id", "extra-id"]
"""Faults that asking again can heal."""


class Handler(BaseHTTPRequestHandler):
    """One request. `server.behaviour` says how to answer."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Jobs: running when first asked about, done the second time."""
        behaviour: Behaviour = self.server.behaviour  # type: ignore[attr-defined]
        name = self.path.split("?")[0].rpartition("/v1beta/")[2].rpartition("/v1/")[2]
        if name.startswith("files/"):
            self._send(behaviour.files[name.split("/")[1]])
            return
        behaviour.asked[name] = behaviour.asked.get(name, 0) + 1
        job = behaviour.jobs[name]
        self._send(json.dumps(job[min(behaviour.asked[name], len(job)) - 1]).encode())

    def do_POST(self) -> None:
        behaviour: Behaviour = self.server.behaviour  # type: ignore[attr-defined]
        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("/files"):
            start = raw.index(b'{"custom_id"')
            behaviour.files["in"] = raw[start : raw.index(b"\r\n--", start)]
            self._send(json.dumps({"id": "in", "object": "file"}).encode())
            return
        if self.path.endswith("/batches"):
            self._openai_job(behaviour)
            return
        body = json.loads(raw)
        if "batchGenerateContent" in self.path:
            self._gemini_job(body, behaviour)
            return
        with behaviour.lock:
            behaviour.requests.append(body)
            behaviour.headers.append(dict(self.headers))
        time.sleep(behaviour.latency_s)
        fault = behaviour.fault_of(body)
        gemini = "generateContent" in self.path
        if fault in ("429", "500", "503", "400", "401"):
            self._error(int(fault), gemini)
        elif fault == "slow":
            time.sleep(3.0)
            self._send(b"{}")
        elif fault == "cut":
            self._cut()
        elif fault == "empty":
            self._send(b"")
        elif fault == "not-json-body":
            self._send(b"<html>busy</html>")
        else:
            text = self._verdicts(body, gemini, fault)
            self._send(json.dumps(self._envelope(text, body, gemini, fault, behaviour)).encode())

    def _gemini_job(self, body: dict[str, Any], behaviour: Behaviour) -> None:
        rows = []
        for asked in body["batch"]["inputConfig"]["requests"]["requests"]:
            fault = behaviour.next_fault()
            text = self._verdicts(asked["request"], True, fault)
            answer = self._envelope(text, asked["request"], True, fault, behaviour)
            rows.append({"metadata": asked["metadata"], "response": answer})
            behaviour.requests.append(asked["request"])
        rows.reverse()  # a client must join by key
        running = {"name": "batches/1", "metadata": {"state": "BATCH_STATE_RUNNING"}}
        output = {"inlinedResponses": {"inlinedResponses": rows}}
        done = {
            "name": "batches/1",
            "metadata": {"state": "BATCH_STATE_SUCCEEDED", "output": output},
        }
        behaviour.jobs["batches/1"] = [running, done]
        self._send(json.dumps(running).encode())

    def _openai_job(self, behaviour: Behaviour) -> None:
        rows = []
        for line in behaviour.files["in"].decode().splitlines():
            asked = json.loads(line)
            fault = behaviour.next_fault()
            text = self._verdicts(asked["body"], False, fault)
            answer = self._envelope(text, asked["body"], False, fault, behaviour)
            response = {"status_code": 500 if fault == "500" else 200, "body": answer}
            rows.append(json.dumps({"custom_id": asked["custom_id"], "response": response}))
            behaviour.requests.append(asked["body"])
        behaviour.files["out"] = "\n".join(reversed(rows)).encode()
        job = {"id": "1", "object": "batch", "status": "in_progress"}
        done = {**job, "status": "completed", "output_file_id": "out"}
        behaviour.jobs["batches/1"] = [job, done]
        self._send(json.dumps(job).encode())

    def _error(self, code: int, gemini: bool) -> None:
        status = {429: "RESOURCE_EXHAUSTED", 400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED"}
        key = self._key()
        error = {"code": code, "message": f"no ({key})", "status": status.get(code, "INTERNAL")}
        headers = {"retry-after": "0.05"} if code == 429 else {}
        self._send(json.dumps({"error": error}).encode(), code, headers)

    def _key(self) -> str:
        return self.headers.get("x-goog-api-key") or self.headers.get("authorization", "")

    def _cut(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"candidates": [')
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()

    def _verdicts(self, body: dict[str, Any], gemini: bool, fault: str | None) -> str:
        user = user_text(body)
        data, _, ending = user.rpartition("\n\n")
        asked = json.loads(data)
        golds = [asked["reference_answer"], *asked["also_accepted"]]
        rows = [
            {
                "id": item["id"],
                "evidence": item["response"][:20],
                "verdict": "correct"
                if any(gold.lower() in item["response"].lower() for gold in golds)
                else "incorrect",
            }
            for item in asked["responses"]
        ]
        if fault == "missing-id":
            rows.pop()
        elif fault == "double-id":
            rows.append(rows[0])
        elif fault == "extra-id":
            rows.append({**rows[0], "id": "ffffffffff"})
        elif fault == "vocabulary":
            rows[0]["verdict"] = "maybe"
        elif fault == "obeys":
            for row in rows:
                row["verdict"] = "correct"
        elif fault == "denies":
            for row in rows:
                row["verdict"] = "incorrect"
        elif fault == "echo-key":
            for row in rows:
                row["evidence"] = f"sent with {self._key()} as {_basic(self._key())}"
        if fault == "not-json":
            return "I think most of them are right."
        if ending.startswith("Reply with a JSON"):
            return dressed(json.dumps({"verdicts": rows}), fault)
        return "VERDICTS: " + " ".join(f"{row['id']}={row['verdict']}" for row in rows)

    def _envelope(
        self,
        text: str,
        body: dict[str, Any],
        gemini: bool,
        fault: str | None,
        behaviour: Behaviour,
    ) -> dict[str, Any]:
        if not gemini:
            message: dict[str, Any] = {"role": "assistant", "content": text}
            if fault == "refusal":
                message = {"role": "assistant", "content": None, "refusal": "no"}
            return {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "other" if fault == "other-model" else behaviour.model or body["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": message,
                        "finish_reason": "length" if fault == "too-long" else "stop",
                    }
                ],
                "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
            }
        answer: dict[str, Any] = {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": text}]},
                    "finishReason": "MAX_TOKENS" if fault == "too-long" else "STOP",
                }
            ],
            "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 20},
            "modelVersion": "gemini-9-ultra" if fault == "other-model" else MODEL,
        }
        if behaviour.model is not None and fault != "other-model":
            answer["modelVersion"] = behaviour.model
        if fault == "refusal":
            answer["candidates"] = [{"finishReason": "SAFETY"}]
        elif fault == "blocked":
            answer = {**answer, "candidates": [], "promptFeedback": {"blockReason": "SAFETY"}}
        elif fault == "no-candidates":
            answer["candidates"] = []
        return answer

    def _send(self, body: bytes, code: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def judges_server(behaviour: Behaviour, handler: type[Handler] = Handler) -> Iterator[str]:
    """Serve on a free loopback port; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.behaviour = behaviour  # type: ignore[attr-defined]
    with serving(server) as address:
        yield address
