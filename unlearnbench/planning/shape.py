"""The shape of a decoder as its config.json states it, and how many weights follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.errors import CheckpointError

_NAMES: Mapping[str, Sequence[str]] = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "vocabulary": ("vocab_size",),
}
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
_PLAIN_MLP = ("gpt2", "gpt_neox", "opt", "gptj", "gpt_bigcode", "phi", "bloom", "falcon")
"""Architectures whose inner layer is not gated: two matrices instead of three."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A decoder of `layers`; `inner` is the width of its feed-forward part.

    `experts` is 1 but in mixtures of experts, of which every expert counts here; `matrices` of the
    feed-forward part are three where it is gated.
    """

    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    experts: int = 1
    matrices: int = 3

    @property
    def head_weights(self) -> int:
        """Weights of the language-model head, which are the embeddings' where they are tied."""
        return self.vocabulary * self.hidden

    @property
    def layer_weights(self) -> int:
        """Weights of one layer, biases left out."""
        queries = self.hidden * self.heads * self.head_dim
        keys = self.hidden * self.kv_heads * self.head_dim
        feed_forward = self.matrices * self.hidden * self.inner * self.experts
        router = self.hidden * self.experts if self.experts > 1 else 0
        return 2 * queries + 2 * keys + feed_forward + router + 2 * self.hidden

    @property
    def weights(self) -> int:
        """All weights, biases left out."""
        embeddings = self.head_weights * (1 if self.tied else 2)
        return embeddings + self.layers * self.layer_weights + self.hidden

    def lora_weights(self, rank: int) -> int:
        """Weights of an adapter of `rank` on every linear layer but the head."""
        wide, narrow = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * (self.hidden + wide) + 2 * (self.hidden + narrow)
        feed_forward = self.matrices * (self.hidden + self.inner) * self.experts
        return rank * self.layers * (attention + feed_forward)


def shape_of(config: Mapping[str, object], where: str) -> ModelShape:
    """The shape that a config.json states. Raises `CheckpointError` if it states none."""
    text = config.get("text_config")
    stated: Mapping[str, object] = {**config, **text} if isinstance(text, Mapping) else config
    values = {name: _first(stated, names) for name, names in _NAMES.items()}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        raise CheckpointError(
            f"{where}: config.json does not say how large the model is (no {', '.join(missing)}); "
            "nothing can be planned for such an architecture"
        )
    layers, hidden, heads, vocabulary = (values[name] or 1 for name in _NAMES)
    plain = stated.get("model_type") in _PLAIN_MLP
    inner = _first(stated, ("moe_intermediate_size",)) if _first(stated, _EXPERTS) else None
    inner = inner or _first(stated, ("intermediate_size", "n_inner", "ffn_dim")) or 4 * hidden
    tied = stated.get("tie_word_embeddings", config.get("tie_word_embeddings"))
    return ModelShape(
        layers=layers,
        hidden=hidden,
        inner=inner,
        heads=heads,
        kv_heads=_first(stated, ("num_key_value_heads",)) or heads,
        head_dim=_first(stated, ("head_dim",)) or max(1, hidden // heads),
        vocabulary=vocabulary,
        tied=stated.get("model_type") in ("gpt2", "gemma", "gemma2", "gemma3_text")
        if tied is None
        else bool(tied),
        experts=_first(stated, _EXPERTS) or 1,
        matrices=2 if plain else 3,
    )


def _first(config: Mapping[str, object], names: Sequence[str]) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
