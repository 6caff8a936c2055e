"""What is trained and asked, all of it fixed before any result was seen.

JensUn's rate and weights are those of preset `smollm2-135m`, which were found on well-known facts.
It begins with KL steps because it stalls on facts that were fine-tuned to certainty. Steps and rows
a step are what two CPU cores can do; checkpoints to go on from are not kept for so few of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from unlearnbench import SyntheticOptions
from unlearnbench.hashing import sha256_json
from unlearnbench.types import Setting

BASE = "smollm2-135m"
PROFILE = "quick"
SEEDS = (0, 1, 2)
FACTS = 8
NUMBERS = (4, 8, 12)
"""Forget facts of the arms that vary their number; `FACTS` is the main design."""
FREQUENCY = (1, 4)

IMPLANT: Mapping[str, Setting | str] = {
    "lr": 2e-4,
    "batch_size": 8,
    "epochs": 12,
    "warmup_epochs": 0.2,
    "schedule": "constant_with_warmup",
    "stop_loss": 0.1,
    "save_every": 1000,
}
UNLEARN: Mapping[str, Setting | str] = {
    "lr": 4e-5,
    "batch_size": 4,
    "retain_batch_size": 8,
    "epochs": 100,
    "max_steps": 30,
    "warmup_epochs": 0.1,
    "warmup_kl_steps": 10,
    "save_every": 1000,
}
ARMS: Mapping[str, Mapping[str, Setting | str]] = {
    "forget term": {"lambda_f": 0.4, "lambda_r": 0.0},
    "both terms": {"lambda_f": 0.4, "lambda_r": 1.0},
    "retain term": {"lambda_f": 0.0, "lambda_r": 1.0},
}
"""JensUn's weights in each arm; those of `both terms` are the preset's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A benchmark of `facts` forget facts, implanted and unlearnt with one seed."""

    facts: int
    seed: int

    @property
    def options(self) -> SyntheticOptions:
        """Its benchmark; everything that is not varied here is held."""
        return SyntheticOptions(facts=self.facts, frequency=FREQUENCY, seed=self.seed)

    @property
    def arms(self) -> Mapping[str, Mapping[str, Setting | str]]:
        """All arms in the main design, `both terms` where only the number of facts varies."""
        return ARMS if self.facts == FACTS else {"both terms": ARMS["both terms"]}

    def folder(self, out: Path) -> Path:
        """Where it lies, named by all that decides what is implanted."""
        decides = [BASE, PROFILE, asdict(self.options), dict(IMPLANT)]
        return out / f"{self.facts}-facts-seed-{self.seed}-{sha256_json(decides)[:8]}"

    def arm_folder(self, out: Path, arm: str) -> Path:
        """The folder of an arm, named by its settings too."""
        digest = sha256_json([dict(UNLEARN), dict(self.arms[arm])])
        return self.folder(out) / f"{arm.replace(' ', '-')}-{digest[:8]}"


def cells(seeds: tuple[int, ...] = SEEDS, numbers: tuple[int, ...] = NUMBERS) -> list[Cell]:
    """All cells, those of the main design first."""
    ordered = sorted(numbers, key=lambda number: (number != FACTS, number))
    return [Cell(number, seed) for number in ordered for seed in seeds]
