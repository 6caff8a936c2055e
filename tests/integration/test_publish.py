"""`submit --hub` against a server that speaks the hub's commit protocol, on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from tests.loopback import serving


class Hub(BaseHTTPRequestHandler):
    """Takes a commit as a pull request; keeps what was sent; knows one token."""

    sent: dict[str, bytes]
    asked: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked.append(self.path)
        if self.headers["Authorization"] != "Bearer hf_good":
            self._answer(401, {"error": "Invalid credentials in Authorization header"})
        elif self.path.startswith("/api/datasets/board/rows/preupload/main"):
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                for f in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})
        elif self.path == "/api/datasets/board/rows/commit/main?create_pr=1":
            for line in body.decode().splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    type(self).sent[entry["value"]["path"]] = base64.b64decode(
                        entry["value"]["content"]
                    )
            address = f"http://{self.headers['Host']}/datasets/board/rows"
            self._answer(
                200,
                {
                    "success": True,
                    "commitOid": "0" * 40,
                    "commitUrl": f"{address}/commit/{'0' * 40}",
                    "pullRequestUrl": f"{address}/discussions/7",
                },
            )
        else:
            self._answer(404, {"error": "Repository not found"})

    def _answer(self, code: int, record: dict[str, Any]) -> None:
        body = json.dumps(record).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def hub() -> Iterator[str]:
    Hub.sent, Hub.asked = {}, []
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hub)) as address:
        yield address


def submit(
    runs: dict[str, Path], bases: Path, out: Path, repository: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    name, method, submitter, link = ABOUT
    command = [sys.executable, "-m", "unlearnbench", "submit", str(runs["forgets-a"])]
    command += [
        "--base",
        "knows-all-wkf",
        "--bases",
        str(bases),
        "--name",
        name,
        "--method",
        method,
    ]
    command += ["--submitter", submitter, "--link", link, "--out", str(out), "--hub", repository]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    clean |= {"HF_HOME": str(out.with_name("hf")), **environment}
    return subprocess.run(command, capture_output=True, text=True, env=clean)


def test_a_pull_request_with_exactly_the_folder(
    scripted_runs: dict[str, Path], bases: Path, tmp_path: Path, hub: str
) -> None:
    out = tmp_path / "refusal-tuning"
    done = submit(scripted_runs, bases, out, "board/rows", HF_ENDPOINT=hub, HF_TOKEN="hf_good")
    assert done.returncode == 0, done.stderr
    assert f"pull request: {hub}/datasets/board/rows/discussions/7" in done.stdout
    here = {
        f"submissions/refusal-tuning/{path.relative_to(out)}": path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }
    assert Hub.sent == here
    sums = here["submissions/refusal-tuning/SHA256SUMS"].decode().splitlines()
    for digest, name in (line.split("  ") for line in sums):
        assert hashlib.sha256(Hub.sent[f"submissions/refusal-tuning/{name}"]).hexdigest() == digest


@pytest.mark.parametrize(
    ("repository", "token", "told"),
    [
        ("board/rows", "hf_bad", "401"),
        ("board/elsewhere", "hf_good", "404"),
    ],
)
def test_what_the_hub_refuses_is_one_line_and_the_folder_stays(
    repository: str,
    token: str,
    told: str,
    scripted_runs: dict[str, Path],
    bases: Path,
    tmp_path: Path,
    hub: str,
) -> None:
    out = tmp_path / "refusal-tuning"
    done = submit(scripted_runs, bases, out, repository, HF_ENDPOINT=hub, HF_TOKEN=token)
    assert done.returncode == 2
    assert told in done.stderr
    assert "can be sent again" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert (out / "SHA256SUMS").is_file()
    assert Hub.sent == {}


def test_no_hub_there(scripted_runs: dict[str, Path], bases: Path, tmp_path: Path) -> None:
    out = tmp_path / "refusal-tuning"
    done = submit(
        scripted_runs,
        bases,
        out,
        "board/rows",
        HF_ENDPOINT="http://127.0.0.1:9",
        HF_TOKEN="hf_good",
    )
    assert done.returncode == 2
    assert "can be sent again" in done.stderr
