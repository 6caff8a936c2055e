"""Clones of the hub's repositories as `--source`, in every layout that such have, and damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clones import POINTER, Tables, parquet, plain_files, readme, sharded, written
from tests.conftest import CommandLine
from tests.hub_server import DataSet, HubServer
from tests.integration.test_muse import PARTS
from tests.rwku_samples import NAMES, RWKU_TABLES, rows_of
from unlearnbench.benchmark.muse import load_muse
from unlearnbench.benchmark.rwku import RWKU, load_rwku
from unlearnbench.benchmark.sources import load_source
from unlearnbench.benchmark.tofu import load_tofu
from unlearnbench.paths import content_root

RWKU_ROWS: Tables = {(name, "test"): rows_of(name) for name in NAMES}
MUSE_ROWS: Tables = {(name.split("/")[0], name.split("/")[1]): rows for name, rows in PARTS.items()}
TARGET = {"mia_forget": "forget_mia", "mia_retain": "retain_mia"}
LAYOUTS: dict[str, dict[str, bytes]] = {
    "parquet": sharded(RWKU_ROWS),
    "several shards": sharded(RWKU_ROWS, shards=3),
    "parquet, no README": sharded(RWKU_ROWS, shards=2, front=False),
    "converted": {f"{c}/{s}/0000.parquet": parquet(rows) for (c, s), rows in RWKU_ROWS.items()},
    "All": plain_files(RWKU_ROWS, {(c, s): f"All/{c}.json" for c, s in RWKU_ROWS}, front=False),
    "All, their script's names": plain_files(
        RWKU_ROWS, {(c, s): f"All/{TARGET.get(c, c)}.json" for c, s in RWKU_ROWS}, front=False
    ),
    "the README says where": plain_files(
        RWKU_ROWS, {(c, s): f"RWKU/Target/{c}/rows.jsonl" for c, s in RWKU_ROWS}
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rwku_in_every_layout(layout: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "clone", LAYOUTS[layout])
    cloned = load_rwku(str(folder), [], texts=True)
    plain = load_rwku(str(RWKU_TABLES), [], texts=True)
    assert (cloned.questions, cloned.texts) == (plain.questions, plain.texts)
    assert cloned.fingerprint == plain.fingerprint
    assert load_source("rwku:Marie Curie", str(folder)).split("forget")


@pytest.mark.parametrize("layout", ["parquet", "several shards", "the README says where"])
def test_rwku_in_every_layout_on_a_hub(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HubServer({RWKU: DataSet({}, readme=False, files=LAYOUTS[layout])}) as hub:
        hub.use(monkeypatch, tmp_path)
        served = load_rwku("hub", [], texts=True)
    plain = load_rwku(str(RWKU_TABLES), [], texts=True)
    assert (served.questions, served.texts) == (plain.questions, plain.texts)


@pytest.mark.parametrize("shards", [1, 2])
def test_muse_as_it_is_cloned(shards: int, tmp_path: Path) -> None:
    plain = written(
        tmp_path / "plain", plain_files(MUSE_ROWS, {k: f"{k[0]}/{k[1]}.json" for k in MUSE_ROWS})
    )
    clone = written(tmp_path / "clone", sharded(MUSE_ROWS, shards))
    assert load_muse(str(clone), "news") == load_muse(str(plain), "news")
    assert load_source("muse", str(clone)).split("forget")


def test_tofu_as_it_is_cloned(tmp_path: Path) -> None:
    tables = content_root() / "benchmarks" / "tofu-mini" / "tables"
    names = {p.stem: (p.stem, "train") for p in tables.glob("*.jsonl")}
    rows: Tables = {key: rows_of(name, tables) for name, key in names.items()}
    clone = plain_files(rows, {key: f"{name}.json" for name, key in names.items()})
    assert load_tofu(str(written(tmp_path / "clone", clone)), "forget25") == load_tofu(
        str(tables), "forget25"
    )
    assert load_tofu(str(written(tmp_path / "sharded", sharded(rows))), "forget25") == load_tofu(
        str(tables), "forget25"
    )


FIRST = "forget_level1/test-00000-of-00003.parquet"
ONE = "forget_level1/test-00000-of-00001.parquet"
Damage = Callable[[Path], object]


def changed(name: str, data: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(data)


def declaring(path: str) -> Damage:
    text = readme({**{(c, "test"): f"{c}/test-*" for c in NAMES}, ("forget_level1", "test"): path})
    return changed("README.md", text.encode())


def cell(**values: object) -> Damage:
    row = {**rows_of("forget_level1")[0], **values}
    return changed(ONE, parquet([row]))


DAMAGES: dict[str, tuple[str, Damage, str]] = {
    "pointer": ("parquet", changed(ONE, POINTER.encode()), "run `git lfs pull` there"),
    "pointer in json": ("All", changed("All/forget_level1.json", POINTER.encode()), "git lfs pull"),
    "xet": ("parquet", changed(ONE, b"# xet version 0\nfilesize = 7\n"), "only points at the data"),
    "empty file": ("parquet", changed(ONE, b""), "unreadable"),
    "no rows": (
        "parquet",
        changed(ONE, parquet(rows_of("forget_level1")[:0])),
        "the table is empty",
    ),
    "cut off": ("parquet", changed(ONE, parquet(rows_of("forget_level1"))[:-40]), "unreadable"),
    "a web page": ("parquet", changed(ONE, b"<!doctype html><p>Not found"), "unreadable"),
    "a shard is lost": (
        "several shards",
        lambda folder: (folder / FIRST).unlink(),
        "part 0 of 3 is not there",
    ),
    "above": ("parquet", declaring("../secret.jsonl"), "no place in the folder"),
    "absolute": ("parquet", declaring("/etc/passwd"), "no place in the folder"),
    "address": ("parquet", declaring("https://example.org/a.json"), "no place in the folder"),
    "another kind": ("parquet", declaring(".gitattributes"), "ends in none of .jsonl"),
    "front matter": ("parquet", changed("README.md", b"---\nconfigs: [\n---\n"), "front matter"),
    "deep front matter": (
        "parquet",
        changed("README.md", b"---\na: " + b"[" * 5000 + b"\n---\n"),
        "front matter",
    ),
    "a number": ("parquet", cell(answer=1947), "holds 1947, which is no text"),
    "a list": ("parquet", cell(answer=["Paris"]), "holds ['Paris'], which is no text"),
    "nothing": ("parquet", cell(answer=None), "no text in column 'answer'"),
    "another level": ("parquet", cell(level=2), "belongs to another table"),
    "not fetched at all": (
        "parquet",
        lambda folder: [path.unlink() for path in folder.rglob("*.parquet")],
        "none of forget_level1.jsonl, forget_level1.json",
    ),
    "one of them, not all": (
        "All",
        lambda folder: (folder / "All/neighbor_level2.json").unlink(),
        "none of neighbor_level2.jsonl",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_what_is_wrong_with_a_clone_is_one_line(
    case: str, tmp_path: Path, command_line: CommandLine
) -> None:
    layout, damage, says = DAMAGES[case]
    folder = written(tmp_path / "clone", LAYOUTS[layout])
    (tmp_path / "secret.jsonl").write_text('{"query": "a", "answer": "b", "subject": "c"}')
    damage(folder)
    done = command_line("rwku", "nowhere", "--source", folder, "-q")
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert says in done.err
