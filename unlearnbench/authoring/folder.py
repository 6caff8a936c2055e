"""The folder of a benchmark that is made: of what, and written whole or not at all."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from unlearnbench.authoring.records import MakingRecord, WrittenRecord
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.benchmark.editions import DECLARATION
from unlearnbench.errors import BenchmarkError
from unlearnbench.files.disk import (
    check_folder_option,
    clear_leftovers,
    write_together,
    writing,
)
from unlearnbench.files.reading import read_bytes, read_object
from unlearnbench.hashing import sha256_bytes, sha256_text
from unlearnbench.runs.lock import locked

MAKING = "making"
"""Everything that was found lies here, outside the benchmark's fingerprint."""
_REQUEST, _WRITTEN = "request.json", "written.json"
_ADVICE = "choose another --out, or remove that folder"


def check_making(out: Path, request: MakingRecord) -> None:
    """See that a benchmark can be made at `out`: nothing is there, or what was made of the same.

    Raises `BenchmarkError` that names the difference, `RunError` if nothing can be written there.
    """
    check_folder_option("--out", out)
    if not out.is_dir() or not any(out.iterdir()):
        return
    path = out / MAKING / _REQUEST
    if not path.is_file():
        names = sorted(entry.name for entry in out.iterdir())
        if names == [MAKING]:  # made so far when it was stopped
            return
        what = f"holds {', '.join(names[:3])}{', …' if len(names) > 3 else ''}, which was not made "
        raise BenchmarkError("not-empty", f"--out {out}", f"{what}by make-benchmark; {_ADVICE}")
    before = MakingRecord.from_disk(read_object(path), path).model_dump()
    for field, value in request.model_dump().items():
        if before[field] != value:
            name = field.replace("_", "-")
            what = f"holds a benchmark with {name} {_short(before[field])}, now {_short(value)}"
            raise BenchmarkError("other-benchmark", f"--out {out}", f"{what}; {_ADVICE}")


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value) or "none"
    return f"{text[:12]}…" if len(text) == 64 else text


def write_benchmark(
    out: Path, request: MakingRecord, state: Mapping[str, str], files: Mapping[str, str]
) -> Benchmark | None:
    """Write a benchmark's `files`, and `state` into `making/`; the benchmark, loaded.

    Without `files` only the state is written: a person has to decide first. Files that were made
    here before and are no part of the benchmark any more are removed. What does not load is not
    written; what was changed by hand is neither overwritten nor removed. A process that is killed
    leaves no folder that loads and is not whole: the declaration goes first and is written last.
    Raises `BenchmarkError`, or `RunError` if a write is refused or the folder is in use.
    """
    if files:
        _check_loads(files)
    making = out / MAKING
    check_making(out, request)
    with locked(making):
        clear_leftovers(out)
        check_making(out, request)
        ever = _written_before(making)
        _check_own(out, files, ever)
        digests = {
            name: tuple(dict.fromkeys((*ever.get(name, ()), sha256_text(text))))
            for name, text in files.items()
        }
        records = {
            **state,
            _REQUEST: json_text(request.to_disk()),
            _WRITTEN: json_text(WrittenRecord(files={**ever, **digests}).to_disk()),
        }
        write_together([(making / name, text) for name, text in records.items()])
        gone = [name for name in ever if name not in files and (out / name).exists()]
        if gone or any(_digest(out / name) != digests[name][-1] for name in files):
            with writing(out):
                for name in (DECLARATION, *gone):
                    (out / name).unlink(missing_ok=True)
            write_together([(out / name, text) for name, text in files.items()])
    return load_benchmark(str(out)) if files else None


def _check_loads(files: Mapping[str, str]) -> None:
    """Load a benchmark at another place first. Raises `BenchmarkError`."""
    with tempfile.TemporaryDirectory(prefix="unlearnbench-") as scratch:
        for name, text in files.items():
            (Path(scratch) / name).write_text(text, "utf-8")
        load_benchmark(scratch)


def _written_before(making: Path) -> Mapping[str, tuple[str, ...]]:
    path = making / _WRITTEN
    return WrittenRecord.from_disk(read_object(path), path).files if path.is_file() else {}


def _check_own(out: Path, files: Mapping[str, str], ever: Mapping[str, tuple[str, ...]]) -> None:
    for name in {**ever, **files}:
        digest = _digest(out / name)
        known = (*ever.get(name, ()), sha256_text(files[name])) if name in files else ever[name]
        if digest is not None and digest not in known:
            what = f"was changed since it was made; move it away, or {_ADVICE}"
            raise BenchmarkError("changed-by-hand", str(out / name), what)


def _digest(path: Path) -> str | None:
    return sha256_bytes(read_bytes(path)) if path.is_file() else None


def json_text(value: object) -> str:
    """A record as it lies in a file."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
