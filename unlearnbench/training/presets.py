"""Settings found by measuring, for models other than those of the paper."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.content import nearest
from unlearnbench.errors import TrainingError
from unlearnbench.types import Setting

PRESETS: Mapping[str, Mapping[str, Mapping[str, Setting]]] = {
    "smollm2-135m": {
        "jensun": {},
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
