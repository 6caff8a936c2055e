"""Faults put into a process: it dies, or the disk refuses, at the n-th change of the disk.

Changes are counted where Python makes them (files opened for writing, renamed, removed; folders
made; files flushed) below one folder. What libraries write natively is reached by a limit on the
size of files: at that very byte the kernel refuses the write, or ends the process.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link")


def install(fault: dict[str, Any]) -> None:
    """`under`: which folder; `at`: the change, from 1; `error`: its name, or null for a kill.

    With `named`: only changes of paths that hold this text count. With `bytes`: files may grow so
    far and no further. With `count`: only count, into that file.
    With `missing`: these modules are not installed; with `no_models`, loading a model ends it.
    """
    if "missing" in fault:
        _without(fault["missing"])
        return
    if "bytes" in fault:
        if fault["error"] is None:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault["bytes"], fault["bytes"]))
        return
    counter = _Counter(fault)
    sys.addaudithook(counter.hear)
    real = os.fsync

    def fsync(handle: int) -> None:
        counter.change(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    os.fsync = fsync  # type: ignore[assignment]


def _without(modules: list[str]) -> None:
    from transformers import AutoModelForCausalLM

    for name in modules:
        sys.modules[name] = None  # type: ignore[assignment]

    def end(*rest: Any, **more: Any) -> None:
        os._exit(77)

    AutoModelForCausalLM.from_pretrained = end


class _Counter:
    def __init__(self, fault: dict[str, Any]) -> None:
        self.under = os.path.join(fault["under"], "")  # noqa: PTH118
        self.fault = fault
        self.seen = 0
        self.quiet = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & _WRITES) if isinstance(flags, int) else "w" in str(mode)
            if writes and isinstance(path, str | bytes | os.PathLike):
                self.change(path)
        elif event in _CHANGES:
            self.change(arguments[0])

    def change(self, path: Any) -> None:
        if self.quiet or isinstance(path, int):
            return
        # abspath, not resolve: that would open nothing, but ask the disk for every part.
        if not os.path.abspath(os.fsdecode(path)).startswith(self.under):  # noqa: PTH100
            return
        if self.fault.get("named", "") not in os.fsdecode(path):
            return
        self.seen += 1
        if "count" in self.fault:
            self.quiet = True
            Path(self.fault["count"]).write_text(str(self.seen))
            self.quiet = False
            return
        # A full disk stays full.
        if self.fault["error"] is None and self.seen == self.fault["at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault["error"] is not None and self.seen >= self.fault["at"]:
            number = getattr(errno, self.fault["error"])
            raise OSError(number, os.strerror(number), os.fsdecode(path))
