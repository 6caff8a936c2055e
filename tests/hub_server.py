"""A loopback server that speaks the hub's API for data sets, so that `datasets` and
`huggingface_hub` load small ones for real.

    rows = [{"question": "Who?", "answer": "Nobody"}]
    mine = DataSet({"forget": {"train": rows}, "retain": {"train": rows, "test": rows}})
    with HubServer({"owner/name": mine, "owner/shut": DataSet({}, access="gated")}) as hub:
        hub.use(monkeypatch, tmp_path)          # in this process, from here to the test's end
        load_dataset("owner/name", "forget", split="train")
        subprocess.run(command, env=hub.environment(tmp_path))         # or in another process

A data set is config → split → rows. Rows lie on the hub as Parquet, or as JSON lines with
`DataSet(…, form="jsonl")`; the front matter of its README.md lists configs and splits, as that of
real data sets does (`readme=False` leaves it away, as in repositories of plain files). `access` is
`open`; `gated` (403, terms to accept) or `private` (401), both opened by `Bearer TOKEN`; `missing`
(as is any repository that is not named); `down` (503). `files` adds files, by path, as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote

import pytest

from tests.loopback import serving

TOKEN = "hf_good"
"""Whoever brings it may read what is gated or private."""
COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
"""The one commit that every data set of this hub has."""

Rows = Sequence[Mapping[str, object]]
Access = Literal["open", "gated", "private", "missing", "down"]

_REFUSED: dict[str, tuple[int, str]] = {
    "gated": (403, "GatedRepo"),
    "private": (401, "RepoNotFound"),
    "missing": (401, "RepoNotFound"),
    "down": (503, ""),
}


@dataclass(frozen=True, slots=True)
class DataSet:
    """One repository: config → split → rows, and how it is kept and guarded."""

    configs: Mapping[str, Mapping[str, Rows]]
    access: Access = "open"
    form: Literal["parquet", "jsonl"] = "parquet"
    readme: bool = True
    files: Mapping[str, bytes] = field(default_factory=dict)

    def contents(self) -> dict[str, bytes]:
        """Every file of the repository by its path."""
        encode = _parquet if self.form == "parquet" else _jsonl
        contents = {
            f"{config}/{split}.{self.form}": encode(rows)
            for config, splits in self.configs.items()
            for split, rows in splits.items()
        }
        if self.readme:
            contents["README.md"] = self._readme().encode()
        return {**contents, **self.files}

    def _readme(self) -> str:
        lines = ["---", "license: cc-by-4.0", *(["configs:"] if self.configs else [])]
        for config, splits in self.configs.items():
            lines += [f"- config_name: {config}", "  data_files:"]
            for split in splits:
                lines += [f"  - split: {split}", f"    path: {config}/{split}.{self.form}"]
        return "\n".join([*lines, "---", "# A data set of our own", ""])


class HubServer:
    """Serves data sets by repository name until its `with` ends; `url` is its address.

    `requests` lists what was asked: `GET /api/datasets/owner/name`, for instance.
    """

    def __init__(self, sets: Mapping[str, DataSet]) -> None:
        self.requests: list[str] = []
        handler = type("Handler", (_Handler,), {"sets": dict(sets), "asked": self.requests})
        handler.contents = {name: data.contents() for name, data in sets.items()}
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._serving = serving(server)

    def __enter__(self) -> Self:
        self._serving.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._serving.__exit__(*error)

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """The environment of a process whose hub this is and whose caches lie under `home`."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        own = {"HF_HOME": str(home / "hf"), "HF_ENDPOINT": self.url, "HF_HUB_DISABLE_XET": "1"}
        return {**clean, **own, **more}

    def use(self, monkeypatch: pytest.MonkeyPatch, home: Path, token: str | None = None) -> None:
        """Make this the hub of this process, with caches under `home`, and `token` if any."""
        import datasets
        import huggingface_hub

        constants = huggingface_hub.constants
        old, new = constants.ENDPOINT, self.url
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(old, new)
        monkeypatch.setattr(constants, "ENDPOINT", new)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            monkeypatch.setattr(constants, name, str(home / "hf" / "hub"), raising=False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "hf" / "token"))
        monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(home / "hf" / "tokens"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", new)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
        hub_url = datasets.config.HUB_DATASETS_URL.replace(old, new)
        monkeypatch.setattr(datasets.config, "HUB_DATASETS_URL", hub_url)
        for name, folder in (
            ("HF_DATASETS_CACHE", "datasets"),
            ("DOWNLOADED_DATASETS_PATH", "downloads"),
            ("HF_MODULES_CACHE", "modules"),
        ):
            monkeypatch.setattr(datasets.config, name, home / "hf" / folder)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        if token is not None:
            monkeypatch.setenv("HF_TOKEN", token)
        huggingface_hub.HfFileSystem.clear_instance_cache()


class _Handler(BaseHTTPRequestHandler):
    sets: dict[str, DataSet]
    contents: dict[str, dict[str, bytes]]
    asked: list[str]

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(f"{self.command} {self.path}")
        parts = unquote(self.path.split("?")[0]).strip("/").split("/")
        if parts[:2] == ["api", "datasets"]:
            name, rest = "/".join(parts[2:4]), parts[4:]
        elif parts[0] == "datasets" and parts[3:4] == ["resolve"]:
            name, rest = "/".join(parts[1:3]), parts[3:]
        else:
            return self._refuse(404, "")
        found = self.sets.get(name)
        access = found.access if found else "missing"
        owned = access in ("gated", "private")
        if access != "open" and not (owned and self._may_read()):
            return self._refuse(*_REFUSED[access])
        if len(rest) > 1 and rest[1] not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound")
        return self._answer_about(name, rest, body)

    def _may_read(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _answer_about(self, name: str, rest: list[str], body: bytes) -> None:
        files = self.contents[name]
        match rest:
            case [] | ["revision", _]:
                siblings = [{"rfilename": path} for path in files]
                return self._json({"id": name, "sha": COMMIT, "siblings": siblings, "tags": []})
            case ["tree", _, *folder]:
                return self._tree(files, "/".join(folder))
            case ["paths-info", _]:
                wanted = json.loads(body)["paths"] if body.startswith(b"{") else []
                entries = [_entry(files, path) for path in wanted]
                return self._json([entry for entry in entries if entry is not None])
            case ["resolve", _, *path] if "/".join(path) in files:
                return self._file(files["/".join(path)])
        return self._refuse(404, "EntryNotFound")

    def _tree(self, files: Mapping[str, bytes], folder: str) -> None:
        under = [path for path in files if not folder or path.startswith(f"{folder}/")]
        if folder and not under:
            return self._refuse(404, "EntryNotFound")
        if "recursive=true" not in self.path.lower():
            depth = folder.count("/") + 1 if folder else 0
            under = ["/".join(path.split("/")[: depth + 1]) for path in under]
        return self._json([_entry(files, path) for path in dict.fromkeys(under)])

    def _file(self, content: bytes) -> None:
        headers = {"ETag": f'"{sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        if not wanted:
            return self._send(200, content, headers)
        start, _, end = wanted.partition("-")
        last = min(int(end or len(content) - 1), len(content) - 1)
        headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
        return self._send(206, content[int(start) : last + 1], headers)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"", {"X-Error-Code": code} if code else {})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _entry(files: Mapping[str, bytes], path: str) -> dict[str, object] | None:
    """A file or a folder as the hub lists it; None for neither."""
    if path in files:
        content = files[path]
        oid = sha1(content).hexdigest()
        return {"type": "file", "path": path, "size": len(content), "oid": oid}
    if any(other.startswith(f"{path}/") for other in files):
        return {"type": "directory", "path": path, "size": 0, "oid": sha1(b"").hexdigest()}
    return None


def _parquet(rows: Rows) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), buffer)
    return buffer.getvalue()


def _jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(dict(row)) + "\n" for row in rows).encode()
