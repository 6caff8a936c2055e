"""A judge defined by a folder with `judge.toml` and `prompt.md`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from unlearnbench.errors import JudgeError, UnreadableError
from unlearnbench.files.reading import read_text, read_toml
from unlearnbench.hashing import sha256_json
from unlearnbench.paths import content_root

Text = Annotated[str, StringConstraints(min_length=1)]
DECISIVE = frozenset(
    {
        "provider",
        "model",
        "rubric_version",
        "temperature",
        "max_output_tokens",
        "seed",
        "thinking_budget",
        "thinking_level",
        "structured",
        "responses_per_call",
    }
)
"""Fields that can change a verdict and so belong to a judge's identity; the others concern speed,
cost and retries.
"""


class Price(BaseModel):
    """US dollars a million tokens, as listed on `listed` (a date)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    listed: Text


class JudgeFile(BaseModel):
    """`judge.toml`.

    `thinking_budget` (tokens, 0 for none) limits the thoughts of Gemini 2.5, `thinking_level` those
    of later models. `structured`: replies follow a JSON schema; otherwise the verdicts are on the
    last line. `temperature`, `max_output_tokens`, `seed` and the two thinking fields are only sent
    where they are set: some models refuse them. `members` and `rule` belong to a jury.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    provider: Literal["gemini", "openai", "local", "jury"]
    title: Text
    model: str | None = None
    rubric_version: Text = "1"
    temperature: float | None = Field(ge=0, default=None)
    max_output_tokens: int | None = Field(ge=1, default=None)
    seed: int | None = None
    thinking_budget: int | None = None
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = None
    structured: bool = True
    responses_per_call: int = Field(ge=1, default=64)
    price: Price | None = None
    concurrency: int = Field(ge=1, default=16)
    requests_per_minute: int | None = Field(ge=1, default=None)
    timeout_s: float = Field(gt=0, default=60.0)
    attempts: int = Field(ge=1, default=8)
    backoff_s: float = Field(ge=0, default=0.5)
    members: list[Text] = []
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
    path = folder / "judge.toml"
    if not path.is_file():
        return None
    try:
        file = JudgeFile.model_validate(read_toml(path))
    except UnreadableError as error:
        raise JudgeError(str(error)) from error
    except ValidationError as error:
        raise JudgeError(f"{path}: {_first_problem(error)}") from error
    if file.provider == "jury":
        return JudgeDefinition(folder.name, file, "")
    try:
        prompt = read_text(folder / "prompt.md").strip()
    except UnreadableError as error:
        raise JudgeError(f"{error.where}: cannot be read: {error.what}") from error
    if not prompt:
        raise JudgeError(f"{folder / 'prompt.md'} is empty; write the rubric there")
    return JudgeDefinition(folder.name, file, prompt)


def _first_problem(error: ValidationError) -> str:
    problem: Any = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
