"""The run folder: what is in it, who may write to it, and what it belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.disk import write_atomically
from unlearnbench.files.reading import read_object
from unlearnbench.hashing import sha256_json
from unlearnbench.runs.codec import (
    Line,
    completion_from,
    outcome_from,
    plan_fingerprint,
    probe_from,
    probe_record,
)
from unlearnbench.runs.journal import Journal
from unlearnbench.runs.lock import locked
from unlearnbench.types import Completion, Failure, Judgement, Probe, ProbeKey, Setting
from unlearnbench.types.options import RunOptions

if TYPE_CHECKING:
    from unlearnbench.runs.schema import RunRecord

RECORDS = ("run.json", "stress.json", "relearn.json")
"""What a folder that holds a run has one of."""
Result = TypeVar("Result", Completion, Judgement)


class RunFolder:
    """Reads and writes one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.completions = Journal(path / "completions.jsonl")
        self.outcomes = Journal(path / "outcomes.jsonl")

    @property
    def record_path(self) -> Path:
        """`run.json`, replaced as a whole by rename."""
        return self.path / "run.json"

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self.record_path.is_file()

    def record(self) -> RunRecord:
        """`run.json`, whichever version wrote it. Raises `RunError` if it is missing or damaged."""
        # The classes take a while to make, which a call for help need not wait for.
        from unlearnbench.runs.schema import RunRecord

        try:
            data = read_object(self.record_path, lenient=True)
        except UnreadableError as error:
            if error.code == "missing":
                reason = f"{self.path} is not a run folder: it has no run.json"
                raise RunError(reason) from error
            raise RunError(f"{error}; restore it, or make the run again") from error
        return RunRecord.from_disk(data, self.record_path)

    def write_record(self, record: RunRecord) -> None:
        """Replace `run.json`."""
        text = json.dumps(record.to_disk(), indent=2, ensure_ascii=False)
        write_atomically(self.record_path, text + "\n")

    def settings(self) -> Mapping[str, Setting]:
        """The settings under which the run's answers are made. Raises `RunError`."""
        settings = self.record().generator.settings
        return {name: value for name, value in settings.items() if value is not None}

    def begin(self, probes: Sequence[Probe], record: RunRecord) -> None:
        """Create the run, or take up the one that is here.

        Raises `RunError` naming every difference if the folder belongs to another run.
        """
        if self.exists():
            different = list(self.record().identity.differences(record.identity))
            if different:
                raise RunError(
                    f"{self.path} holds another run; {'; '.join(different)}; choose another --out"
                )
            self.completions.repair()
            self.outcomes.repair()
            return
        for journal in (self.completions, self.outcomes):
            if journal.path.exists():
                raise RunError(
                    f"{self.path} holds {journal.path.name} but no run.json, so nothing says whose "
                    "answers they are; choose another --out"
                )
        lines = (json.dumps(probe_record(p), ensure_ascii=False) + "\n" for p in probes)
        write_atomically(self.path / "probes.jsonl", "".join(lines))
        self.write_record(record)

    def probes(self) -> tuple[Probe, ...]:
        """The stored plan. Raises `RunError` if it is not the one that `run.json` names."""
        journal = Journal(self.path / "probes.jsonl")
        try:
            probes = tuple(probe_from(record) for record in journal.read())
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, RunError):
                raise
            raise RunError(f"{journal.path}: not a plan ({error!r}); restore it") from error
        if plan_fingerprint(probes) != self.record().identity.plan:
            raise RunError(
                f"{journal.path} was changed: it is not the plan that run.json names; restore it"
            )
        return probes

    def read_completions(self) -> dict[ProbeKey, Completion | Failure]:
        """What was generated. A later answer closes a failure; nothing replaces an answer."""
        completions: dict[ProbeKey, Completion | Failure] = {}
        for result in _results(self.completions, completion_from):
            if not isinstance(completions.get(result.key), Completion):
                completions[result.key] = result
        return completions

    def read_outcomes(
        self, doubt: Callable[[Judgement], str | None] = lambda judgement: None
    ) -> dict[ProbeKey, Judgement | Failure]:
        """What was judged. A later verdict closes a failure; nothing replaces a verdict.

        `doubt` says why a verdict does not count, if it does not: it is then a failure.
        """
        outcomes: dict[ProbeKey, Judgement | Failure] = {}
        for result in _results(self.outcomes, outcome_from):
            reason = doubt(result) if isinstance(result, Judgement) else None
            if not isinstance(outcomes.get(result.key), Judgement):
                outcomes[result.key] = Failure(result.key, "judge", reason) if reason else result
        return outcomes

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out. The lock goes with the process, however it ends."""
        with locked(self.path):
            yield


def _results(
    journal: Journal, read: Callable[[Line], Result | Failure]
) -> Iterator[Result | Failure]:
    """What the lines of a journal hold. Raises `RunError` for a line without a key."""
    for number, record in enumerate(journal.read(), start=1):
        try:
            yield read(record)
        except ValueError as error:
            raise RunError(
                f"{journal.path}:{number}: damaged line ({error}); restore it or start a new run"
            ) from error


def default_folder(root: str, name: str, identity: Mapping[str, Any], options: RunOptions) -> Path:
    """The folder that `options` names, else `root/<name>-<8 hex of the identity>`.

    If a run is not to be resumed, the first such name that is free. Raises `RunError` if the named
    folder holds a run that is not to be resumed.
    """
    if options.out is not None:
        out = Path(options.out)
        if not options.resume and any((out / record).exists() for record in RECORDS):
            raise RunError(f"{out} holds a run already; --no-resume needs another --out")
        return out
    first = Path(root) / f"{name}-{sha256_json(dict(identity))[:8]}"
    if options.resume:
        return first
    numbered = (first.with_name(f"{first.name}.{number}") for number in count(2))
    return next(path for path in chain([first], numbered) if not path.exists())
