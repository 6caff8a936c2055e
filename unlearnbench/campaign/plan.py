"""Read a plan file, and name its trainings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from pydantic import BaseModel, ValidationError

from unlearnbench.campaign.schema import (
    PlanFile,
    RelearnChoices,
    ScoreChoices,
    StressChoices,
    TrainChoices,
)
from unlearnbench.errors import CampaignError, UnreadableError
from unlearnbench.files.reading import read_toml
from unlearnbench.naming import nearest


def read_plan(path: Path) -> PlanFile:
    """The plan in a TOML file. Raises `CampaignError` with the place of the first fault."""
    try:
        plan = PlanFile.model_validate(read_toml(path))
    except UnreadableError as error:
        raise CampaignError(str(error)) from error
    except ValidationError as error:
        raise CampaignError(f"{path}: {_first_fault(error)}") from error
    for name, values in (("models", plan.models), ("seeds", plan.seeds)):
        if len(set(values)) != len(values):
            raise CampaignError(f"{path}: {name}: a value stands there twice")
    return plan


_PARTS: dict[str, type[BaseModel]] = {
    "train": TrainChoices,
    "score": ScoreChoices,
    "stress": StressChoices,
    "relearn": RelearnChoices,
}


def _first_fault(error: ValidationError) -> str:
    faults = error.errors()
    # A misspelt name comes before the one that is missing because of it.
    fault = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    place = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "extra_forbidden":
        above, name = fault["loc"][:-1], str(fault["loc"][-1])
        part = _PARTS[str(above[0])] if above else PlanFile
        return f"{place}: there is no such name here; {nearest(name, part.model_fields)}"
    if fault["type"] == "string_pattern_mismatch":
        return (
            f"{place}: {fault['input']!r} is no name: it begins with a hyphen or has blanks around"
        )
    return f"{place}: {fault['msg']}"


@dataclass(frozen=True, slots=True)
class Training:
    """One checkpoint to be trained; `settings` as they would be typed."""

    model: str
    method: str
    preset: str | None
    settings: tuple[tuple[str, str], ...]
    seed: int

    @property
    def described(self) -> str:
        """Preset and settings in one line."""
        texts = [f"preset {self.preset}"] if self.preset else []
        return ", ".join([*texts, *(f"{name}={value}" for name, value in self.settings)])


def trainings(plan: PlanFile) -> Iterator[Training]:
    """Every training of a plan: models × methods × combinations of settings × seeds."""
    for model, part in product(plan.models, plan.train):
        names = sorted(part.settings)
        grid = [_values(part.settings[name]) for name in names]
        for values, seed in product(product(*grid), plan.seeds):
            settings = tuple(zip(names, values, strict=True))
            yield Training(model, part.method, part.preset, settings, seed)


def _values(value: object) -> Sequence[str]:
    """A setting's values as they would be typed."""
    values = value if isinstance(value, list) else [value]
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in values]
