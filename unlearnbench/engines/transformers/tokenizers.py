"""The tokenizer of a checkpoint: an adapter's own where it brings one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from unlearnbench.checkpoints.reading import named, read_checkpoint_json
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.faults import explained
from unlearnbench.errors import CheckpointError

_VOCABULARIES = (
    "tokenizer.json",
    "*.model",
    "vocab.json",
    "vocab.txt",
    "*.tiktoken",
    "tekken.json",
)


def load_config(folder: Path) -> PreTrainedConfig:
    """The configuration of a model. Raises `CheckpointError`."""
    with explained(f"{folder / 'config.json'}: cannot be used"):
        config: PreTrainedConfig = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    return config


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """The tokenizer that the model was last trained with. Raises `CheckpointError`.

    An adapter's own stands before its base's; if it brings only a chat template, that one does.
    Where a checkpoint is to be asked with another's tokenizer, it is that one.
    """
    source = checkpoint.tokenizer or checkpoint
    template: str | None = None
    for folder in reversed(source.adapters):
        if vocabulary_files(folder):
            return _load(folder, source.folder, template)
        template = template or _own_template(folder)
    return _load(source.folder, source.folder, template)


def vocabulary_files(folder: Path) -> list[Path]:
    """The files of a folder that hold a vocabulary."""
    return [p for pattern in _VOCABULARIES for p in sorted(folder.glob(pattern)) if p.is_file()]


def _load(folder: Path, base: Path, template: str | None) -> PreTrainedTokenizerBase:
    # The base's configuration tells the library which class of tokenizer it is.
    config = load_config(base)
    with explained(f"{folder}: no tokenizer"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, config=config, trust_remote_code=False
        )
    if template is not None:
        tokenizer.chat_template = template
    without_chance(tokenizer)
    return tokenizer


def without_chance(tokenizer: PreTrainedTokenizerBase) -> None:
    """Have a text split alike each time: dropout of merges is for training."""
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if getattr(getattr(backend, "model", None), "dropout", None):
        backend.model.dropout = None


def _own_template(folder: Path) -> str | None:
    """The chat template of an adapter without a vocabulary."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        try:
            return path.read_text("utf-8")
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{path}: cannot be read: {error}") from error
    path = folder / "tokenizer_config.json"
    template = read_checkpoint_json(path).get("chat_template") if path.is_file() else None
    return template if isinstance(template, str) else None


def check_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Refuse a tokenizer whose ordinary tokens the model has no embedding for.

    A special token that no prompt uses (a pad token added in training) does no harm: it is noted.
    """
    body: Any = model
    rows = int(body.get_input_embeddings().weight.shape[0])
    beyond = {t: i for t, i in tokenizer.get_vocab().items() if i >= rows}
    if not beyond:
        return []
    special = {str(t) for t in tokenizer.added_tokens_decoder.values() if t.special}
    template = str(tokenizer.chat_template or "")
    begins = {tokenizer.bos_token, tokenizer.eos_token}
    used = [t for t in beyond if t not in special or t in template or t in begins]
    if used:
        raise CheckpointError(
            f"{tokenizer.name_or_path}: {len(beyond)} of its tokens have no embedding in the "
            f"model, which has {rows}: {named(sorted(used))}; give the tokenizer that belongs to it"
        )
    return [f"{len(beyond)} special tokens have no embedding: {named(sorted(beyond))}"]
