"""Tell faults of the machine from bugs, and advise what to do about them."""

from __future__ import annotations

import errno

from unlearnbench.files.disk import refusal

_ADVICE = {
    errno.ENOSPC: "make room and give the same command again",
    errno.EDQUOT: "make room and give the same command again",
    errno.EROFS: "the disk is read-only; choose a folder that can be written",
    errno.EACCES: "check the permissions",
    errno.EPERM: "check the permissions",
    errno.ELOOP: "the links form a circle; give the file itself",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine",
    errno.EISDIR: "it is a folder; give a file",
    errno.ENOTDIR: "it is a file; give a folder",
    errno.ENOENT: "check the path",
    errno.EIO: "the disk or the network cannot be read; check it",
}
_MEMORY = "use a smaller --batch-size, --limit or --dtype, a smaller model, or a larger machine"
_SIGNS = ("can't allocate memory", "cannot allocate memory", "out of memory", "std::bad_alloc")


def ordinary(error: BaseException) -> str | None:
    """One line about a fault of the machine or its environment; None for a bug."""
    if _out_of_memory(error):
        message = str(error).strip().split("\n", 1)[0][:120]
        return f"out of memory{f' ({message})' if message else ''}; {_MEMORY}"
    error = refusal(error) or error
    if isinstance(error, OSError):
        prefix = f"{error.filename}: " if error.filename is not None else ""
        message = (
            error.strerror or str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
        )
        advice = _ADVICE.get(error.errno or 0)
        return f"{prefix}{message}{f'; {advice}' if advice else ''}"
    return None


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # PyTorch's allocator on a CPU raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and any(s in str(error).lower() for s in _SIGNS)
