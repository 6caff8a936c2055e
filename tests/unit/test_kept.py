"""Rows remembered between builds: as this program wrote them, and while nothing changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.board_samples import DOUBT, sample_entry
from unlearnbench.hashing import sha256_bytes
from unlearnbench.leaderboard.entry import ROW_VERSION, RefusedEntry
from unlearnbench.leaderboard.kept import Kept, Store

ENTRY = sample_entry("row", attacked=True, doubts=(DOUBT,), name="R\u00e9sum\u00e9 \ud83d\ude00")
KEPT = Kept(ENTRY, (sample_entry("anchor-refuses everything", 0),))


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    """A folder with digests and one file."""
    folder = tmp_path / "submissions" / "row"
    folder.mkdir(parents=True)
    (folder / "SHA256SUMS").write_text("0  submission.json\n")
    (folder / "submission.json").write_text("{}")
    return folder


def stored(folder: Path) -> Path:
    (path,) = folder.glob("*.json")
    return path


def plain(kept: Kept | None) -> object:
    """A stored row without the difference of lists and tuples."""
    assert kept is not None
    return json.loads(json.dumps([row.to_json() for row in (kept.entry, *kept.anchors)]))


def test_a_row_comes_back_whole(submission: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "keep", "context")
    assert store.read(submission) is None
    store.write(submission, KEPT)
    assert plain(Store(tmp_path / "keep", "context").read(submission)) == plain(KEPT)
    json.loads(stored(tmp_path / "keep").read_text("utf-8"))
    assert Store(None, "context").read(submission) is None


def test_a_refused_row_comes_back_too(submission: Path, tmp_path: Path) -> None:
    refused = Kept(RefusedEntry(ROW_VERSION, "row", "claimed", ["a reason"]))
    store = Store(tmp_path / "keep", "context")
    store.write(submission, refused)
    assert store.read(submission) == refused


def test_anchors_are_those_of_each_benchmark(submission: Path, tmp_path: Path) -> None:
    other = submission.with_name("other")
    other.mkdir()
    (other / "SHA256SUMS").write_text("1  submission.json\n")
    claim = replace(ENTRY.claim, benchmark_fingerprint="f" * 64)
    entry = replace(ENTRY, claim=claim)
    second = Kept(entry, (replace(KEPT.anchors[0], id="anchor-gibberish"),))
    store = Store(tmp_path / "keep", "context")
    store.write(submission, KEPT)
    store.write(other, second)
    for path, kept in ((submission, KEPT), (other, second), (submission, KEPT)):
        assert plain(store.read(path)) == plain(kept)


def _resealed(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    """A change of the record with a sum that fits, as another version would write it."""

    def apply(data: bytes) -> bytes:
        record = json.loads(data)
        record.pop("sum")
        change(record)
        body = json.dumps(record).encode()[:-1]
        return body + b', "sum": "' + sha256_bytes(body).encode() + b'"}'

    return apply


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "one letter": lambda data: data.replace(b"a method", b"b method", 1),
    "no sum": lambda data: data.rpartition(b', "sum"')[0] + b"}",
    "another sum": lambda data: data[:-10] + b"00000000" + data[-2:],
    "more behind": lambda data: data + b"\n",
    "twice": lambda data: data + data,
    "sum alone": lambda data: b', "sum": "' + sha256_bytes(b"").encode() + b'"}',
    "not UTF-8": lambda data: b"\xff" + data,
    "an array": lambda data: _sealed(b"[1, 2"),
    "nested": lambda data: _sealed(b"[" * 100_000),
    "another version": _resealed(lambda record: record.update(version=ROW_VERSION - 1)),
    "another context": _resealed(lambda record: record.update(context="else")),
    "no files": _resealed(lambda record: record.pop("files")),
    "files of another shape": _resealed(lambda record: record.update(files={"a": 1})),
    "a row of another shape": _resealed(lambda record: record.update(row={"scores": 1})),
    "no row": _resealed(lambda record: record.update(row=None)),
    "anchors of another shape": _resealed(lambda record: record.update(anchors=[{"id": 1}])),
    "anchors that are none": _resealed(lambda record: record.update(anchors=7)),
    "answers of another shape": _resealed(lambda record: record.update(answers={"id": 1})),
}


def _sealed(body: bytes) -> bytes:
    return body + b', "sum": "' + sha256_bytes(body).encode() + b'"}'


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_row_is_verified_anew(submission: Path, tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path / "keep", "context")
    store.write(submission, KEPT)
    path = stored(tmp_path / "keep")
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert Store(tmp_path / "keep", "context").read(submission) is None


CHANGES: dict[str, Callable[[Path], object]] = {
    "another size": lambda folder: (folder / "submission.json").write_text("{ }"),
    "another time": lambda folder: os.utime(folder / "submission.json", (1, 1)),
    "a file more": lambda folder: (folder / "more").touch(),
    "a file less": lambda folder: (folder / "submission.json").unlink(),
    "other digests": lambda folder: (folder / "SHA256SUMS").write_text("1  submission.json\n"),
    "no digests": lambda folder: (folder / "SHA256SUMS").unlink(),
    "endless digests": lambda folder: (folder / "SHA256SUMS").write_text("0" * 20_000),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_submission_is_verified_anew(
    submission: Path, tmp_path: Path, change: str
) -> None:
    store = Store(tmp_path / "keep", "context")
    store.write(submission, KEPT)
    CHANGES[change](submission)
    assert store.read(submission) is None
