"""Feed targets with changed files, and count how each one ended."""

from __future__ import annotations

import hashlib
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

from tests.fuzz.targets import REFUSED, Target

CORPUS = Path(__file__).with_name("corpus")
"""Inputs that once escaped, in a folder a target; the test suite replays them."""
LONGEST_S = 10.0


class HangError(BaseException):
    """An input took too long."""


@dataclass
class Result:
    """What a target's inputs came to. `escapes`: where it broke -> an input that did it."""

    name: str
    ended: Counter[str] = field(default_factory=Counter)
    escapes: dict[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def n(self) -> int:
        """Inputs tried."""
        return sum(self.ended.values())


def outcome(target: Target, data: bytes) -> str:
    """`read`, `refused`, or where and how it escaped."""
    try:
        with _limit(LONGEST_S):
            target.read(data)
    except REFUSED as error:
        str(error).encode("utf-8", "backslashreplace")
        return "refused"
    except HangError:
        return "hang"
    except Exception as error:  # noqa: BLE001  # what is looked for
        last = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in last if "unlearnbench" in frame.filename] or last
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
        return f"escape {type(error).__name__} at {where}: {str(error)[:100]!r}"
    return "read"


def feed(target: Target, seed: int, inputs: int, until: float = float("inf")) -> Result:
    """Try so many inputs, or as many as there is time for. The same seed gives the same inputs."""
    result, began = Result(target.name), time.monotonic()
    for number in range(inputs):
        if time.monotonic() > until:
            break
        data = target.change(target.example, Random(f"{target.name}/{seed}/{number}"))
        ended = outcome(target, data)
        kind = ended if ended in ("read", "refused") else "escaped"
        result.ended[kind] += 1
        if kind == "escaped":
            result.escapes.setdefault(ended.partition(": ")[0], data)
    result.seconds = time.monotonic() - began
    return result


def keep(result: Result) -> Iterator[Path]:
    """Write the inputs that escaped to the corpus."""
    for data in result.escapes.values():
        path = CORPUS / result.name / hashlib.sha256(data).hexdigest()[:12]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        yield path


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
