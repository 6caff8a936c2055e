"""One process at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlearnbench.errors import RunError
from unlearnbench.files.disk import clear_leftovers, write_error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, which is made if need be.

    The lock goes with the process, however it ends. What a killed process left half written here
    is removed. Raises `RunError` if the folder is in use or cannot be written.
    """
    from filelock import FileLock, Timeout

    # A soft lock would outlive a killed process, so a disk without `flock` is refused instead.
    lock = FileLock(folder / ".lock", blocking=False, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RunError(f"{folder} is in use by another process; wait for it") from error
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        clear_leftovers(folder, exclusive=True)
        yield
    finally:
        lock.release()
