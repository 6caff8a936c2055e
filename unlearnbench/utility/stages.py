"""Complete parts of a measurement, kept beside the record that it ends in.

    kept = KeptStages(folder / "utility.json")
    stages = kept.of(generator, sets.fingerprint)   # one model's
    letters = stages.get("letters", measure)        # measured, or read back

A stage counts only for the same questions, the same weights and the same settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from unlearnbench.errors import RunError
from unlearnbench.files.disk import writing
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Generator
from unlearnbench.runs.journal import Journal
from unlearnbench.runs.schema.base import fault, utc_now
from unlearnbench.runs.schema.utility import Measurement, Stage, StoredAnswer, UtilityRecord
from unlearnbench.runs.utility import read_utility
from unlearnbench.types import Setting

_FOUND = ("batch_size", "cache_tokens")
"""Settings that an engine finds for itself and adopts from what is resumed."""


class KeptStages:
    """What is complete of a record at `path`; without a path nothing is kept.

    Raises `RunError` if something stands there that is no such record.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._journal = None if path is None else Journal(path.with_name(f".{path.name}.stages"))
        self.record = read_utility(path) if path is not None and path.exists() else None
        self._stages = [] if self._journal is None else _read(self._journal)
        if self.record is not None:
            self._stages += _stages_of(self.record)

    def of(self, generator: Generator, data: str) -> Stages:
        """The stages of one model, whose engine adopts the settings that they were made with."""
        info = generator.info
        settings = {"prompt_format": info.prompt_format, **info.settings}
        key = _key(data, info.fingerprint, settings)
        mine = {stage.name: stage for stage in reversed(self._stages) if stage.key == key}
        begun = mine.get("begun")
        if begun is None:
            begun = Stage(key=key, name="begun", settings=settings, created=utc_now())
            _keep(self._journal, begun)
        generator.adopt({n: v for n, v in begun.settings.items() if v is not None})
        return Stages(self._journal, begun, mine)

    def close(self) -> None:
        """Remove what was kept: the record is written."""
        if self._journal is not None:
            with writing(self._journal.path):
                self._journal.path.unlink(missing_ok=True)


class Stages:
    """The stages of one model."""

    def __init__(self, journal: Journal | None, begun: Stage, done: Mapping[str, Stage]) -> None:
        self._journal, self._begun, self._done = journal, begun, done

    @property
    def created(self) -> str:
        """When the measurement began."""
        return self._begun.created

    @property
    def settings(self) -> Mapping[str, Setting | None]:
        """The engine's settings when it began."""
        return self._begun.settings

    def get(self, name: str, measure: Callable[[], Stage]) -> Stage:
        """A stage as it was kept, or measured now; while an answer is open, all are asked again."""
        if name in self._done:
            return self._done[name]
        stage = measure().model_copy(update={"key": self._begun.key, "name": name})
        if not _open(stage.answers):
            _keep(self._journal, stage)
        return stage


def _key(data: str, fingerprint: str, settings: Mapping[str, Setting | None]) -> str:
    decisive = {name: value for name, value in settings.items() if name not in _FOUND}
    return sha256_json([data, fingerprint, decisive])


def _open(answers: Mapping[str, StoredAnswer]) -> bool:
    return any(answer.text is None for answer in answers.values())


def _keep(journal: Journal | None, stage: Stage) -> None:
    if journal is not None:
        journal.append([stage.model_dump(mode="json", exclude_defaults=True)])


def _read(journal: Journal) -> list[Stage]:
    """What a killed process left. Raises `RunError` for lines that are no stages."""
    journal.repair()
    try:
        return [Stage.model_validate(line) for line in journal.read()]
    except ValidationError as error:
        raise RunError(f"{journal.path}: {fault(error)}; remove it to measure again") from error


def _stages_of(record: UtilityRecord) -> list[Stage]:
    """The stages of a finished record, of the model and of its base."""
    both = (record.model, record.base)
    return [s for one in both if one and one.settings for s in _measured(one, record)]


def _measured(measured: Measurement, record: UtilityRecord) -> list[Stage]:
    key = _key(record.data, measured.fingerprint, measured.settings)
    stages = [
        Stage(key=key, name="begun", settings=measured.settings, created=record.created),
        Stage(key=key, name="letters", rows=measured.letters),
        Stage(key=key, name="choices", rows=measured.choices),
        Stage(key=key, name="prose", rows=measured.prose, vocabulary=measured.vocabulary),
        *(Stage(key=key, name=f"table {t.data}", table=t) for t in measured.tables.values()),
    ]
    for data in dict.fromkeys(task.data for task in measured.tasks.values()):
        tasks = {name: task for name, task in measured.tasks.items() if task.data == data}
        stages.append(Stage(key=key, name=f"task {data}", tasks=tasks))
    answered = {"answers": measured.answers} | {
        f"instructions {t.data}": t.answers for t in measured.instructions.values()
    }
    whole = {name: answers for name, answers in answered.items() if not _open(answers)}
    return stages + [Stage(key=key, name=n, answers=answers) for n, answers in whole.items()]
