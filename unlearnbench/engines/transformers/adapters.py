"""Puts a PEFT adapter on its base: every tensor accounted for, the merge compared.

An adapter is merged where that gives the same logits as the adapter that runs beside its base;
where it cannot be merged, or the merged model answers otherwise, it runs unmerged.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from unlearnbench.checkpoints.reading import read_checkpoint_json
from unlearnbench.checkpoints.weights import Header, adapter_tensors
from unlearnbench.engines.transformers.adapter_check import ADAPTER, check_adapter_whole
from unlearnbench.engines.transformers.whole import shares_head
from unlearnbench.errors import CheckpointError

_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2, torch.float16: 2e-2}
"""Allowed difference of a logit before and after the merge, as a share of the logits' range."""
_LOST = ("pissa_niter", "corda", "lora_ga")
"""Ways to begin a LoRA that change its base as nobody can a second time."""


class NotMergedError(Exception):
    """An adapter that has to run beside its base, and why."""


def attach(model: PreTrainedModel, folder: Path) -> Any:
    """The model with the adapter in `folder` active beside it, loaded whole.

    Raises `CheckpointError`.
    """
    try:
        from peft import PeftConfig, PeftModelForCausalLM
    except ImportError as error:
        raise CheckpointError(
            f"{folder} is a PEFT adapter; pip install 'unlearnbench[peft]'"
        ) from error
    files = adapter_tensors(folder)
    kind = read_checkpoint_json(folder / "adapter_config.json").get("peft_type")
    if kind == "XLORA":
        raise CheckpointError(f"{folder}: X-LoRA names further adapters and is not run")
    # Some adapters begin with random numbers: two loads must begin with the same.
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        config: Any = PeftConfig.from_pretrained(str(folder))
        if config.task_type not in (None, "CAUSAL_LM"):
            raise CheckpointError(f"{folder}: made for {config.task_type}, not for writing text")
        begins = str(getattr(config, "init_lora_weights", ""))
        if begins.startswith(_LOST):
            raise CheckpointError(
                f"{folder}: {begins} changes the base by chance or by data that is not kept; save "
                "the adapter with path_initial_model_for_weight_conversion"
            )
        config.inference_mode, config.task_type = True, "CAUSAL_LM"
        _make_room(model, config, files, folder)
        adapted = PeftModelForCausalLM(model, config, ADAPTER)
        result = adapted.load_adapter(
            str(folder),
            ADAPTER,
            torch_device="cpu",
            key_mapping=getattr(model, "_checkpoint_conversion_mapping", None),
        )
    check_adapter_whole(adapted, result, files, folder)
    return adapted.train(False)


def ignored_fields(folder: Path) -> list[str]:
    """Fields of an adapter's configuration that are set and that this version of PEFT drops."""
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING

    config = read_checkpoint_json(folder / "adapter_config.json")
    kinds: Mapping[Any, Any] = PEFT_TYPE_TO_CONFIG_MAPPING
    kind = kinds.get(config.get("peft_type"))
    known = {field.name for field in fields(kind)} if kind is not None else set(config)
    return sorted(name for name, value in config.items() if value and name not in known)


def merge(adapted: Any) -> PreTrainedModel:
    """The adapter in the model's own weights. Raises `NotMergedError` where that is not the same.

    After `NotMergedError` the model is spoilt and has to be loaded again.
    """
    config = adapted.peft_config[ADAPTER]
    if config.is_prompt_learning or getattr(config, "alora_invocation_tokens", None):
        raise NotMergedError(f"{config.peft_type.value} cannot be merged")
    prompts = _prompts(adapted, config)
    with torch.inference_mode():
        before = [_logits(adapted, prompt) for prompt in prompts]
    _separate(adapted)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not safe_merge: weights that are no numbers leave questions open.
            model: PreTrainedModel = adapted.merge_and_unload(safe_merge=False)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        raise NotMergedError(f"{config.peft_type.value} cannot be merged ({error})") from error
    _tie_again(model)
    with torch.inference_mode():
        after = [_logits(model, prompt) for prompt in prompts]
    worst = max(_distance(one, other) for one, other in zip(before, after, strict=True))
    if not worst <= _TOLERANCE.get(model.dtype, 1e-3):
        raise NotMergedError(f"merged, its logits differ by {worst:.1e} of their range")
    return model


def _make_room(
    model: PreTrainedModel, config: Any, files: Mapping[str, Header], folder: Path
) -> None:
    """Resize the base's embeddings to those that the adapter brings rows for."""
    body: Any = model
    embedding, head = body.get_input_embeddings(), body.get_output_embeddings()
    rows = int(embedding.weight.shape[0])
    modules = {id(module): name for name, module in model.named_modules()}
    brought = [_rows_of(modules[id(m)], files) for m in (embedding, head) if m is not None]
    indices = _trained_tokens(config)
    wanted = max([*filter(None, brought), *(i + 1 for i in indices)], default=rows)
    if wanted == rows or (wanted < rows and not any(brought)):
        return
    need_all = shares_head(model) is False
    covered = all(brought) if need_all else any(brought)
    covered = covered or (not need_all and set(range(rows, wanted)) <= set(indices))
    if not covered:
        raise CheckpointError(
            f"{folder}: it was trained with {wanted} tokens, its base has {rows}, and it does not "
            "bring all rows of the new ones; save it with save_embedding_layers=True"
        )
    model.resize_token_embeddings(wanted, mean_resizing=False)


def _rows_of(module: str, files: Mapping[str, Header]) -> int | None:
    """Rows of a module's full weight in an adapter, if it brings that."""
    for ending in ("weight", "base_layer.weight", "token_adapter.base_layer.weight"):
        header = files.get(f"base_model.model.{module}.{ending}")
        if header is not None and header.shape:
            return header.shape[0]
    return None


def _trained_tokens(config: Any) -> list[int]:
    indices = getattr(config, "trainable_token_indices", None)
    indices = indices or getattr(config, "token_indices", None) or []
    lists = indices.values() if isinstance(indices, dict) else [indices]
    return [int(index) for some in lists for index in some]


def _separate(adapted: Any) -> None:
    """Give every weight that is about to be changed a memory of its own.

    The head and the embedding of a tied base are one tensor: merged into the one, an adapter would
    change the other too.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    users: dict[int, int] = {}
    for module in adapted.modules():
        for parameter in module._parameters.values():
            users[id(parameter)] = users.get(id(parameter), 0) + 1
    for module in adapted.modules():
        if not isinstance(module, BaseTunerLayer):
            continue
        layer: Any = module.get_base_layer()
        for name, parameter in list(layer._parameters.items()):
            if parameter is not None and users.get(id(parameter), 0) > 1:
                copy = torch.nn.Parameter(parameter.detach().clone(), requires_grad=False)
                layer._parameters[name] = copy


def _tie_again(model: PreTrainedModel) -> None:
    """Make head and embedding one tensor where they still are the same, else say they are two."""
    body: Any = model
    if not getattr(model.config, "tie_word_embeddings", False) and shares_head(model) is not True:
        return
    if shares_head(model) is False:
        head, embedding = body.get_output_embeddings(), body.get_input_embeddings()
        if torch.equal(head.weight, embedding.weight):
            head.weight = embedding.weight
        else:
            model.config.tie_word_embeddings = False
            model.config.get_text_config().tie_word_embeddings = False
    body.all_tied_weights_keys = body.get_expanded_tied_weights_keys(all_submodels=True)


def _prompts(adapted: Any, config: Any) -> list[list[int]]:
    """Three prompts of scattered tokens, one with the tokens that were trained apart."""
    vocabulary = int(adapted.get_input_embeddings().weight.shape[0])

    def token(i: int) -> int:
        return (i * 7919 + 11) % vocabulary

    trained = [i for i in _trained_tokens(config) if i < vocabulary][:16]
    return [
        [token(i) for i in range(24)],
        [token(i) for i in range(100, 148)],
        [*trained, *(vocabulary - 1 - i for i in range(min(8, vocabulary))), token(7)],
    ]


def _logits(model: Any, prompt: list[int]) -> torch.Tensor:
    ids = torch.tensor([prompt], device=model.device)
    logits: torch.Tensor = model(input_ids=ids, use_cache=False).logits[0].float()
    return logits


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Largest difference as a share of the range; positions without a number agree."""
    if not torch.equal(one.isfinite(), other.isfinite()):
        return float("inf")
    one, other = (x.nan_to_num(0.0, 0.0, 0.0) for x in (one, other))
    span = (one.max(dim=-1).values - one.min(dim=-1).values).clamp_min(1e-6)
    return float(((one - other).abs().max(dim=-1).values / span).max())
