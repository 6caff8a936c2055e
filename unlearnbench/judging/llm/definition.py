"""A judge defined by a folder with `judge.toml` and `prompt.md`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from unlearnbench.errors import JudgeError
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root
from unlearnbench.remote import settings
from unlearnbench.remote.settings import ModelSettings, Role, Text, prompt_in, settings_in

ROLE = Role("judge", JudgeError, "judge.toml", "--judge")
DECISIVE = settings.DECISIVE | {"rubric_version", "responses_per_call"}
"""Fields that can change a verdict and so belong to a judge's identity."""


class JudgeFile(ModelSettings):
    """`judge.toml`.

    Without `structured` the verdicts are on the last line. `members` and `rule` belong to a jury.
    """

    role: ClassVar[Role] = ROLE
    provider: Literal["gemini", "openai", "local", "jury"]
    rubric_version: Text = "1"
    responses_per_call: int = Field(ge=1, default=64)
    members: tuple[Text, ...] = ()
    rule: Literal["majority", "any"] = "majority"


@dataclass(frozen=True, slots=True)
class JudgeDefinition:
    """A judge folder, read. `prompt` is empty for a jury."""

    name: str
    file: JudgeFile
    prompt: str

    @property
    def identity(self) -> str:
        """sha256 of prompt and decisive fields."""
        fields = self.file.model_dump(include=set(DECISIVE))
        return sha256_json([fields, self.prompt])

    def with_model(self, model: str, label: str | None = None) -> JudgeDefinition:
        """The same judge with another model, whose price is unknown. Its name ends in the model's
        name, or in `label`, so that two of them can be in one jury.
        """
        file = self.file.model_copy(update={"model": model, "price": None})
        base = self.name.partition(":")[0]
        return JudgeDefinition(f"{base}:{label or model}", file, self.prompt)


def definition_names() -> list[str]:
    """Names of the judge folders that ship with the package."""
    root = content_root() / "judges"
    return sorted(path.parent.name for path in root.glob("*/judge.toml"))


def load_definition(name: str) -> JudgeDefinition | None:
    """The shipped judge called `name`, or the one in the folder `name`; None if there is neither.

    Raises `JudgeError` with the file and the wrong key.
    """
    folder = content_root() / "judges" / name if name in definition_names() else Path(name)
    file = settings_in(folder, JudgeFile)
    if file is None:
        return None
    prompt = "" if file.provider == "jury" else prompt_in(folder / "prompt.md", ROLE)
    return JudgeDefinition(folder.name, file, prompt)
