"""Read the answers of a submitted attack, piece by piece, exactly as they are planned.

The file is never expanded as a whole: each line must be the next one of the plan, so that what a
stranger packed can neither grow beyond the plan nor hold anything that was not planned.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from unlearnbench.submissions.apart import SECONDS
from unlearnbench.submissions.attack_answers import SentAnswer, SentVerdict
from unlearnbench.submissions.journals import check_tokens
from unlearnbench.submissions.layout import ANSWERS_OF, SENT_COMPLETIONS
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.types import Completion, Probe, ProbeKey

MOST_EXPANDED_BYTES = 512 * 1024 * 1024
"""Most bytes of the answers once expanded: `relearn --profile full` with all arms of the largest
shipped benchmark makes 1.2 million lines of some 250 bytes."""
MOST_ANSWER_BYTES = 256 * 1024
"""Most bytes of a line."""
PACKED_A_SECOND = 50_000
"""Bytes of packed answers that are read and judged in a second, by a slow machine."""
PLAIN_A_SECOND = 250_000
"""Bytes of a run's own answers, the same: `standard` on LKF has 2.4 MB and took 7 s, `strict` has
two thirds more."""
MOST_FOR_PLAIN = 19
"""Seconds that a run's own answers add at most; those of `strict` on LKF need 16."""
MOST_SECONDS = 120
"""Most processor time of a folder: `full` profiles on the largest shipped benchmark take half."""
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
"""gzip without a name, a comment or a time."""
_GZIP = 31
_PIECE = 1 << 16


def seconds_for(folder: Path) -> int:
    """The processor time that a folder may take: more for more answers, of the run or of attacks.

    A line takes some 50 µs here, and is packed into 6 bytes or more.
    """
    packed = sum(_size(folder / name) for name in ANSWERS_OF.values())
    plain = min(_size(folder / SENT_COMPLETIONS) // PLAIN_A_SECOND, MOST_FOR_PLAIN)
    return min(SECONDS + packed // PACKED_A_SECOND + plain, MOST_SECONDS)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


@dataclass(frozen=True, slots=True)
class SentRun:
    """The answers of one run below an attack, with the verdicts that were sent."""

    completions: dict[ProbeKey, Completion] = field(default_factory=dict)
    verdicts: dict[ProbeKey, SentVerdict] = field(default_factory=dict)
    controls: dict[ProbeKey, SentVerdict] = field(default_factory=dict)


class AnswerStream:
    """The lines of a compressed file of answers. Every method raises `Refusal`."""

    def __init__(self, data: bytes, name: str) -> None:
        if not data.startswith(_HEADER):
            raise Refusal("gzip", name, "not a gzip file as this program writes it")
        self._name = name
        self._lines = _lines(data, name)

    def read_run(
        self, run: str, probes: Sequence[Probe], controls: Sequence[Probe], most_tokens: int
    ) -> SentRun:
        """The next run: each of its probes once, in order, and `control` verdicts for `controls`.

        `most_tokens` is the most that an answer may have.
        """
        shuffled = {probe.key for probe in controls}
        sent = SentRun()
        for probe in probes:
            where, answer = self._next(run, probe.key, sent)
            check_tokens(answer.n_tokens, answer.text, answer.thoughts, most_tokens, where)
            if (answer.control is not None) != (probe.key in shuffled):
                what = "a verdict against another fact's answer is missing, or was not planned"
                raise Refusal("control", where, what)
            sent.completions[probe.key] = answer.completion
            sent.verdicts[probe.key] = answer
            if answer.control is not None:
                sent.controls[probe.key] = answer.control
        return sent

    def end(self) -> None:
        """See that nothing follows."""
        for number, line in self._lines:
            where = f"{self._name}:{number}"
            raise Refusal("unplanned", where, f"{_short(line)} after the last planned answer")

    def _next(self, run: str, key: ProbeKey, sent: SentRun) -> tuple[str, SentAnswer]:
        number, line = next(self._lines, (0, b""))
        if not number:
            raise Refusal("missing", self._name, f"ends before {run}, {key}")
        where = f"{self._name}:{number}"
        answer = _parsed(line, where)
        if (answer.run, answer.key) == (run, key):
            return where, answer
        found = f"{answer.run[:80]}, {answer.key}"[:160]
        if answer.run == run and answer.key in sent.completions:
            raise Refusal("doubled", where, f"{found} appears twice")
        raise Refusal("unplanned", where, f"{found} where {run}, {key} is planned")


def _parsed(line: bytes, where: str) -> SentAnswer:
    try:
        answer = SentAnswer.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        raise Refusal("schema", where, f"{place[:80]}: {first['msg'][:120]}") from error
    if answer.line != line:
        raise Refusal("schema", where, "not the line that this program writes for this answer")
    return answer


def _lines(data: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """Each line with its number and its end."""
    number, rest = 0, b""
    for piece in _pieces(data, name):
        first, *more = (rest + piece).split(b"\n")
        for following in more:
            number += 1
            yield number, first + b"\n"
            first = following
        rest = first
        if len(rest) > MOST_ANSWER_BYTES:
            what = f"more than {MOST_ANSWER_BYTES} bytes"
            raise Refusal("long-line", f"{name}:{number + 1}", what)
    if rest:
        raise Refusal("torn-line", name, "the last line has no end")


def _pieces(data: bytes, name: str) -> Iterator[bytes]:
    """The expanded file. Only one gzip member is read, and nothing may follow it."""
    unpacker, total = zlib.decompressobj(_GZIP), 0
    for start in range(0, len(data), _PIECE):
        waiting = data[start : start + _PIECE]
        while waiting and not unpacker.eof:
            try:
                piece = unpacker.decompress(waiting, _PIECE)
            except zlib.error as error:
                raise Refusal("gzip", name, f"damaged: {error}"[:120]) from error
            waiting = unpacker.unconsumed_tail
            total += len(piece)
            if total > MOST_EXPANDED_BYTES:
                raise Refusal("too-large", name, f"expands to more than {MOST_EXPANDED_BYTES}")
            yield piece
        if unpacker.eof and (unpacker.unused_data or start + _PIECE < len(data)):
            raise Refusal("gzip", name, "something follows the compressed answers")
    if not unpacker.eof:
        raise Refusal("gzip", name, "cut off")


def _short(line: bytes) -> str:
    return repr(line[:60])
