"""A paraphraser defined by a folder with `paraphraser.toml`, `prompt.md` and `second.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from unlearnbench.errors import ParaphraserError
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import nearest
from unlearnbench.paths import content_root
from unlearnbench.remote import settings
from unlearnbench.remote.settings import ModelSettings, Role, prompt_in, settings_in

Task = Literal[
    "propose",
    "second",
    "neighbours",
    "never",
    "answers",
    "syntax",
    "prose",
    "forms",
    "indirect",
    "follows",
]
"""What a definition's model can be asked for: paraphrases, to read some a second time, further
facts, invented ones, bare answers, rows for attacks, and answers that follow from a fact.
"""
PROMPTS: Mapping[Task, str] = {
    "propose": "prompt.md",
    "second": "second.md",
    "neighbours": "neighbours.md",
    "never": "never.md",
    "answers": "answers.md",
    "syntax": "syntax.md",
    "prose": "prose.md",
    "forms": "forms.md",
    "indirect": "indirect.md",
    "follows": "follows.md",
}
"""The file of each task's instructions in a definition's folder."""
LAYOUTS: Mapping[Task, str] = dict.fromkeys(PROMPTS, "1")
"""Raised when the layout of a task's calls changes; part of every identity."""
_SECOND: frozenset[Task] = frozenset({"second", "answers", "follows"})
"""Tasks of the second reader."""
DECISIVE = settings.DECISIVE | {"facts_per_call"}
_FILE = "paraphraser.toml"


class _Second(BaseModel):
    """What differs when the model reads a second time."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    temperature: float | None = Field(ge=0, default=None)
    facts_per_call: int = Field(ge=1, default=4)


class ParaphraserFile(ModelSettings):
    """`paraphraser.toml`. `second` overrides settings for the second reading.

    Without `structured` a call is about one fact, and its reply may be lines instead of JSON.
    """

    role: ClassVar[Role] = Role("paraphraser", ParaphraserError, _FILE, "--paraphraser")
    provider: Literal["gemini", "openai", "local"]
    facts_per_call: int = Field(ge=1, default=4)
    second: _Second = _Second()

    @model_validator(mode="after")
    def _one_fact_a_call(self) -> Self:
        if not self.structured and max(self.facts_per_call, self.second.facts_per_call) > 1:
            raise ValueError("without `structured`, facts_per_call is 1, here and in [second]")
        return self


class SecondFile(ParaphraserFile):
    """The same for the second reader."""

    role: ClassVar[Role] = Role("second reader", ParaphraserError, _FILE, "--second-reader")


@dataclass(frozen=True, slots=True)
class ParaphraserDefinition:
    """One task of a paraphraser's folder: settings and instructions."""

    name: str
    task: Task
    file: ParaphraserFile
    prompt: str

    @property
    def identity(self) -> str:
        """sha256 of instructions, decisive fields and the layout of calls."""
        fields = self.file.model_dump(include=set(DECISIVE))
        return sha256_json([self.task, LAYOUTS[self.task], fields, self.prompt])

    def with_model(self, model: str, label: str | None = None) -> ParaphraserDefinition:
        """The same with another model, whose price is unknown. Its name ends in the model's name,
        or in `label`.
        """
        file = self.file.model_copy(update={"model": model, "price": None})
        base = self.name.partition(":")[0]
        return ParaphraserDefinition(f"{base}:{label or model}", self.task, file, self.prompt)


def paraphraser_names() -> list[str]:
    """Names of the paraphrasers that ship with the package."""
    return sorted(path.parent.name for path in (content_root() / "paraphrasers").glob(f"*/{_FILE}"))


def load_paraphraser(spec: str, task: Task) -> ParaphraserDefinition:
    """One task of the shipped paraphraser `spec`, or of the folder `spec`, or of `NAME:MODEL`.

    Raises `ParaphraserError` for an unknown name (and suggests the nearest one), or with the file
    and the wrong key.
    """
    name, _, model = spec.partition(":")
    whole = _definition(spec, task)
    if whole is not None:
        return whole
    definition = _definition(name, task)
    if definition is None:
        raise ParaphraserError(
            f"unknown paraphraser {name!r}, and no folder with a {_FILE}; "
            f"{nearest(name, paraphraser_names())}"
        )
    return definition.with_model(model) if model else definition


def _definition(name: str, task: Task) -> ParaphraserDefinition | None:
    shipped = name in paraphraser_names()
    folder = content_root() / "paraphrasers" / name if shipped else Path(name)
    file = settings_in(folder, SecondFile if task in _SECOND else ParaphraserFile)
    if file is None:
        return None
    if task in _SECOND:
        file = file.model_copy(update=file.second.model_dump())
    return ParaphraserDefinition(
        folder.name, task, file, prompt_in(folder / PROMPTS[task], file.role)
    )
