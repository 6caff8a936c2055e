"""Do untrusted work in a process of its own, with bounded time and memory.

Whatever a submission makes this program do (loop, allocate, crash), it ends as that submission's
refusal. Where a process cannot be forked the work is done here, without the bounds.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TypeVar

from unlearnbench.submissions.untrusted import Refusal

SECONDS = 10
"""Processor time for one submission, without answers of attacks."""
WALL_SECONDS = 120
"""Time by the clock, on a machine that has other work."""
GRACE = 2.0
"""Seconds that a process has to end after its result."""
MEMORY = 500 * 1024 * 1024
"""Bytes that one submission may take on top of what the program has."""

T = TypeVar("T")
_Sent = tuple[str, object]


def apart(
    work: Callable[[], T], where: str, seconds: int = SECONDS, shared: Sequence[object] = ()
) -> T:
    """The result of `work`, whose faults and excesses are raised as `Refusal`.

    `where` names the submission, `seconds` is the processor time that it may take. The result is
    pickled by this program and read by it; objects of this process that are `shared` are not
    copied where they are a part of it.
    """
    if not hasattr(os, "fork"):
        return _here(work, where)
    reader, writer = _pipe()
    child = os.fork()
    if child == 0:
        reader.close()
        _child(work, writer, seconds, shared)
    writer.close()
    with reader:
        sent = _received(reader, max(WALL_SECONDS, WALL_SECONDS // SECONDS * seconds), shared)
    if sent is not None and sent[0] == "result":
        _end(child)
        return sent[1]  # type: ignore[return-value]  # what `work` returned
    raise _reason(sent, child, where, seconds)


def _pipe() -> tuple[Connection, Connection]:
    read, write = os.pipe()
    return Connection(read, writable=False), Connection(write, readable=False)


def _here(work: Callable[[], T], where: str) -> T:
    try:
        return work()
    except Refusal:
        raise
    except Exception as error:
        raise Refusal("fault", where, _named(error)) from error


def _child(
    work: Callable[[], object], writer: Connection, seconds: int, shared: Sequence[object]
) -> None:
    """Work, send the result and end, without the clean-up that belongs to the parent."""
    try:
        packed = io.BytesIO()
        _Packer(packed, shared).dump(_result(work, seconds))
        writer.send_bytes(packed.getbuffer())
        os._exit(0)
    finally:
        os._exit(1)


def _result(work: Callable[[], object], seconds: int) -> _Sent:
    try:
        _limit(seconds)
        return "result", work()
    except Refusal as reason:
        return "refusal", reason
    except MemoryError:
        return "refusal", Refusal("memory", "the check", f"more than {MEMORY >> 20} MiB")
    except Exception as error:  # noqa: BLE001  # whatever a row raises is its refusal
        return "fault", _named(error)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _limit(seconds: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    taken = _data_bytes()
    if taken is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (taken + MEMORY, taken + MEMORY))


def _data_bytes() -> int | None:
    """Bytes of data that this process has; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("VmData:")), None)
    return int(found.split()[1]) * 1024 if found else None


class _Packer(pickle.Pickler):
    """Packs a result; a shared object as its place among them."""

    def __init__(self, file: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._places = {id(item): place for place, item in enumerate(shared)}

    def persistent_id(self, item: object) -> int | None:
        """The place of a shared object; None for any other."""
        return self._places.get(id(item))


class _Unpacker(pickle.Unpickler):
    """Unpacks what `_Packer` packed."""

    def __init__(self, file: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, place: int) -> object:
        """The shared object itself."""
        return self._shared[place]


def _received(reader: Connection, patience: float, shared: Sequence[object]) -> _Sent | None:
    """What the child sent; None if it ended without a word, or is late."""
    try:
        if not wait([reader], patience):
            return None
        kind, value = _Unpacker(io.BytesIO(reader.recv_bytes()), shared).load()
        return kind, value
    except (EOFError, OSError):
        return None


def _reason(sent: _Sent | None, child: int, where: str, seconds: int) -> Refusal:
    """Why there is no result."""
    status = _end(child)
    if sent is not None:
        value = sent[1]
        return value if isinstance(value, Refusal) else Refusal("fault", where, str(value))
    ended = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an error"
    if ended in ("SIGXCPU", "SIGKILL"):
        return Refusal("time", where, f"takes more than {seconds} s of processor time")
    return Refusal("fault", where, f"its check was ended by {ended}")


def _end(child: int) -> int:
    """The status with which the child ended; it is killed if it has closed its pipe or is late."""
    done, status = os.waitpid(child, os.WNOHANG)
    deadline = time.monotonic() + GRACE
    while not done and time.monotonic() < deadline:
        time.sleep(0.005)
        done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return status
