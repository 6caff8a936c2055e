"""What a definition says of its model: which it is, how it is asked, what it costs.

A definition is a folder with settings (`judge.toml`, `paraphraser.toml`) and prompts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from unlearnbench.errors import UnlearnbenchError, UnreadableError
from unlearnbench.files.reading import read_text, read_toml

Text = Annotated[str, StringConstraints(min_length=1)]
DECISIVE = frozenset(
    {
        "provider",
        "model",
        "temperature",
        "max_output_tokens",
        "seed",
        "thinking_budget",
        "thinking_level",
        "structured",
    }
)
"""Fields that can change a reply; the others concern speed, cost and retries."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a model is asked as: the word for it, and the error that its definition can cause.

    `file` has the settings, `option` names the model on the command line.
    """

    noun: str
    error: type[UnlearnbenchError]
    file: str
    option: str


class Price(BaseModel):
    """US dollars a million tokens, as listed on `listed` (a date)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    listed: Text


class ModelSettings(BaseModel):
    """The settings that all roles share.

    `thinking_budget` (tokens, 0 for none) limits the thoughts of Gemini 2.5, `thinking_level` those
    of later models. `structured`: replies follow a JSON schema. `temperature`, `max_output_tokens`,
    `seed` and the two thinking fields are only sent where they are set: some models refuse them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    role: ClassVar[Role]
    provider: str
    title: Text
    model: str | None = None
    temperature: float | None = Field(ge=0, default=None)
    max_output_tokens: int | None = Field(ge=1, default=None)
    seed: int | None = None
    thinking_budget: int | None = None
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = None
    structured: bool = True
    price: Price | None = None
    concurrency: int = Field(ge=1, default=16)
    requests_per_minute: int | None = Field(ge=1, default=None)
    timeout_s: float = Field(gt=0, default=60.0)
    attempts: int = Field(ge=1, default=8)
    backoff_s: float = Field(ge=0, default=0.5)


S = TypeVar("S", bound=ModelSettings)


def settings_in(folder: Path, settings: type[S]) -> S | None:
    """The settings in a definition's folder; None without the file.

    Raises the role's error with the file and the wrong key.
    """
    path = folder / settings.role.file
    if not path.is_file():
        return None
    try:
        return settings.model_validate(read_toml(path))
    except UnreadableError as error:
        raise settings.role.error(str(error)) from error
    except ValidationError as error:
        problem: Any = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise settings.role.error(f"{path}: {where}: {problem['msg']}") from error


def prompt_in(path: Path, role: Role) -> str:
    """A definition's prompt. Raises the role's error if it cannot be read or is empty."""
    try:
        prompt = read_text(path).strip()
    except UnreadableError as error:
        raise role.error(f"{error.where}: cannot be read: {error.what}") from error
    if not prompt:
        raise role.error(f"{path} is empty; write the prompt there")
    return prompt
