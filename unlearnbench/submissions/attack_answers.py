"""The answers of an attack as one compressed file beside its record: one line for each probe.

`stress.jsonl.gz` and `relearn.jsonl.gz` hold the answers of every run below the attack's folder in
the order in which they are planned, so that whoever checks the record can judge them again. The
same answers give the same bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.attacks.catalog import ARMS
from unlearnbench.attacks.relearn.points import OF_BASE, UNTRAINED, point_folder
from unlearnbench.attacks.stress.plans import LENS, PLANS, folder_of, test_of
from unlearnbench.errors import RunError, SubmissionError
from unlearnbench.runs.attacks import attack_kind, read_finished
from unlearnbench.runs.run import Run, load_run
from unlearnbench.runs.schema import FinishedRelearn, FinishedStress
from unlearnbench.types import Completion, Judgement, Probe, ProbeKey, StandardContext, Verdict

BASELINE = "baseline"
"""The run of the protocol's own questions in a suite."""
_GZIP = 31
"""zlib's number for the gzip format, whose header then holds neither name nor time."""
_Text = Annotated[str, Field(max_length=200)]


class SentVerdict(BaseModel):
    """A verdict and the judge's words for it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    verdict: Verdict
    raw: Annotated[str, Field(max_length=20_000)]


class SentAnswer(SentVerdict):
    """A line: the run, the probe, its answer and verdict.

    `control` is the verdict on the same answer against another fact's gold answer.
    """

    run: _Text
    fact: _Text
    phrasing: _Text
    context: StandardContext
    sample: Annotated[int, Field(ge=0, le=10_000)]
    text: Annotated[str, Field(max_length=20_000)]
    finish_reason: Literal["stop", "length"]
    n_tokens: Annotated[int, Field(ge=0, le=100_000)]
    thoughts: Annotated[str, Field(max_length=100_000)] = ""
    control: SentVerdict | None = None

    @property
    def key(self) -> ProbeKey:
        """The probe's identity."""
        return ProbeKey(self.fact, self.phrasing, self.context, self.sample)

    @property
    def completion(self) -> Completion:
        """The answer."""
        return Completion(self.key, self.text, self.finish_reason, self.n_tokens, self.thoughts)

    @property
    def line(self) -> bytes:
        """The line as it is written, the only form in which it is read."""
        return self.model_dump_json(exclude_defaults=True).encode("utf-8") + b"\n"


def attack_answers(folder: Path) -> bytes:
    """The compressed answers of a finished attack, from the runs below its folder.

    Raises `SubmissionError` if a run is missing or open, `RunError` for a folder without a finished
    attack.
    """
    kind = attack_kind(folder)
    if kind is None:
        raise RunError(f"{folder}: neither a stress nor a relearning run")
    record = read_finished(folder, kind)
    names = _relearn_runs(record) if isinstance(record, FinishedRelearn) else _doors(record)
    packed = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    parts = []
    for name in names:
        for line in _lines(name, *_stored(folder, name)):
            parts.append(packed.compress(line))
    return b"".join([*parts, packed.flush()])


def _doors(record: FinishedStress) -> list[str]:
    """The runs of a suite, in the order of its plans."""
    order = list(PLANS)
    doors = [door for door in record.findings if door != LENS]
    other = next((door for door in doors if test_of(door) not in order), None)
    if other is not None:
        raise SubmissionError(
            f"{other}: not a stress test that ships, so nobody could check it; run those that do "
            f"(--only {' --only '.join(order)}) into another --out and submit that"
        )
    doors.sort(key=lambda door: order.index(test_of(door)))
    return [BASELINE, *map(folder_of, doors)]


def _relearn_runs(record: FinishedRelearn) -> Iterator[str]:
    """The runs of a relearning run: the base's, the untrained checkpoint's, then each step's."""
    if record.ceiling is not None:
        yield OF_BASE
    yield UNTRAINED
    for arm in ARMS:
        if arm in record.arms:
            for seed in record.profile.seeds:
                yield from (point_folder(arm, seed, s) for s in record.profile.steps if s)


def _stored(folder: Path, name: str) -> tuple[Run, Run | None]:
    """A run below an attack, and its control if it has one."""
    path = folder / name
    control = path.with_name(f"{path.name}-shuffled")
    try:
        run = load_run(path)
        other = load_run(control) if control.is_dir() else None
    except RunError as error:
        raise SubmissionError(
            f"{path}: its answers are not there any more, so the record could not be checked "
            f"({error}); {_AGAIN}"
        ) from error
    n_open = run.n_open + (other.n_open if other else 0)
    if n_open:
        raise SubmissionError(f"{path}: {n_open} probes are open; {_AGAIN}")
    return run, other


_AGAIN = "run the same stress or relearn command again, which asks what is missing"


def _lines(name: str, run: Run, control: Run | None) -> Iterator[bytes]:
    others = control.judgements if control else {}
    for probe in run.probes:
        yield _answer(name, probe, run, others.get(probe.key)).line


def _answer(name: str, probe: Probe, run: Run, other: object) -> SentAnswer:
    answer, judgement = run.completions[probe.key], run.judgements[probe.key]
    if not isinstance(answer, Completion) or not isinstance(judgement, Judgement):
        raise SubmissionError(f"{run.path}: {probe.key} is open; {_AGAIN}")
    fields: Mapping[str, object] = {
        "run": name,
        "fact": probe.key.fact,
        "phrasing": probe.key.phrasing,
        "context": probe.key.context,
        "sample": probe.key.sample,
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "n_tokens": answer.n_tokens,
        "thoughts": answer.thoughts,
        **_verdict(judgement),
        "control": _verdict(other) if isinstance(other, Judgement) else None,
    }
    try:
        return SentAnswer.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SubmissionError(
            f"{run.path}, {probe.key}: {place}: {first['msg']}; such an answer is not submitted"
        ) from error


def _verdict(judgement: Judgement) -> dict[str, str]:
    return {"verdict": judgement.verdict, "raw": judgement.raw}
