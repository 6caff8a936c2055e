"""What a training needs, seen to before anything is loaded: libraries, and rows to deal."""

from __future__ import annotations

from transformers.training_args import OptimizerNames

from unlearnbench.environment import extra, this_process
from unlearnbench.errors import TrainingError
from unlearnbench.naming import nearest
from unlearnbench.training.settings import OWN_OPTIMIZER, TrainSettings

_REPORTERS = ("tensorboard", "wandb", "trackio")

_TORCHAO = frozenset({"adamw_torch_4bit", "adamw_torch_8bit"})
_BITSANDBYTES = frozenset(
    {
        *("adamw_8bit", "adamw_bnb_8bit", "paged_adamw_8bit", "paged_adamw_32bit"),
        *("ademamix", "ademamix_8bit", "paged_ademamix_8bit", "paged_ademamix_32bit"),
        *("lion_8bit", "lion_32bit", "paged_lion_8bit", "paged_lion_32bit"),
        *("rmsprop_bnb", "rmsprop_bnb_8bit", "rmsprop_bnb_32bit"),
    }
)
_PLAIN = frozenset({"adamw_torch", "adamw_torch_fused", "adafactor", "sgd", "adagrad", "rmsprop"})
OPTIMIZERS = frozenset({OWN_OPTIMIZER}) | _TORCHAO | _BITSANDBYTES | _PLAIN
"""Those that need no arguments of their own and do not step inside backward."""


def check_needs(settings: TrainSettings, report_to: str) -> None:
    """See that every library that this training will need is there, before anything is loaded.

    Raises `TrainingError` for an unknown logger, `MissingExtraError` for what is not installed.
    """
    _check_dealing(settings)
    _check_optimizer(settings.optim)
    if report_to not in ("none", *_REPORTERS):
        known = ", ".join(("none", *_REPORTERS))
        raise TrainingError(f"--report-to {report_to}: one of {known}")
    if report_to != "none":
        extra(report_to, report_to)
    if settings.lora_rank:
        extra("peft", "peft")


def _check_dealing(settings: TrainSettings) -> None:
    """The micro-batches of a step are dealt to the processes, so that each has as many."""
    count = this_process().count
    if settings.accumulation % count:
        raise TrainingError(
            f"accumulation = {settings.accumulation}: the micro-batches of a step are dealt to "
            f"{count} processes, so give a multiple of {count}: --accumulation {count} with a "
            f"--batch-size {count} times smaller has as many rows a step"
        )


def _check_optimizer(name: str) -> None:
    """See that an optimiser is known and its library is installed.

    Raises `TrainingError` with the nearest name, or `MissingExtraError`.
    """
    known = OPTIMIZERS & ({member.value for member in OptimizerNames} | {OWN_OPTIMIZER})
    if name not in known:
        raise TrainingError(f"--set optim={name}: no such optimiser; {nearest(name, known)}")
    if name in _BITSANDBYTES:
        extra("bitsandbytes", "bitsandbytes")
        if this_process().count > 1:
            raise TrainingError(
                f"--set optim={name}: bitsandbytes does not step sharded weights; "
                "adamw_torch_8bit (torchao) does"
            )
    if name in _TORCHAO:
        extra("torchao", "torchao")
