"""Files and folders that are there whole or not at all, and a disk's refusal in words.

with whole(target) as draft:      # beside `target`, on the same disk
    save_something(draft)         # a file or a folder
# now `target` is there, flushed; after an error or a kill it is as it was before
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
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
"""Errors of a full, read-only, forbidden or failing disk, and of a path that cannot be."""
_NO_FOLDER_SYNC = frozenset([errno.EINVAL, errno.ENOTSUP])
_LEFTOVER = re.compile(r"^\.(?P<name>.+)\.(?P<pid>\d+)\.(tmp|partial)$", re.DOTALL)
_NATIVE = re.compile(r"\(os error (\d+)\)")
_TORCH = re.compile(r"inline_container|PytorchStreamWriter|iostream error|PyTorchFileWriter")


def write_error(path: Path, error: OSError) -> RunError:
    """Say what failed and that nothing committed is lost."""
    return RunError(
        f"cannot write {path}: {error.strerror or error}; nothing committed is lost: make room or "
        "permission and give the same command again"
    )


def refusal(error: BaseException) -> OSError | None:
    """The disk's refusal that `error` is, or was raised because of; None if it is another error.

    safetensors and torch report a refused write in errors of their own, recognised by their text.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in REFUSALS:
            return seen
        native = _NATIVE.search(str(seen))
        if native is not None and int(native[1]) in REFUSALS:
            return OSError(int(native[1]), os.strerror(int(native[1])))
        if isinstance(seen, RuntimeError) and _TORCH.search(str(seen)):
            return OSError(errno.EIO, "the disk took only a part (is it full?)")
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a disk's refusal, however a library reports it, into a `RunError` about `path`."""
    try:
        yield
    except UnlearnbenchError:
        raise
    except Exception as error:
        found = refusal(error)
        if found is None:
            raise
        raise write_error(path, found) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace `path` as a whole: write beside it, flush, rename. Raises `RunError`.

    A lone surrogate, as a path that is not UTF-8 has, is written as an escape.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _drop(beside)
        raise write_error(path, error) from error


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Yield a path to write a file or a folder to; it takes `target`'s place when it is complete.

    It has `target`'s name, in a scratch folder beside it, or in the nearest folder that exists:
    `target`'s parents are made at the end. A file that is there is replaced; a folder must be
    empty. Raises `RunError` if the disk refuses; then, and after any other error, nothing stays.
    """
    place = nearest_folder(target.parent)
    scratch = place / f".{target.name}.{os.getpid()}.partial"
    try:
        with writing(target):
            clear_leftovers(place, target.name)
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
    """Remove a folder so that nobody takes what is left of it, after a kill, for a whole one."""
    doomed = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    with writing(folder):
        if not folder.exists():
            return
        shutil.rmtree(doomed, ignore_errors=True)
        folder.replace(doomed)
        shutil.rmtree(doomed)


def clear_leftovers(
    folder: Path, name: str | None = None, *, alone: bool = False, older_s: float = 0.0
) -> None:
    """Remove what killed processes left half written in `folder` (of the file `name`, if given).

    What a living process is writing is left to it, unless the caller knows to be `alone`.
    `older_s`: and what was begun so recently, where processes of other machines write too.
    """
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        found = _LEFTOVER.match(path.name)
        if found is None or (name is not None and found["name"] != name):
            continue
        recent = older_s > 0 and _age(path) < older_s
        if alone or not (recent or _alive(int(found["pid"]))):
            _drop(path)


def sync(path: Path) -> None:
    """Flush a file, or all of a folder, to the disk."""
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
    """Flush the names in a folder; where a file system cannot do that, it is left to it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


def nearest_folder(path: Path) -> Path:
    """`path`, or the first of its parents that is there."""
    return next(p for p in (path, *path.absolute().parents) if os.path.lexists(p))


def check_folder_option(option: str, path: Path) -> None:
    """See that a folder can be made or written at `path`, before work begins; nothing is made.

    Raises `RunError` naming the option.
    """
    place = nearest_folder(path)
    if not place.is_dir():
        what = "a broken link" if place.is_symlink() else "a file"
        raise RunError(f"{option} {path}: {place} is {what}, not a folder; choose another")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise RunError(
            f"{option} {path}: cannot write in {place}: {error.strerror or error}; choose another "
            "place, or make room or permission"
        ) from error


def check_file_option(option: str, path: Path) -> None:
    """The same for a file: its folder must be there and take it. Raises `RunError`."""
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
    """Seconds since it was changed; none for what has gone meanwhile."""
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
