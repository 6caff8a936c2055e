"""Data sets of a hub, loaded through the real libraries; the hub answers on loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import COMMIT, TOKEN, DataSet, HubServer
from unlearnbench.benchmark.hub import load_hub_rows
from unlearnbench.errors import BenchmarkError

NEAR = [{"question": "Who wrote Emma?", "answer": "Jane Austen", "n": i} for i in range(3)]
FAR = [{"question": "What is 2 + 2?", "choices": ["3", "4"]}]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    configs = {"near": {"train": NEAR, "test": NEAR[:1]}, "far": {"forget_qa": FAR}}
    sets = {
        "owner/tables": DataSet(configs),
        "owner/lines": DataSet(configs, form="jsonl"),
        "owner/plain": DataSet({}, readme=False, files={"train.jsonl": b'{"a": "b"}\n'}),
        "owner/gated": DataSet(configs, access="gated"),
        "owner/private": DataSet(configs, access="private"),
        "owner/down": DataSet(configs, access="down"),
    }
    with HubServer(sets) as server:
        yield server


@pytest.mark.parametrize("repository", ["owner/tables", "owner/lines"])
def test_configs_and_splits_are_loaded(
    repository: str, hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.use(monkeypatch, tmp_path)
    assert list(load_hub_rows(repository, "near", "train").rows) == NEAR
    assert list(load_hub_rows(repository, "near", "test").rows) == NEAR[:1]
    far = load_hub_rows(repository, "far", "forget_qa")
    assert list(far.rows) == FAR
    assert far.revision == COMMIT


def test_a_repository_of_plain_files_has_one_config(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.use(monkeypatch, tmp_path)
    assert load_hub_rows("owner/plain", None, "train").rows == ({"a": "b"},)


@pytest.mark.parametrize(
    ("repository", "rule", "says"),
    [
        ("owner/gated", "not-allowed", "accepts the terms"),
        ("owner/private", "not-found", "no such data set, or a private one"),
        ("owner/nowhere", "not-found", "no such data set"),
    ],
)
def test_what_may_not_be_read_says_what_to_do(
    repository: str,
    rule: str,
    says: str,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    hub.use(monkeypatch, tmp_path)
    with pytest.raises(BenchmarkError, match=says) as caught:
        load_hub_rows(repository, "near", "train")
    assert caught.value.rule == rule


@pytest.mark.parametrize("repository", ["owner/gated", "owner/private"])
def test_the_right_token_opens_it(
    repository: str, hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.use(monkeypatch, tmp_path, TOKEN)
    assert list(load_hub_rows(repository, "near", "train").rows) == NEAR


def test_a_missing_config_is_named(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.use(monkeypatch, tmp_path)
    with pytest.raises(BenchmarkError, match=r"BuilderConfig 'nearby' not found.*near"):
        load_hub_rows("owner/tables", "nearby", "train")


def test_another_process_can_use_it(hub: HubServer, tmp_path: Path) -> None:
    code = "from unlearnbench.benchmark.hub import load_hub_rows as load\n"
    code += "print(len(load('owner/tables', 'near', 'train').rows))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=hub.environment(tmp_path),
    )
    assert (done.returncode, done.stdout) == (0, f"{len(NEAR)}\n"), done.stderr
