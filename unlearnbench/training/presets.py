"""Settings found by measuring, for models other than those of the paper."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.content import nearest
from unlearnbench.errors import TrainingError
from unlearnbench.types import Setting

PRESETS: Mapping[str, Mapping[str, Mapping[str, Setting]]] = {
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
"""Preset -> method -> settings."""


def preset_settings(preset: str | None, method: str) -> Mapping[str, Setting]:
    """What a preset says about a method (nothing, if it does not name it).

    Raises `TrainingError` with the nearest name for an unknown preset.
    """
    if preset is None:
        return {}
    if preset not in PRESETS:
        raise TrainingError(f"--preset {preset}: unknown; {nearest(preset, PRESETS)}")
    return PRESETS[preset].get(method, {})
