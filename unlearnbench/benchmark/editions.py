"""Where a benchmark lies: by name, by name and version, or by folder.

The newest edition of a shipped benchmark lies in `benchmarks/<name>`, older ones beside it in
`benchmarks/<name>/editions/<version>`, so that runs of them can still be read and verified.
"""

from __future__ import annotations

import re
from pathlib import Path

from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.reading import read_toml
from unlearnbench.naming import nearest
from unlearnbench.paths import content_root

DECLARATION = "benchmark.toml"


def benchmark_names() -> list[str]:
    """Names of the benchmarks that ship with the package."""
    root = content_root() / "benchmarks"
    return sorted(path.parent.name for path in root.glob(f"*/{DECLARATION}"))


def editions(name: str) -> dict[str, Path]:
    """Version -> folder of every edition of a shipped benchmark, the newest first.

    Raises `UnreadableError` if the newest does not say its version.
    """
    folder = content_root() / "benchmarks" / name
    newest = read_toml(folder / DECLARATION).get("version")
    older = sorted((folder / "editions").glob(f"*/{DECLARATION}"), reverse=True)
    return {str(newest): folder} | {path.parent.name: path.parent for path in older}


_OF_OTHERS = re.compile(r"(?:rwku|muse|tofu|wmdp)(?![A-Za-z0-9])")
"""Benchmarks whose rows lie with their authors."""


def find_benchmark(name: str) -> Path:
    """The folder of a shipped benchmark (`wkf`, or `wkf@0.4.0`), or the folder that `name` is.

    Raises `BenchmarkError` if there is none.
    """
    shipped = benchmark_names()
    if name in shipped:
        return content_root() / "benchmarks" / name
    folder = Path(name)
    if name and (folder / DECLARATION).is_file():
        return folder
    if name and folder.is_dir():
        what = f"the folder has no {DECLARATION}; give the folder that does"
        raise BenchmarkError("missing-file", str(folder), what)
    stem, at, version = name.partition("@")
    if at and stem in shipped:
        return _edition(stem, version)
    if _OF_OTHERS.match(name):
        what = "its rows do not ship; give --source hub, or a folder that holds them"
        raise BenchmarkError("unknown-benchmark", repr(name), what)
    hint = nearest(name, shipped)
    raise BenchmarkError("unknown-benchmark", repr(name), f"not a folder either; {hint}")


def _edition(name: str, version: str) -> Path:
    try:
        known = editions(name)
    except UnreadableError as error:
        raise BenchmarkError("invalid-toml", f"{name}/{DECLARATION}", error.what) from error
    if version not in known:
        what = f"{name} has no edition {version!r}; there are {', '.join(known)}"
        raise BenchmarkError("unknown-edition", f"{name}@{version}", what)
    return known[version]
