"""How a training run is stepped: settings of the trainer, not of a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from unlearnbench.errors import TrainingError
from unlearnbench.naming import nearest
from unlearnbench.types import Setting

Questions = Literal["all", "paraphrases"]
OWN_OPTIMIZER = "auto"
"""The trainer's own: AdamW as PyTorch has it."""
ADDED: Mapping[str, Setting] = {"questions": "all", "parameter delta": 0.0, "optim": OWN_OPTIMIZER}
"""What came later, with the value under which a training is what it was before."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Defaults are the paper's (arXiv 2509.02820): AdamW, batches of 4 + 4, linear schedule.

    An epoch is one pass over the forget rows; `max_steps` (0: no limit) cuts it short. `batch_size`
    forget rows and `retain_batch_size` retain rows (0: as many) make a micro-batch, `accumulation`
    of them a step, dealt to the processes where there are several. `lambda_f`, `lambda_r` weigh the
    two losses. `icr_share` of the micro-batches are asked after three in-context retain samples.
    `questions`: train on `all`, or on the training `paraphrases` alone. `max_length` is in tokens.
    `stop_loss`: stop after an epoch whose mean forget loss is below (0: never). `save_every` steps
    a checkpoint is kept to go on from (0: once an epoch). `optim`: a name that transformers has for
    an optimiser, such as `adamw_8bit` or `paged_adamw_8bit` (`auto`: AdamW in float32). `lora_rank`
    0: all weights are trained; `lora_alpha` 0: twice the rank.
    """

    lr: float = 8e-6
    weight_decay: float = 0.01
    batch_size: int = 4
    retain_batch_size: int = 0
    accumulation: int = 1
    epochs: float = 10.0
    max_steps: int = 0
    warmup_epochs: float = 1.0
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    max_grad_norm: float = 1.0
    lambda_f: float = 0.5
    lambda_r: float = 0.5
    icr_share: float = 0.0
    questions: Questions = "all"
    max_length: int = 256
    stop_loss: float = 0.0
    seed: int = 0
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    gradient_checkpointing: bool = False
    optim: str = OWN_OPTIMIZER
    save_every: int = 0
    lora_rank: int = 0
    lora_alpha: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises `TrainingError`."""
        for name in ("lr", "batch_size", "accumulation", "epochs", "max_length"):
            if not getattr(self, name) > 0:
                raise TrainingError(f"{name} = {getattr(self, name)}: must be greater than 0")
        if not 0 <= self.icr_share <= 1:
            raise TrainingError(f"icr_share = {self.icr_share}: must lie in 0 … 1")
        for name in ("weight_decay", "warmup_epochs", "lambda_f", "lambda_r", "max_steps"):
            if not getattr(self, name) >= 0:
                raise TrainingError(f"{name} = {getattr(self, name)}: must be 0 or more")


def with_settings(
    settings: TrainSettings, parameters: Any, changes: Mapping[str, Setting | str]
) -> tuple[TrainSettings, Any]:
    """Both dataclasses with `changes` applied, each to the one that has the field.

    Texts are read as the field's type. Raises `TrainingError` for an unknown name (with the
    nearest) or a value that does not fit.
    """
    of_method = {f.name: False for f in fields(settings)}
    of_method |= {f.name: True for f in fields(parameters)}
    new_settings: dict[str, Any] = {}
    new_parameters: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in of_method:
            raise TrainingError(f"--set {name}: no such setting; {nearest(name, of_method)}")
        owner = parameters if of_method[name] else settings
        (new_parameters if of_method[name] else new_settings)[name] = _read(owner, name, value)
    return replace(settings, **new_settings), replace(parameters, **new_parameters)


def _read(owner: Any, name: str, value: Setting | str) -> Any:
    wanted = get_type_hints(type(owner))[name]
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise TrainingError(f"--set {name}={value}: one of {', '.join(get_args(wanted))}")
        return value
    try:
        if wanted is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if wanted is int and float(value) != int(float(value)):
            raise ValueError(value)
        return int(float(value)) if wanted is int else wanted(value)
    except (ValueError, KeyError, OverflowError) as error:
        raise TrainingError(f"--set {name}={value}: must be of type {wanted.__name__}") from error


EVERY = "*"
"""In a preset: every method."""
PRESETS: Mapping[str, Mapping[str, Mapping[str, Setting]]] = {
    "paper": {
        EVERY: {
            "lr": 8e-6,
            "weight_decay": 0.01,
            "batch_size": 4,
            "accumulation": 8,
            "epochs": 10.0,
            "warmup_epochs": 1.0,
            "questions": "paraphrases",
            "max_length": 512,
        },
        "jensun": {"layout": "authors", "lambda_f": 0.5, "lambda_r": 0.5},
        "kl-refusal": {"lambda_f": 0.5, "lambda_r": 0.5},
    },
    "smollm2-135m": {
        "jensun": {
            "lr": 4e-5,
            "lambda_f": 0.4,
            "lambda_r": 1.0,
            "batch_size": 8,
            "retain_batch_size": 12,
            "icr_share": 0.35,
            "warmup_kl_steps": 25,
            "warmup_epochs": 0.1,
            "epochs": 20.0,
            "max_steps": 400,
        },
    },
}
"""Preset -> method -> settings.

`paper` is how arXiv 2509.02820 trains on LKF, by its authors' script: 32 rows of each side a step
(4 a device, 2 devices, 4 micro-batches), the training paraphrases alone. Its text weighs both
losses by a half, its configuration by 1; AdamW takes nearly the same steps.
"""


def preset_settings(preset: str | None, method: str) -> Mapping[str, Setting]:
    """What a preset says about every method and about this one (nothing, if it names neither).

    Raises `TrainingError` with the nearest name for an unknown preset.
    """
    if preset is None:
        return {}
    if preset not in PRESETS:
        raise TrainingError(f"--preset {preset}: unknown; {nearest(preset, PRESETS)}")
    chosen = PRESETS[preset]
    return {**chosen.get(EVERY, {}), **chosen.get(method, {})}
