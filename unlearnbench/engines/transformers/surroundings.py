"""Digests of what stands around a model's weights, taken of what the engine really uses.

Two checkpoints have an equal digest where the part does the same for every prompt and answer, even
if their files spell it differently. What this module does not understand counts as different.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase, TokenizersBackend

from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.decoding import unreadable_settings
from unlearnbench.engines.transformers.tokenizers import vocabulary_files
from unlearnbench.hashing import sha256_file, sha256_json, sha256_text
from unlearnbench.types import SurroundingDigests

_UNUSED_CONFIG = {
    *("_name_or_path", "_model_name_or_path", "_commit_hash", "transformers_version", "auto_map"),
    *("dtype", "torch_dtype", "architectures", "id2label", "label2id", "problem_type"),
    *("return_dict", "output_attentions", "output_hidden_states", "use_cache"),
    *("initializer_range", "gradient_checkpointing", "unsloth_version", "unsloth_fixed"),
    *("bos_token_id", "eos_token_id", "unk_token_id", "tokenizer_class"),
}
"""What a configuration says of its history, of training, and of tokens, which are compared apart.
The class that was loaded stands for `architectures`."""
_OF_TRAINING = ("dropout", "_pdrop", "drop_prob")
"""Endings of settings that do nothing outside training."""
_UNUSED_GENERATION = {
    *("transformers_version", "_from_model_config", "use_cache", "cache_implementation"),
    *("output_attentions", "output_hidden_states", "output_scores", "output_logits"),
    *("return_dict_in_generate", "do_sample", "temperature", "top_k", "top_p", "min_p"),
    *("typical_p", "num_beams", "max_length", "max_new_tokens"),
}
"""Bookkeeping, and settings that every run replaces by the protocol's."""
_PER_CALL = ("truncation", "padding")
"""Parts of a tokenizer's file that each call sets anew."""


def read_surroundings(
    checkpoint: Checkpoint,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    stop_ids: frozenset[int],
) -> SurroundingDigests:
    """The digests of a checkpoint that is loaded as `model` and `tokenizer`."""
    pads = stop_ids | {None, -1, tokenizer.eos_token_id, tokenizer.unk_token_id}
    asks = checkpoint.tokenizer or checkpoint
    return SurroundingDigests(
        weights=checkpoint.weights,
        config=_digest(_config(model, pads)),
        tokenizer=_tokenizer(tokenizer, asks.fingerprint),
        template=_template(tokenizer),
        special_tokens=_digest(_special_tokens(tokenizer, pads)),
        stop_tokens=_digest([[i, tokenizer.convert_ids_to_tokens(i)] for i in sorted(stop_ids)]),
        generation=_digest(_generation(model, pads, asks.folder)),
    )


def _digest(value: object) -> str:
    return sha256_json(_plain(value))


def _plain(value: object) -> object:
    """A value as JSON: 1.0 is 1, and an object without a JSON form is its `repr`."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, bool | int | float | str | None) else repr(value)


def _config(model: PreTrainedModel, pads: frozenset[int | None]) -> object:
    """What decides the computation: the loaded class and its configuration, parts included."""
    base: Any = model
    if hasattr(base, "get_base_model"):
        base = base.get_base_model()  # an adapter beside its base
    return [type(base).__name__, _deciding(model.config.to_dict(), pads)]


def _deciding(config: Mapping[str, object], pads: frozenset[int | None]) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, value in config.items():
        unused = name in _UNUSED_CONFIG or name.endswith(_OF_TRAINING) or value is None
        if unused or (name == "pad_token_id" and _in(value, pads)):
            continue
        part = isinstance(value, Mapping) and "model_type" in value
        kept[name] = _deciding(value, pads) if part else value  # type: ignore[arg-type]
    return kept


def _in(value: object, pads: frozenset[int | None]) -> bool:
    """Whether a padding token is nothing new: none at all, or a token that is silent anyway."""
    return (value is None or type(value) is int) and value in pads


@lru_cache(maxsize=4)
def _tokenizer(tokenizer: PreTrainedTokenizerBase, fingerprint: str) -> str:
    """From text to tokens and back, as the library's own state says it.

    `fingerprint` is the checkpoint's: it stands for what cannot be compared.
    """
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return _digest(_without_backend(tokenizer, fingerprint))
    state = json.loads(backend.to_str())
    for name in _PER_CALL:
        state.pop(name, None)
    # Cleaned up are only the texts of tokenizers of other kinds, unless a setting insists.
    insists = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"
    cleans = bool(tokenizer.clean_up_tokenization_spaces) and (
        state["model"]["type"] != "BPE" or bool(getattr(tokenizer, insists, False))
    )
    return sha256_json([state, cleans, sorted(_overridden(type(tokenizer)))])


def _overridden(kind: type[PreTrainedTokenizerBase]) -> Iterator[str]:
    """Methods by which a class leaves the library's general one; its name alone decides nothing."""
    for one in kind.__mro__:
        if one is TokenizersBackend:
            return
        methods = (name for name, value in vars(one).items() if callable(value))
        yield from (f"{one.__name__}.{name}" for name in methods if name != "__init__")


def _without_backend(tokenizer: PreTrainedTokenizerBase, fingerprint: str) -> object:
    """A tokenizer written in Python: its class, its vocabulary, the files that it was made of."""
    files = [sha256_file(path) for path in vocabulary_files(Path(tokenizer.name_or_path))]
    added = {i: repr(token) for i, token in tokenizer.added_tokens_decoder.items()}
    settings = {n: v for n, v in tokenizer.init_kwargs.items() if isinstance(v, bool | int)}
    known = sorted(files) or fingerprint
    return [type(tokenizer).__name__, tokenizer.get_vocab(), added, settings, known]


def _template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The chat template wherever it is stored; all of them where there are several."""
    template: object = tokenizer.chat_template
    if not isinstance(template, Mapping):
        return sha256_text(str(template)) if template else None
    texts = {name: text for name, text in template.items() if text}
    if len(texts) == 1:
        return sha256_text(str(*texts.values()))
    return _digest(texts) if texts else None


def _special_tokens(tokenizer: PreTrainedTokenizerBase, pads: frozenset[int | None]) -> object:
    named = {}
    for name, text in tokenizer.special_tokens_map.items():
        token = tokenizer.convert_tokens_to_ids(text)
        if name != "pad_token" or not _in(token, pads):
            named[name] = [text, token]
    texts = {text for text, _ in named.values()}
    return [named, sorted({str(t) for t in tokenizer.extra_special_tokens or ()} - texts)]


def _generation(model: PreTrainedModel, pads: frozenset[int | None], folder: Path) -> object:
    """The checkpoint's decoding settings, whether the engine obeys them or not."""
    config = model.generation_config
    kept: dict[str, object] = {}
    for name, value in (config.to_dict() if config is not None else {}).items():
        unused = name in _UNUSED_GENERATION or value is None
        if unused or (name == "pad_token_id" and _in(value, pads)):
            continue
        kept[name] = value
    ends = kept.get("eos_token_id")
    kept["eos_token_id"] = sorted(ends if isinstance(ends, list) else [ends], key=repr)
    unreadable = unreadable_settings(folder)
    return [kept, None if unreadable is None else sha256_file(unreadable)]
