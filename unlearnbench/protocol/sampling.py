"""Decoding settings as a user may change them: names and bounds."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.errors import EngineError
from unlearnbench.naming import nearest
from unlearnbench.types import Setting

SETTINGS = {
    "max_new_tokens": "tokens an answer may take, 1 to 4096",
    "temperature": "0 is greedy; above 0 tokens are drawn",
    "seed": "seeds the draws, where the temperature is above 0",
}
"""What every decoder honours. Nothing else is accepted: a setting that is ignored misleads."""
_MOST_TOKENS, _MOST_SEED, _HOTTEST = 4096, 2**63 - 1, 100.0
_SAME_AS = {"max_gen_toks": "max_new_tokens", "max_tokens": "max_new_tokens"}
"""What other tools call these settings."""


def check_settings(settings: Mapping[str, Setting]) -> None:
    """Raise `EngineError` for a setting that no decoder has, or a value outside its bounds."""
    for name, value in settings.items():
        if name not in SETTINGS:
            hint = nearest(_SAME_AS.get(name, name), SETTINGS)
            raise EngineError(f"--gen {name}: no such setting here; {hint}")
        if not _fits(name, value):
            raise EngineError(f"--gen {name}={value}: {SETTINGS[name]}")
    if "seed" in settings and not settings.get("temperature"):
        raise EngineError(
            "--gen seed: nothing is drawn at temperature 0; add --gen temperature=…, or leave it "
            "away (--seed seeds the in-context examples)"
        )


def changed_settings(max_new_tokens: int, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """The settings that differ from a profile's greedy decoding: what a run's identity records.

    Raises `EngineError` as `check_settings` does.
    """
    check_settings(settings)
    defaults: dict[str, Setting] = {"max_new_tokens": max_new_tokens, "temperature": 0, "seed": 0}
    return {name: value for name, value in settings.items() if value != defaults[name]}


def _fits(name: str, value: Setting) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if name == "temperature":
        return 0 <= value <= _HOTTEST  # False for NaN
    is_int = isinstance(value, int)
    if name == "seed":
        return is_int and 0 <= value <= _MOST_SEED
    return is_int and 1 <= value <= _MOST_TOKENS
