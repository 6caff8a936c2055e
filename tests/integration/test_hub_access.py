"""Repositories behind a licence or private: the token, the cached copy, one line of error."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.test_checkpoints import COMMIT, TAGGED, Hub
from tests.loopback import serving

GOOD, OTHER = "hf_good", "hf_other"
CODE = """
import sys
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.errors import CheckpointError
try:
    found = resolve(sys.argv[1])
    print(found.source, found.folder)
except CheckpointError as error:
    print("REFUSED", error)
"""


class Guarded(Hub):
    """A hub whose one model is given only to those who bring the right token."""

    code = "GatedRepo"

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {GOOD}":
            status = 401 if "Authorization" not in self.headers else 403
            return self._answer(status, b"", {"X-Error-Code": self.code} if self.code else {})
        return super().do_GET()


class Private(Guarded):
    """The same, and whoever may not read it is told that it does not exist."""

    code = "RepoNotFound"


@pytest.fixture(params=[Guarded, Private], ids=["gated", "private"])
def guarded(request: pytest.FixtureRequest, tiny_llama: Path) -> Iterator[tuple[str, str]]:
    Hub.files = {p.name: p.read_bytes() for p in tiny_llama.iterdir()}
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), request.param)) as address:
        yield address, request.param.code


def ask(name: str, hub: str, home: Path, **more: str) -> str:
    """What becomes of a hub name in a process of its own, in one line."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    clean |= {"HF_HOME": str(home / "hf"), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1", **more}
    command = [sys.executable, "-c", CODE, name]
    done = subprocess.run(command, capture_output=True, text=True, env=clean, cwd=home)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.strip().splitlines()
    return line


@pytest.mark.parametrize("name", ["owner/small", "owner/small@v2.0"])
def test_the_users_token_opens_it(name: str, guarded: tuple[str, str], tmp_path: Path) -> None:
    commit = TAGGED if "@" in name else COMMIT
    assert ask(name, guarded[0], tmp_path, HF_TOKEN=GOOD).startswith(f"owner/small@{commit} ")


def test_a_token_that_was_stored_by_logging_in_opens_it(
    guarded: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text(GOOD)
    assert ask("owner/small", guarded[0], tmp_path).startswith(f"owner/small@{COMMIT} ")


@pytest.mark.parametrize("token", ["", OTHER], ids=["none", "of another"])
def test_without_the_right_token_it_says_what_to_do(
    token: str, guarded: tuple[str, str], tmp_path: Path
) -> None:
    hub, code = guarded
    line = ask("owner/small", hub, tmp_path, **({"HF_TOKEN": token} if token else {}))
    assert line.startswith("REFUSED")
    assert "on the hub: owner/small: " in line
    assert "log in with `hf auth login` or set HF_TOKEN" in line
    if code == "GatedRepo":
        assert f"accept it at {hub}/owner/small" in line
    assert "hf_" not in line.replace("HF_TOKEN", "")


def test_what_is_on_the_disk_needs_neither_network_nor_token(
    guarded: tuple[str, str], tmp_path: Path
) -> None:
    hub, _ = guarded
    first = ask("owner/small", hub, tmp_path, HF_TOKEN=GOOD)
    assert ask("owner/small", hub, tmp_path, HF_HUB_OFFLINE="1") == first
    assert ask(f"owner/small@{COMMIT}", hub, tmp_path, HF_HUB_OFFLINE="1") == first
    assert ask("owner/small", "http://127.0.0.1:9", tmp_path) == first
    other = ask("owner/small@v2.0", hub, tmp_path, HF_HUB_OFFLINE="1")
    assert other.startswith("REFUSED")
    assert "owner/small@v2.0: the model hub cannot be reached and no copy is cached" in other
