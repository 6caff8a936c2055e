"""Ordinary faults of a machine, told from bugs: what is said of them, and what to do."""

from __future__ import annotations

import errno

from unlearnbench.disk import refusal

_ADVICE = {
    errno.ENOSPC: "make room and give the same command again",
    errno.EDQUOT: "make room and give the same command again",
    errno.EROFS: "the disk is read-only; choose a folder that can be written",
    errno.EACCES: "see to the permission",
    errno.EPERM: "see to the permission",
    errno.ELOOP: "the links go round in a circle; give the file itself",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine",
    errno.EISDIR: "it is a folder; give a file",
    errno.ENOTDIR: "it is a file; give a folder",
    errno.ENOENT: "see to the path",
    errno.EIO: "the disk or the network cannot be read; see to it",
}
_MEMORY = "use a smaller --batch-size, --limit or --dtype, a smaller model, or a larger machine"
_SIGNS = ("can't allocate memory", "cannot allocate memory", "out of memory", "std::bad_alloc")


def ordinary(error: BaseException) -> str | None:
    """One line about a fault of the machine or its surroundings; None for what is a bug."""
    if _out_of_memory(error):
        what = str(error).strip().split("\n", 1)[0][:120]
        return f"out of memory{f' ({what})' if what else ''}; {_MEMORY}"
    error = refusal(error) or error
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        what = error.strerror or str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
        advice = _ADVICE.get(error.errno or 0)
        return f"{where}{what}{f'; {advice}' if advice else ''}"
    return None


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # PyTorch's allocator on a CPU raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and any(s in str(error).lower() for s in _SIGNS)
