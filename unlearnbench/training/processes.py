"""Several processes that train one model together, as `torchrun` or `accelerate launch` start them.

    join("auto")                                # once, before anything is decided
    record = first_decides(lambda: read(out))   # process 0 does it, all get its result or its error
    model = all_agree(lambda: load(base))       # all do it; what fails in one fails in all

Process 0 alone prints, locks and writes. In a single process each of these just does it.
"""

from __future__ import annotations

import atexit
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist

from unlearnbench.environment import Process, this_process
from unlearnbench.errors import ElsewhereError, TrainingError, UnlearnbenchError

T = TypeVar("T")
_PATIENCE, _WRITING = timedelta(days=7), timedelta(hours=1)
"""How long a process waits for another that is busy asking, or writing a checkpoint between two
steps. One that has died is noticed by its launcher, or by its closed connection.
"""
_LOST = re.compile(r"gloo|NCCL|onnection (closed|reset|refused)|roken pipe|DistNetwork|TCPStore")
_groups: list[Any] = []


def join(device: str) -> Process:
    """Meet the other processes, if there are any; each takes the GPU of its number.

    Raises `TrainingError` if they cannot be met or there is no such GPU.
    """
    own = this_process()
    if own.count == 1 or _groups:
        return own
    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if not on_gpu and device not in ("auto", "cpu"):
        raise error_in_all(f"--device {device}: several processes take auto, cuda or cpu")
    if on_gpu:
        if own.local >= torch.cuda.device_count():
            raise TrainingError(
                f"process {own.local} of this machine finds {torch.cuda.device_count()} GPUs; "
                "start as many processes as there are GPUs"
            )
        torch.cuda.set_device(own.local)
    _notice_the_end()
    try:
        if not dist.is_initialized():
            dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=_WRITING)
        # However this process ends, and whoever made the group: one that is still alive when the
        # interpreter goes may abort it.
        atexit.register(_part)
        _groups.append(dist.new_group(backend="gloo", timeout=_PATIENCE))
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise TrainingError(f"the {own.count} processes do not find each other: {first}") from error
    return own


def _part() -> None:
    """End the connection to the others."""
    _groups.clear()
    if dist.is_initialized():
        dist.destroy_process_group()


def first_decides(work: Callable[[], T]) -> T:
    """What `work` returns or raises in process 0, in all of them."""
    own = this_process()
    if own.count == 1:
        return work()
    outcome: list[Any] = [None, None]
    raised: UnlearnbenchError | None = None
    if own.first:
        try:
            outcome[0] = work()
        except UnlearnbenchError as error:
            raised, outcome[1] = error, str(error)
    dist.broadcast_object_list(outcome, src=0, group=_control())
    if outcome[1] is None:
        return cast(T, outcome[0])
    _expect_the_end()
    raise raised or ElsewhereError(outcome[1])


def all_agree(work: Callable[[], T]) -> T:
    """What `work` returns, once it has returned in every process; else an error in all."""
    own = this_process()
    if own.count == 1:
        return work()
    result: list[T] = []
    raised: UnlearnbenchError | None = None
    try:
        result.append(work())
    except UnlearnbenchError as error:
        raised = error
    told: list[str | None] = [None] * own.count
    dist.all_gather_object(told, None if raised is None else str(raised), group=_control())
    number = next((rank for rank, text in enumerate(told) if text is not None), None)
    if number is None:
        return result[0]
    _expect_the_end()
    if own.first:
        raise raised or TrainingError(f"process {number}: {told[number]}")
    raise ElsewhereError(str(told[number]))


def error_in_all(text: str) -> TrainingError:
    """The error to raise for what all processes have seen alike: the first one tells it."""
    _expect_the_end()
    return TrainingError(text) if this_process().first else ElsewhereError(text)


def in_turn(work: Callable[[], T]) -> T:
    """`work` in one process of each machine, then in the others, which find its caches."""
    if this_process().local == 0:
        result = all_agree(work)
        all_agree(lambda: None)
        return result
    all_agree(lambda: None)
    return all_agree(work)


def share(items: Sequence[T]) -> list[T]:
    """The items that this process is dealt: every n-th of them."""
    own = this_process()
    return list(items[own.rank :: own.count])


def largest(number: int) -> int:
    """The largest of all processes' numbers."""
    return max(_gathered(number))


def means(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures averaged over the processes, which all have the same names."""
    gathered = _gathered(dict(figures))
    return {name: sum(each[name] for each in gathered) / len(gathered) for name in figures}


def _gathered(mine: T) -> list[T]:
    count = this_process().count
    if count == 1:
        return [mine]
    everyone: list[Any] = [None] * count
    dist.all_gather_object(everyone, mine, group=_control())
    return everyone


def _control() -> Any:
    """The group for what is said, apart from the one for what is computed."""
    if not _groups:
        raise TrainingError("the processes have not met; this is not started by `train`")
    return _groups[0]


@contextmanager
def connected() -> Iterator[None]:
    """Turn a broken connection into an error that says what it means."""
    try:
        yield
    except RuntimeError as error:
        own = this_process()
        if own.count == 1 or not _LOST.search(f"{type(error).__name__} {error}"):
            raise
        _expect_the_end()
        raise TrainingError(
            f"another of the {own.count} processes has ended, so this one cannot go on; what it "
            "printed says why; the same command goes on from the last checkpoint, if one was saved"
        ) from error


def _notice_the_end() -> None:
    """Say so when the launcher ends this process because another one has ended."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TrainingError(
            "ended by its launcher, which does so when another process has ended; the same "
            "command goes on from the last checkpoint, if one was saved"
        )

    _on_end(end)


def _expect_the_end() -> None:
    """This process ends by itself: if its launcher ends it too, there is nothing more to say."""
    _on_end(signal.SIG_DFL)


def _on_end(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    if this_process().count > 1 and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
