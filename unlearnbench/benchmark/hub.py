"""Data sets of others: through `datasets` from the hub, or from local files of the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from unlearnbench.benchmark.clones import SUFFIXES, table_files
from unlearnbench.environment import extra
from unlearnbench.errors import BenchmarkError
from unlearnbench.files.reading import decode, lines, parse_json, read_bytes
from unlearnbench.hashing import sha256_json

_POINTERS = (b"version https://git-lfs.github.com/spec/", b"# xet version")
"""How files begin that stand in a clone for data that was not fetched."""
_NO_SUCH = ("BuilderConfig", "Unknown split")
"""How `datasets` begins to say that a data set has no such config or split."""
_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN, and give the command again"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one data set. `revision` is the hub's commit, or the sha256 of local rows."""

    rows: tuple[dict[str, Any], ...]
    revision: str


def load_table(
    source: str, repository: str, config: str | None, name: str, split: str = "train"
) -> Table:
    """One table from `source`: `hub`, or a folder that holds `<name>.jsonl` (or another suffix), or
    is a clone of the hub's repository.

    `config` and `split` are those of the hub's data set. Raises `BenchmarkError` if the hub cannot
    be reached, a file is missing or unreadable.
    """
    if source == "hub":
        return load_hub_rows(repository, config, split)
    folder = Path(source).expanduser()
    files = table_files(folder, name, config, split)
    rows = tuple(row for path in files for row in _rows_of(path, str(path)))
    return Table(rows, sha256_json(list(rows)))


def column(table: Table, row: dict[str, Any], key: str, where: str) -> str:
    """A text column of a row. Raises `BenchmarkError` if it is missing or empty."""
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        what = f"column {key!r} holds {str(value)[:40]}, which is no text; store it as text"
        raise BenchmarkError("missing-column", where, what)
    if value is None or not value.strip():
        have = ", ".join(sorted(map(str, table.rows[0]))) if table.rows else "none"
        raise BenchmarkError(
            "missing-column", where, f"no text in column {key!r}; there are: {have}"
        )
    return value.strip()


def exact_column(table: Table, row: dict[str, Any], key: str, where: str) -> str:
    """A text column with the blanks at its ends, which are tokens too. Raises as `column` does."""
    column(table, row, key, where)
    return str(row[key])


def load_hub_rows(repository: str, config: str | None, split: str) -> Table:
    """The rows of one split of a data set of the hub. Raises `BenchmarkError` if it is not to be
    had.
    """
    from huggingface_hub import HfApi

    load_dataset = extra("datasets", "data").load_dataset
    with _hub_errors(repository, config):
        revision = HfApi().dataset_info(repository, timeout=10).sha
        data = load_dataset(repository, config, split=split, revision=revision)
    return Table(tuple(dict(row) for row in data), str(revision))


def load_hub_file(repository: str, name: str) -> Table:
    """The rows of one file of a data set of the hub. Raises `BenchmarkError` like `load_hub_rows`,
    and for a file that is missing or damaged.
    """
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    with _hub_errors(repository, None):
        revision = HfApi().dataset_info(repository, timeout=10).sha
        try:
            path = hf_hub_download(repository, name, repo_type="dataset", revision=revision)
        except EntryNotFoundError as error:
            what = "the data set has no such file (it may have been renamed; see its page)"
            raise BenchmarkError("missing-file", f"{repository} {name}", what) from error
    return Table(_rows_of(Path(path), f"{repository} {name}"), str(revision))


def load_local_file(path: Path) -> Table:
    """The rows of a local file of JSON lines, JSON, CSV or Parquet.

    Raises `BenchmarkError` for one that is missing, of another kind, or damaged.
    """
    if path.suffix not in SUFFIXES:
        raise BenchmarkError("unreadable", str(path), f"its name ends in none of {SUFFIXES}")
    if not path.is_file():
        raise BenchmarkError("missing-file", str(path), "there is no such file")
    rows = _rows_of(path, str(path))
    return Table(rows, sha256_json(list(rows)))


@contextmanager
def _hub_errors(repository: str, config: str | None) -> Iterator[None]:
    """The hub's errors as `BenchmarkError`."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    httpx2 = extra("httpx2", "data")
    try:
        yield
    except GatedRepoError as error:
        page = f"{HfApi().endpoint}/datasets/{repository}"
        what = f"its owner lets in only who accepts the terms at {page}; then {_LOG_IN}"
        raise BenchmarkError("not-allowed", repository, what) from error
    except RepositoryNotFoundError as error:
        what = f"no such data set, or a private one; if it is private, {_LOG_IN}"
        raise BenchmarkError("not-found", repository, what) from error
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            what = f"the hub wants to know who asks ({error.response.status_code}); {_LOG_IN}"
            raise BenchmarkError("not-allowed", repository, what) from error
        raise _unreachable(repository, error) from error
    except ValueError as error:
        if str(error).startswith(_NO_SUCH):
            what = f"{str(error).splitlines()[0]} (it may have been renamed; see its page)"
            raise BenchmarkError("missing-config", f"{repository} {config}", what) from error
        raise _unreachable(repository, error) from error
    except (httpx2.HTTPError, OSError, RuntimeError) as error:
        raise _unreachable(repository, error) from error


def _unreachable(repository: str, error: Exception) -> BenchmarkError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
    return BenchmarkError(
        "hub-unreachable",
        repository,
        f"{first[:200]}; offline, give --source FOLDER with its files (make-benchmark: one of "
        "them in its place), or use a benchmark that "
        "ships with the package (unlearnbench show plugins)",
    )


def _rows_of(path: Path, where: str) -> tuple[dict[str, Any], ...]:
    try:
        data = read_bytes(path)
        if data.startswith(_POINTERS):
            what = "it only points at the data, as clones do without them; run `git lfs pull` there"
            raise BenchmarkError("unreadable", where, what)
        return tuple(_read(path.suffix, data, path.name))
    except (OSError, ValueError) as error:
        raise BenchmarkError("unreadable", where, str(error).splitlines()[0][:200]) from error


def _read(suffix: str, data: bytes, name: str) -> list[dict[str, Any]]:
    if suffix in (".json", ".jsonl"):
        return _objects(data, name)
    if suffix == ".parquet":
        rows: list[dict[str, Any]] = (
            extra("pyarrow.parquet", "data").read_table(BytesIO(data)).to_pylist()
        )
        return rows
    import pandas as pd

    frame = pd.read_csv(BytesIO(data), dtype=str, keep_default_na=False)
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict(orient="records")]


def _objects(data: bytes, name: str) -> list[dict[str, Any]]:
    """The rows of JSON lines, or of one JSON list, whatever the file is called."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        rows = parse_json(decode(data, name), name)
        located = [(f"{name}, row {number}", row) for number, row in enumerate(rows, 1)]
    else:
        whole = [(f"{name}:{number}", line) for number, line in lines(data) if line.strip()]
        located = [(where, parse_json(decode(line, where), where)) for where, line in whole]
    for where, row in located:
        if not isinstance(row, dict):
            raise ValueError(f"{where}: not an object")
    return [row for _, row in located]
