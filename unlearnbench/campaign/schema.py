"""What a plan file may hold.

benchmark = "wkf"              # or rwku, tofu, muse, with source = "hub" or a folder
models = ["smollm2-135m"]
seeds = [0, 1]

[score]
profile = "standard"
utility = true                 # also what each checkpoint can still do

[stress]                       # left out: no stress test
[relearn]                      # left out: no relearning
arms = ["benign"]

[[train]]
method = "jensun"
preset = "smollm2-135m"
settings = { lambda_f = [0.2, 0.4] }    # each value, and with several names each combination

[[train]]
method = "npo"
settings = { lr = [1e-5, 3e-5], max_steps = 60 }
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^-\s].*\S$|^[^-\s]$")
]
"""A name as it would be typed; it cannot be taken for an option."""
Value = bool | int | float | Annotated[str, StringConstraints(min_length=1, max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ScoreChoices(_Strict):
    """How every checkpoint and every base is scored."""

    profile: Name | None = None
    judge: Name | None = None
    engine: Name = "transformers"
    utility: bool = False

    @model_validator(mode="after")
    def _utility_needs_weights(self) -> Self:
        if self.utility and self.engine != "transformers":
            raise ValueError(f"utility = true: engine {self.engine} cannot measure it")
        return self


class StressChoices(_Strict):
    """How every checkpoint is stress-tested."""

    profile: Literal["quick", "full"] = "quick"
    judge: Name | None = None


class RelearnChoices(_Strict):
    """How every checkpoint is taught again."""

    profile: Literal["quick", "full"] = "quick"
    arms: Annotated[list[Name], Field(min_length=1)] = ["disjoint"]
    judge: Name | None = None


class TrainChoices(_Strict):
    """A method and its settings; a list of values makes one training for each."""

    method: Name
    preset: Name | None = None
    settings: Mapping[Name, Value | Annotated[list[Value], Field(min_length=1)]] = {}


class PlanFile(_Strict):
    """A whole plan."""

    benchmark: Name
    source: Name | None = None
    models: Annotated[list[Name], Field(min_length=1)]
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [0]
    train: list[TrainChoices] = []
    score: ScoreChoices = ScoreChoices()
    stress: StressChoices | None = None
    relearn: RelearnChoices | None = None
