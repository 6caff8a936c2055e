"""Every tensor accounted for: the loaded model is what the files hold, no more and no less.

The library's own report decides nothing here beyond what it admits: it leaves out what its lists
of ignored names cover, and fills what is missing with random numbers. So each parameter is paired
with a tensor of the files by name, and the values are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion

from unlearnbench.checkpoints.quantised import Quantisation
from unlearnbench.checkpoints.reading import named
from unlearnbench.checkpoints.weights import Header
from unlearnbench.engines.transformers.placing import Held, is_tied
from unlearnbench.engines.transformers.unpacked import check_unpacked
from unlearnbench.engines.transformers.values import check_quantised, check_values
from unlearnbench.errors import CheckpointError

_SCALES = re.compile(
    r"(_scale|_scale_inv|scales|qweight|qzeros|g_idx|absmax|quant_map|zero_point)$"
)
_HARMLESS = (
    # Computed from the configuration; old files hold them as buffers.
    re.compile(r"(^|\.)rotary_emb\.inv_freq$"),
    re.compile(r"(^|\.)position_ids$"),
    re.compile(r"\.(attn|attention|self_attn|attention\.attention)\.(masked_bias|bias)$"),
)
_OTHER_PARTS = re.compile(
    r"^(model\.)?(mtp|visual|vision_tower|vision_model|vision_embed_tokens|multi_modal_projector|"
    r"audio_tower|embed_vision|embed_audio)\."
)
"""Parts for other inputs or for drafting: a text alone does not pass through them."""


def check_whole(
    model: PreTrainedModel,
    info: Mapping[str, Any],
    files: Mapping[str, Header],
    where: Path,
    quantised: Quantisation | None = None,
) -> list[str]:
    """Refuse a model that is not what `files` hold; what should be said about one that is.

    `info` is the library's report, `quantised` what config.json says of it. Raises
    `CheckpointError` that names the tensors.
    """
    _check_report(info, where)
    kept = getattr(model, "hf_quantizer", None) is not None
    if kept or (quantised is not None and _any_eight_bit(files)):
        if not kept and quantised is not None:
            check_quantised(model.state_dict(), files, quantised.block, where)
        return check_unpacked(model, files, where)
    state = _as_saved(model)
    pairs, left = _paired(model, state, files, where)
    _check_missing(model, state, pairs, where)
    notes = _check_left(model, left, files, where)
    held = Held(model, state)
    if not check_values(held, pairs, files, where):
        notes.append("its weights hold NaN or infinite values")
    if held.unseen:
        notes.append(f"{len(held.unseen)} tensors on the disk were compared by name, not by value")
    return notes + _untie_where_untied(model)


def _any_eight_bit(files: Mapping[str, Header]) -> bool:
    return any(h.dtype not in ("F64", "F32", "F16", "BF16") for h in files.values())


def _check_report(info: Mapping[str, Any], where: Path) -> None:
    missing, unexpected = sorted(info["missing_keys"]), sorted(info["unexpected_keys"])
    if missing:
        also = f"; its own are called {named(unexpected)}" if unexpected else ""
        raise CheckpointError(
            f"{where}: {len(missing)} tensors of the model are missing from the files: "
            f"{named(missing)}{also}; the model is not whole"
        )
    mismatched = [
        f"{name} ({list(file)} in the file, {list(own)} by config.json)"
        for name, file, own in sorted(info["mismatched_keys"])
    ]
    if mismatched:
        raise CheckpointError(
            f"{where}: {len(mismatched)} tensors have another shape than config.json says: "
            f"{named(mismatched)}"
        )
    if info.get("error_msgs"):
        raise CheckpointError(f"{where}: cannot be loaded: {named(list(info['error_msgs']))}")
    _refuse_unexpected([n for n in unexpected if not _OTHER_PARTS.match(n)], where)


def _refuse_unexpected(names: list[str], where: Path) -> None:
    if not names:
        return
    why = "config.json describes a smaller or another model"
    if any(_SCALES.search(name) for name in names):
        why = "they look like quantisation scales, and config.json has no quantization_config"
    raise CheckpointError(
        f"{where}: {len(names)} tensors in the files have no place in the model: {named(names)}; "
        f"{why}"
    )


def _as_saved(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The model's tensors in the files' form: what the library renamed, split or fused, undone."""
    state: dict[str, torch.Tensor] = dict(model.state_dict())
    if getattr(model, "_weight_conversions", None):
        state = revert_weight_conversion(model, state)
    return state


def _paired(
    model: PreTrainedModel,
    state: Mapping[str, torch.Tensor],
    files: Mapping[str, Header],
    where: Path,
) -> tuple[dict[str, str], list[str]]:
    """For each of the model's tensors its name in the files, and the file names left over.

    The body alone may have been saved without the prefix that the whole model puts before it.
    """
    prefix = f"{model.base_model_prefix}."
    pairs: dict[str, str] = {}
    left: list[str] = []
    for name in files:
        forms = (name, prefix + name, name.removeprefix(prefix))
        own = next((form for form in forms if form in state), None)
        if own is None:
            left.append(name)
        elif own in pairs:
            raise CheckpointError(f"{where}: {pairs[own]} and {name} are one tensor of the model")
        else:
            pairs[own] = name
    return pairs, left


def _check_missing(
    model: PreTrainedModel,
    state: Mapping[str, torch.Tensor],
    pairs: Mapping[str, str],
    where: Path,
) -> None:
    """Every tensor is from the files, or shares its memory with one that is (a tied head).

    What is offloaded has no memory to compare; there the two must hold the same values.
    """
    known = {state[name].data_ptr() for name in pairs if state[name].device.type != "meta"}
    missing = [
        name
        for name in state
        if name not in pairs
        and state[name].data_ptr() not in known
        and not is_tied(model, state, name, pairs)
    ]
    if missing:
        raise CheckpointError(
            f"{where}: {len(missing)} tensors of the model are missing from the files: "
            f"{named(sorted(missing))}; the model is not whole"
        )


def _check_left(
    model: PreTrainedModel, left: list[str], files: Mapping[str, Header], where: Path
) -> list[str]:
    """Refuse tensors that went nowhere, but for those that decide no text."""
    config = model.config.get_text_config()
    layers = int(getattr(config, "num_hidden_layers", None) or 0)
    drafting = int(getattr(config, "num_nextn_predict_layers", None) or 0)
    drafts = tuple(f"model.layers.{layers + i}." for i in range(min(drafting, 64)))
    others, refused = [], []
    for name in left:
        if _OTHER_PARTS.match(name) or (drafts and name.startswith(drafts)):
            others.append(name)
        elif not any(kind.search(name) for kind in _HARMLESS) or not _derived(name, files[name]):
            refused.append(name)
    _refuse_unexpected(sorted(refused), where)
    if not others:
        return []
    return [f"{len(others)} tensors are not used for text: {named(sorted(others), 1)}"]


def _derived(name: str, header: Header) -> bool:
    """Whether a tensor of a harmless name has the shape of what it is said to be."""
    if name.endswith("inv_freq"):
        return len(header.shape) == 1
    if name.endswith("position_ids"):
        return header.dtype in ("I64", "I32")
    # A causal mask is square below two axes of 1; the value that fills it is one number.
    shape = header.shape
    return header.size == 1 or (len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3])


def _untie_where_untied(model: PreTrainedModel) -> list[str]:
    """A file may hold a head of its own although the configuration ties it: the file is right."""
    text = model.config.get_text_config()
    if not getattr(model.config, "tie_word_embeddings", False) or shares_head(model) is not False:
        return []
    model.config.tie_word_embeddings = False
    text.tie_word_embeddings = False
    return ["config.json ties the head to the embedding, the files hold one of its own: used"]


def shares_head(model: PreTrainedModel) -> bool | None:
    """Whether head and embedding are one tensor; None where one is lacking or offloaded."""
    body: Any = model
    head, embedding = body.get_output_embeddings(), body.get_input_embeddings()
    one, other = getattr(head, "weight", None), getattr(embedding, "weight", None)
    if one is None or other is None or "meta" in (one.device.type, other.device.type):
        return None
    return bool(one.data_ptr() == other.data_ptr())
