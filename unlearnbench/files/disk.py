"""Write files and folders atomically, and report refused writes as `RunError`.

with drafting(target) as draft:   # beside `target`, on the same disk
    save_something(draft)         # a file or a folder
# `target` is now complete and flushed; after an error or a kill it is unchanged
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from unlearnbench.errors import RunError, UnlearnbenchError

REFUSALS = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO", "ENOTDIR", "EISDIR"),
        *("ENAMETOOLONG", "ENOTEMPTY", "ENXIO", "ENODEV", "ESTALE"),
    )
)
"""Errors of a full, read-only, forbidden or failing disk, and of an impossible path."""
_FLUSHED_AT_ONCE = 16
_NO_FOLDER_SYNC = frozenset([errno.EINVAL, errno.ENOTSUP])
_LEFTOVER = re.compile(r"^\.(?P<name>.+)\.(?P<pid>\d+)\.(tmp|partial)$", re.DOTALL)
_NATIVE = re.compile(r"\(os error (\d+)\)")
_TORCH = re.compile(r"inline_container|PytorchStreamWriter|iostream error|PyTorchFileWriter")


def write_error(path: Path, error: OSError) -> RunError:
    """The error for a refused write; its message says that nothing committed is lost."""
    return RunError(
        f"cannot write {path}: {error.strerror or error}; nothing committed is lost: make room or "
        "permission and give the same command again"
    )


def refusal(error: BaseException) -> OSError | None:
    """The refused write behind `error` (itself or one of its causes), or None.

    safetensors and torch report a refused write by their own errors, recognised by their text.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in REFUSALS:
            return cause
        native = _NATIVE.search(str(cause))
        if native is not None and int(native[1]) in REFUSALS:
            return OSError(int(native[1]), os.strerror(int(native[1])))
        if isinstance(cause, RuntimeError) and _TORCH.search(str(cause)):
            return OSError(errno.EIO, "the disk took only a part (is it full?)")
        cause = cause.__cause__ or cause.__context__
    return None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a refused write, however a library reports it, into a `RunError` about `path`."""
    try:
        yield
    except UnlearnbenchError:
        raise
    except Exception as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise write_error(path, refused) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace `path` atomically: write beside it, flush, rename. Raises `RunError`.

    A lone surrogate (from a path that is not UTF-8) is written as an escape.
    """
    beside = _beside(path)
    try:
        with beside.open("wb") as file:
            file.write(_bytes(content))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _drop(beside)
        raise write_error(path, error) from error


def write_together(files: Sequence[tuple[Path, str | bytes]]) -> None:
    """Replace several different files, each atomically and in this order, but flushed together.

    For many small files: the disk flushes dozens in hardly more time than one. After an error or a
    kill each file is whole, old or new. Raises `RunError`.
    """
    if not files:
        return
    drafts = [(path, _beside(path)) for path, _ in files]
    try:
        for (path, beside), (_, content) in zip(drafts, files, strict=True):
            with writing(path):
                beside.write_bytes(_bytes(content))
        with writing(files[0][0].parent), ThreadPoolExecutor(_FLUSHED_AT_ONCE) as pool:
            list(pool.map(sync, (beside for _, beside in drafts)))
        for path, beside in drafts:
            with writing(path):
                beside.replace(path)
        for folder in dict.fromkeys(path.parent for path, _ in drafts):
            with writing(folder):
                sync_folder(folder)
    finally:
        for _, beside in drafts:
            _drop(beside)


def _beside(path: Path) -> Path:
    """Where a file is written before it replaces `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


@contextmanager
def drafting(target: Path) -> Iterator[Path]:
    """Yield a path to write a file or a folder to; it replaces `target` when it is complete.

    The path has `target`'s name and is in a scratch folder beside it, or in the nearest parent that
    exists: missing parents are made at the end. An existing file is replaced; an existing folder
    must be empty. Raises `RunError` if a write is refused; after any error nothing is left behind.
    """
    base = nearest_folder(target.parent)
    scratch = base / f".{target.name}.{os.getpid()}.partial"
    try:
        with writing(target):
            clear_leftovers(base, target.name)
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            yield scratch / target.name
            sync(scratch / target.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            (scratch / target.name).replace(target)
            sync_folder(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def discard(folder: Path) -> None:
    """Remove a folder; if that is interrupted, its remains cannot be taken for the folder."""
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    with writing(folder):
        if not folder.exists():
            return
        shutil.rmtree(scratch, ignore_errors=True)
        folder.replace(scratch)
        shutil.rmtree(scratch)


def clear_leftovers(
    folder: Path, name: str | None = None, *, exclusive: bool = False, older_s: float = 0.0
) -> None:
    """Remove what killed processes left half-written in `folder` (only of `name`, if given).

    Drafts of running processes are kept, unless the caller has `exclusive` use of the folder.
    Drafts younger than `older_s` seconds are kept too, as other machines may be writing them.
    """
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        leftover = _LEFTOVER.match(path.name)
        if leftover is None or (name is not None and leftover["name"] != name):
            continue
        recent = older_s > 0 and _age(path) < older_s
        if exclusive or not (recent or _alive(int(leftover["pid"]))):
            _drop(path)


def sync(path: Path) -> None:
    """Flush a file, or everything in a folder, to the disk."""
    if not path.is_dir():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return
    for inner in path.iterdir():
        sync(inner)
    sync_folder(path)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder, where the file system supports it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


def nearest_folder(path: Path) -> Path:
    """`path`, or its nearest parent that exists."""
    return next(p for p in (path, *path.absolute().parents) if os.path.lexists(p))


def check_folder_option(option: str, path: Path) -> None:
    """Check before work begins that a folder can be made or written at `path`; makes nothing.

    Raises `RunError` that names the option.
    """
    existing = nearest_folder(path)
    if not existing.is_dir():
        kind = "a broken link" if existing.is_symlink() else "a file"
        raise RunError(f"{option} {path}: {existing} is {kind}, not a folder; choose another")
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise RunError(
            f"{option} {path}: cannot write in {existing}: {error.strerror or error}; choose "
            "another place, or make room or permission"
        ) from error


def check_file_option(option: str, path: Path) -> None:
    """Check that a file can be written at `path`; its folder must exist. Raises `RunError`."""
    if path.is_dir():
        raise RunError(f"{option} {path}: cannot write it: that is a folder; name a file")
    if not path.parent.is_dir():
        raise RunError(f"{option} {path}: cannot write it: there is no folder {path.parent}")
    check_folder_option(option, path.parent)


def _drop(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Seconds since the file was changed; 0 if it no longer exists."""
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
