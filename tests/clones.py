"""Folders that look as `git clone` of a data set of the hub leaves them, with rows of our own."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Sequence[Mapping[str, Any]]
Tables = Mapping[tuple[str, str], Rows]
"""(config, split) -> rows."""
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("a" * 64)
ATTRIBUTES = "*.parquet filter=lfs diff=lfs merge=lfs -text\n*.json filter=lfs -text\n"


def parquet(rows: Rows) -> bytes:
    """A table as Parquet."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), file)
    return file.getvalue()


def readme(paths: Mapping[tuple[str, str], str]) -> str:
    """A README whose front matter says where configs and splits lie."""
    lines = ["---", "license: cc-by-4.0", "dataset_info:", "- config_name: x", "configs:"]
    for config in dict.fromkeys(config for config, _ in paths):
        lines += [f"- config_name: {config}", "  data_files:"]
        for (name, split), path in paths.items():
            if name == config:
                lines += [f"  - split: {split}", f"    path: {path}"]
    return "\n".join([*lines, "---", "# Of our own", ""])


def sharded(tables: Tables, shards: int = 1, front: bool = True) -> dict[str, bytes]:
    """`CONFIG/SPLIT-00000-of-00001.parquet`, as `push_to_hub` writes them."""
    files: dict[str, bytes] = {}
    for (config, split), rows in tables.items():
        size = -(-len(rows) // shards)
        for n in range(shards):
            name = f"{config}/{split}-{n:05d}-of-{shards:05d}.parquet"
            files[name] = parquet(rows[n * size : (n + 1) * size] or rows[:0])
    if front:
        paths = {key: f"{key[0]}/{key[1]}-*" for key in tables}
        files["README.md"] = readme(paths).encode()
    return files


def plain_files(
    tables: Tables, where: Mapping[tuple[str, str], str], front: bool = True
) -> dict[str, bytes]:
    """Each table at a place of its own: a list in `.json`, else a line a row."""
    files: dict[str, bytes] = {}
    for key, rows in tables.items():
        listed = where[key].endswith(".json")
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        text = json.dumps(list(rows), indent=4) if listed else lines
        files[where[key]] = text.encode()
    if front:
        files["README.md"] = readme(where).encode()
    return files


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files in a folder, with what else lies in a clone."""
    for name, data in {**files, ".gitattributes": ATTRIBUTES.encode()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / ".git").mkdir(exist_ok=True)
    return folder
