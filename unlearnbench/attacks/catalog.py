"""Relearning profiles: everything that decides a trajectory, frozen and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unlearnbench.benchmark import Benchmark
from unlearnbench.errors import TrainingError
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import nearest

BENIGN = ("disjoint", "syntax", "near", "near-miss", "prose", "retain")
"""Arms that teach nothing of what was forgotten; the worst of them ranks a checkpoint."""
TEACHING = ("half", "forget")
"""Arms that teach some or all of it: a held-out half, and the upper anchor. Reported apart."""
ARMS = (*BENIGN, *TEACHING)
LONG = (512, 1024, 2048)


@dataclass(frozen=True, slots=True)
class RelearnProfile:
    """Budgets are optimiser steps; `steps` are those after which the model is asked.

    Each step takes `batch_size` rows of at most `max_length` tokens; plain text is cut into rows of
    `text_tokens`. The loss is taken at answers (every token of plain text). The learning rate is
    constant; weights and products are float32. `per_style` and `contexts` say how forget and
    never-known facts are asked; `retain_facts` of each tier are asked once, as first worded.
    """

    name: str
    steps: tuple[int, ...]
    seeds: tuple[int, ...]
    per_style: int | None
    contexts: tuple[str, ...]
    retain_facts: int
    batch_size: int = 8
    lr: float = 1e-5
    lora_lr: float = 2e-4
    lora_rank: int = 16
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    max_length: int = 256
    text_tokens: int = 64

    @property
    def wire(self) -> dict[str, object]:
        """The profile under the names it is stored and fingerprinted by, whatever Python's are."""
        return {
            "name": self.name,
            "steps": list(self.steps),
            "seeds": list(self.seeds),
            "per_style": self.per_style,
            "contexts": list(self.contexts),
            "retain_facts": self.retain_facts,
            "batch_size": self.batch_size,
            "lr": self.lr,
            "lora_lr": self.lora_lr,
            "lora_rank": self.lora_rank,
            "weight_decay": self.weight_decay,
            # The same for every profile; stored records state them, and fingerprints cover them.
            "schedule": "constant",
            "precision": "float32",
            "loss_on": "answer tokens; all tokens of plain text",
            "max_grad_norm": self.max_grad_norm,
            "max_length": self.max_length,
            "text_tokens": self.text_tokens,
        }

    @property
    def fingerprint(self) -> str:
        """sha256 of all fields."""
        return sha256_json(self.wire)


PROFILES = {
    "quick": RelearnProfile("quick", (0, 2, 4, 8, 16, 32), (0,), 1, ("plain",), 10),
    "full": RelearnProfile(
        "full",
        (0, 1, 2, 4, 8, 16, 32, 64, 128, 256),
        (0, 1, 2),
        None,
        ("plain", "icr"),
        40,
    ),
}


def get_relearn_profile(name: str, long: bool = False) -> RelearnProfile:
    """The profile called `name`; `long` goes on to 2,048 steps. Raises `TrainingError`."""
    from dataclasses import replace

    if name not in PROFILES:
        raise TrainingError(f"--profile {name}: {nearest(name, PROFILES)}")
    profile = PROFILES[name]
    if not long:
        return profile
    missing = (s for s in (64, 128, 256, *LONG) if s > profile.steps[-1])
    return replace(profile, name=f"{name}-long", steps=(*profile.steps, *missing))


def available_arms(benchmark: Benchmark) -> list[str]:
    """The arms a benchmark has, in order."""
    shipped = {part.name for part in benchmark.relearn} | {"retain", "forget"}
    return [arm for arm in ARMS if arm in shipped]


def default_arms(benchmark: Benchmark, profile: str) -> list[str]:
    """The arms of a profile: one benign one in `quick`, all that the benchmark has in others."""
    available = available_arms(benchmark)
    return available[:1] if profile == "quick" else available


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a stress test: `per_style` paraphrases per style, and `samples` per fact."""

    name: Literal["quick", "full"]
    per_style: int
    samples: int
    limit: int | None = None


SCALES = {
    "quick": Scale("quick", per_style=0, samples=8),
    "full": Scale("full", per_style=1, samples=32),
}
