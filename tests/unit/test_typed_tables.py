"""Tables whose cells have types: Parquet files and data sets of the hub."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from unlearnbench.benchmark import hub
from unlearnbench.benchmark.tables import records
from unlearnbench.benchmark.tables.read import read_table
from unlearnbench.errors import MissingExtraError, TableError

Row = dict[str, object]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None, str]]:
    """What the hub is asked for; it has one data set."""
    calls = []

    def load(name: str, config: str | None, split: str) -> hub.Table:
        calls.append((name, config, split))
        rows: tuple[Row, ...] = (
            {"question": "Who won?", "answer": "Ann Lee", "aliases": ["A. Lee"], "year": 1990},
            {"question": "Who lost?", "answer": None, "aliases": [], "year": None},
        )
        return hub.Table(rows, "abc123")

    monkeypatch.setattr(records, "load_hub_rows", load)
    return calls


ADDRESSES = {
    "hub:me/facts": ("me/facts", None, "train"),
    "hub:me/facts/test": ("me/facts", None, "test"),
    "hub:me/facts:easy": ("me/facts", "easy", "train"),
    "hub:me/facts:easy/dev-1": ("me/facts", "easy", "dev-1"),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_data_set_by_its_address(address: str, asked: list[tuple[str, str | None, str]]) -> None:
    table = read_table(address, ("question",))
    assert asked == [ADDRESSES[address]]
    first, second = table.rows
    cells = {"question": "Who won?", "answer": "Ann Lee", "aliases": ("A. Lee",), "year": "1990"}
    assert (first.where, dict(first.cells)) == ("me/facts:1", cells)
    assert second.cells["answer"] == ""
    assert table.notes == ("me/facts at revision abc123",)


@pytest.mark.parametrize("address", ["hub:", "hub:facts", "hub:a/b/c/d", "hub:../x/y", "hub:a b/c"])
def test_what_is_no_address(address: str, asked: list[tuple[str, str | None, str]]) -> None:
    with pytest.raises(TableError, match="give hub:OWNER/NAME"):
        read_table(address, ("question",))
    assert asked == []


def parquet(folder: Path, *rows: Row) -> str:
    arrow, writer = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    writer.write_table(arrow.Table.from_pylist(list(rows)), folder / "f.parquet")
    return str(folder / "f.parquet")


def test_texts_whole_numbers_and_lists_are_taken(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"question": "007", "answer": 12, "aliases": ["a", "b"], "id": None})
    (row,) = read_table(path, ("question",)).rows
    assert dict(row.cells) == {"question": "007", "answer": "12", "aliases": ("a", "b"), "id": ""}


TYPED: dict[str, object] = {
    "fraction": 0.5,
    "truth value": True,
    "date": datetime.date(2021, 3, 4),
    "bytes": b"Rome",
    "structure": {"text": "Rome"},
    "numbers": [1, 2],
}


@pytest.mark.parametrize("kind", TYPED)
def test_what_has_no_one_spelling_is_a_fault(kind: str, tmp_path: Path) -> None:
    path = parquet(tmp_path, {"question": "Which?", "answer": TYPED[kind]})
    with pytest.raises(TableError, match=r"f\.parquet:1: answer is no text but"):
        read_table(path, ("question",))


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"x" * 50 + b"PAR1", b"question,answer"])
def test_what_is_no_parquet(data: bytes, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "f.parquet").write_bytes(data)
    with pytest.raises(TableError, match="not a Parquet file"):
        read_table(str(tmp_path / "f.parquet"), ("question",))


@pytest.mark.parametrize(
    ("name", "module"), [("f.xlsx", "openpyxl"), ("f.parquet", "pyarrow.parquet")]
)
def test_a_library_that_is_not_installed(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    zipped = b"PK\x05\x06" + b"\0" * 18
    (tmp_path / name).write_bytes(zipped)
    with pytest.raises(MissingExtraError, match=r"pip install 'unlearnbench\[tables\]'"):
        read_table(str(tmp_path / name), ("question",))
