"""How answers are decoded: by settings of our own, never by those of the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel

_settings = cast(Callable[..., GenerationConfig], GenerationConfig)


def own_settings(max_new_tokens: int, stops: Sequence[int]) -> GenerationConfig:
    """Greedy and nothing else; `stops` end a row."""
    return _settings(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        use_cache=True,
        eos_token_id=list(stops) or None,
        pad_token_id=stops[0] if stops else 0,
    )


@contextmanager
def without_its_settings(model: PreTrainedModel) -> Iterator[None]:
    """Take the checkpoint's generation settings away for a while.

    `generate` fills whatever its caller leaves open with those of the model.
    """
    kept = model.generation_config
    model.generation_config = _settings()
    try:
        yield
    finally:
        model.generation_config = kept


def answer_plainly(config: PreTrainedConfig) -> None:
    """Make a model return its logits by name and nothing beside, whatever it is configured to."""
    for one in (config, config.get_text_config()):
        one.return_dict = True
        one.output_hidden_states = False
        one.output_attentions = False


def unreadable_settings(folder: Path) -> Path | None:
    """The file of a checkpoint's generation settings if it is there and the library rejects it."""
    path = folder / "generation_config.json"
    if not path.is_file():
        return None
    try:
        GenerationConfig.from_pretrained(folder)
    except OSError:
        return None
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return path
    return None


def stand_in_settings(folder: Path) -> GenerationConfig | None:
    """None if the library can read a checkpoint's generation settings, or there are none.

    Otherwise what of them matters: the ends of an answer, as far as they can be read.
    """
    path = unreadable_settings(folder)
    return None if path is None else _settings(eos_token_id=_named_ends(path))


def settings_of(folder: Path, config: PreTrainedConfig) -> GenerationConfig:
    """The generation settings of a checkpoint, as the library loads them with its model."""
    stand_in = stand_in_settings(folder)
    if stand_in is not None:
        return stand_in
    if (folder / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(folder)
    return GenerationConfig.from_model_config(config)


def _named_ends(path: Path) -> list[int] | None:
    try:
        settings: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    named = settings.get("eos_token_id") if isinstance(settings, dict) else None
    listed = named if isinstance(named, list) else [named]
    return [i for i in listed if type(i) is int] or None
