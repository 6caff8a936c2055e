"""Where a table lies in a folder: a file of its name, or as in a clone of the hub's repository.

A clone's README.md says in its front matter which files a config and split are made of. What it
names is looked for in the folder alone. Without it the usual places are tried.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.reading import decode, read_bytes

SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")
"""Local files are found by their name plus one of these."""
_MOST_README = 2 * 1024 * 1024
_SHARD = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})")


def table_files(folder: Path, name: str, config: str | None, split: str) -> list[Path]:
    """The files that hold a table, in the order of its rows.

    Raises `BenchmarkError` if there are none, or a shard of several is not there.
    """
    if folder.is_file():
        what = f"it is a file; give the folder that holds {name} and the other tables"
        raise BenchmarkError("missing-file", str(folder), what)
    for files in _candidates(folder, name, config, split):
        if files:
            _check_shards(files)
            _check_kinds(files)
            return files
    tried = ", ".join(f"{name}{suffix}" for suffix in SUFFIXES)
    beside = "" if config is None else f", nor {config}/{split}-….parquet of a clone"
    raise BenchmarkError("missing-file", str(folder), f"none of {tried} is there{beside}")


def _candidates(folder: Path, name: str, config: str | None, split: str) -> Iterator[list[Path]]:
    yield [path for s in SUFFIXES if (path := folder / f"{name}{s}").is_file()][:1]
    if config is None:
        return
    yield _found(folder, _declared(folder, config, split))
    for suffix in SUFFIXES:
        for pattern in (f"{split}-*{suffix}", f"{split}{suffix}", f"{split}/*{suffix}"):
            yield _found(folder, [f"{config}/{pattern}"])


def _found(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """The files in the folder that the patterns mean, each once, in order."""
    try:
        files = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    except (OSError, ValueError) as error:
        raise BenchmarkError("unreadable", str(folder), str(error)[:120]) from error
    return [path for path in dict.fromkeys(files) if path.is_file()]


def _declared(folder: Path, config: str, split: str) -> list[str]:
    """The patterns that the README gives for a config and split; none without one."""
    import yaml

    readme = folder / "README.md"
    if not readme.is_file():
        return []
    try:
        text = decode(read_bytes(readme, _MOST_README), readme.name)
        head = re.match(r"\A\ufeff?---\r?\n(.*?)\r?\n---", text, re.DOTALL)
        front = yaml.safe_load(head[1]) if head else None
    except (UnreadableError, yaml.YAMLError, RecursionError) as error:
        what = f"its front matter cannot be read: {str(error).splitlines()[0][:120]}"
        raise BenchmarkError("unreadable", str(readme), what) from error
    configs = front.get("configs") if isinstance(front, dict) else None
    chosen = [c for c in configs or [] if isinstance(c, dict) and c.get("config_name") == config]
    patterns = [p for one in chosen for p in _patterns(one.get("data_files"), split)]
    for pattern in patterns:
        path = PurePosixPath(pattern)
        if path.is_absolute() or ".." in path.parts or ":" in pattern or "\\" in pattern:
            what = f"{pattern[:80]!r} of config {config} is no place in the folder"
            raise BenchmarkError("unreadable", str(readme), what)
    return patterns


def _patterns(data_files: object, split: str) -> Iterator[str]:
    """A pattern, a list of them, or a list of `{split, path}`."""
    for entry in data_files if isinstance(data_files, list) else [data_files]:
        if isinstance(entry, str) and entry and split == "train":
            yield entry
        elif isinstance(entry, dict) and entry.get("split") == split:
            paths = entry.get("path")
            listed = paths if isinstance(paths, list) else [paths]
            yield from (path for path in listed if isinstance(path, str) and path)


def _check_kinds(files: Sequence[Path]) -> None:
    for path in files:
        if path.suffix not in SUFFIXES:
            what = f"its name ends in none of {', '.join(SUFFIXES)}"
            raise BenchmarkError("unreadable", str(path), what)


def _check_shards(files: Sequence[Path]) -> None:
    """A shard that is missing would be facts that nobody asks."""
    present: dict[tuple[Path, str, int], set[int]] = defaultdict(set)
    for path in files:
        if (match := _SHARD.fullmatch(path.stem)) is not None:
            shards = (path.parent, match["stem"], int(match["count"]))
            present[shards].add(int(match["number"]))
    for (folder, stem, count), numbers in present.items():
        missing = sorted(set(range(count)) - numbers)
        if missing:
            what = f"{stem}: part {missing[0]} of {count} is not there; download it again"
            raise BenchmarkError("missing-file", str(folder), what)
