"""The arguments of `transformers.Trainer` that a training's settings come to."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from unlearnbench.engines.transformers.loading import choose_dtype
from unlearnbench.environment import this_process
from unlearnbench.training.schedule import Schedule
from unlearnbench.training.settings import OWN_OPTIMIZER, TrainSettings


def _chosen(library: str) -> bool:
    return os.environ.get(f"ACCELERATE_USE_{library}", "false").lower() == "true"


_DEEPSPEED, _FSDP = _chosen("DEEPSPEED"), _chosen("FSDP")
"""What the configuration of `accelerate launch` chooses; accelerate itself sets these later on."""


def trainer_arguments(
    settings: TrainSettings,
    schedule: Schedule,
    folder: Path,
    device: torch.device,
    report_to: str,
) -> TrainingArguments:
    """The trainer's own arguments; `folder` takes its checkpoints, one an epoch by default."""
    steps = len(schedule.batches) // settings.accumulation
    precision = settings.precision
    if precision == "auto":
        fast = choose_dtype("auto", device) is torch.bfloat16
        precision = "bf16" if fast else "float32"
    own = this_process()
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=settings.accumulation // own.count,
        max_steps=steps,
        learning_rate=settings.lr,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=settings.schedule,
        warmup_steps=min(round(settings.warmup_epochs * schedule.steps_per_epoch), steps - 1),
        max_grad_norm=settings.max_grad_norm,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=settings.save_every or schedule.steps_per_epoch,
        save_total_limit=1,
        seed=settings.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=device.type == "cpu",
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        report_to=report_to if own.first else "none",
        **_optional(settings),
        **_distributed(own.count, device),
    )


def _optional(settings: TrainSettings) -> dict[str, Any]:
    """What is left to transformers unless it is set."""
    optim = {} if settings.optim == OWN_OPTIMIZER else {"optim": settings.optim}
    return {**_checkpointing(settings.gradient_checkpointing), **optim}


def _checkpointing(enabled: bool) -> dict[str, bool]:
    """The argument under the name that this transformers has: before 5.18 it was the older one."""
    names = {field.name for field in fields(TrainingArguments)}
    name = "activation_checkpointing"
    return {name if name in names else "gradient_checkpointing": enabled}


def _distributed(count: int, device: torch.device) -> dict[str, Any]:
    """FSDP2 over all processes, unless `accelerate launch` was configured otherwise.

    Gradients are reduced after each micro-batch: kept until the last one, they would be whole.
    """
    if count == 1:
        return {}
    gathered = {"gradient_accumulation_kwargs": {"sync_each_batch": True}}
    backend = {"ddp_backend": "gloo"} if device.type == "cpu" else {}
    if _DEEPSPEED or (_FSDP and device.type != "cpu"):
        return {"accelerator_config": gathered, **backend}
    # Which modules are units is decided in `sharding.py`.
    config = {"version": 2, "auto_wrap_policy": "NO_WRAP", "state_dict_type": "FULL_STATE_DICT"}
    return {"fsdp": True, "fsdp_config": config, "accelerator_config": gathered, **backend}
