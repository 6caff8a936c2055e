"""Puts a PEFT adapter on its base: every tensor accounted for, the merge compared.

An adapter is merged where that gives the same logits as the adapter that runs beside its base;
where it cannot be merged, or the merged model answers otherwise, it runs unmerged.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedModel

from unlearnbench.checkpoints.reading import named, read_object
from unlearnbench.checkpoints.weights import Header, adapter_tensors
from unlearnbench.engines.transformers.whole import shares_head
from unlearnbench.errors import CheckpointError

_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2, torch.float16: 2e-2}
"""Allowed difference of a logit before and after the merge, as a share of the logits' range."""
_NAME = "default"


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
    kind = read_object(folder / "adapter_config.json").get("peft_type")
    if kind == "XLORA":
        raise CheckpointError(f"{folder}: X-LoRA names further adapters and is not run")
    # Some adapters begin with random numbers: two loads must begin with the same.
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        config: Any = PeftConfig.from_pretrained(str(folder))
        if config.task_type not in (None, "CAUSAL_LM"):
            raise CheckpointError(f"{folder}: made for {config.task_type}, not for writing text")
        config.inference_mode, config.task_type = True, "CAUSAL_LM"
        _make_room(model, config, files, folder)
        adapted = PeftModelForCausalLM(model, config, _NAME)
        result = adapted.load_adapter(
            str(folder),
            _NAME,
            torch_device="cpu",
            key_mapping=getattr(model, "_checkpoint_conversion_mapping", None),
        )
    _check_whole(adapted, result, files, folder)
    return adapted.train(False)


def merge(adapted: Any) -> PreTrainedModel:
    """The adapter in the model's own weights. Raises `NotMergedError` where that is not the same.

    After `NotMergedError` the model is spoilt and has to be loaded again.
    """
    config = adapted.peft_config[_NAME]
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
    embedding = body.get_input_embeddings()
    rows = int(embedding.weight.shape[0])
    modules = {id(module): name for name, module in model.named_modules()}
    name = modules[id(embedding)]
    brought = [h.shape[0] for n, h in files.items() if _is_weight_of(n, name)]
    indices = _trained_tokens(config)
    wanted = max([*brought, *(i + 1 for i in indices)], default=rows)
    if wanted <= rows and not (brought and wanted != rows):
        return
    covered = bool(brought) or set(range(rows, wanted)) <= set(indices)
    if shares_head(model) is False:
        head = modules[id(body.get_output_embeddings())]
        covered = covered and any(_is_weight_of(n, head) for n in files)
    if not covered:
        raise CheckpointError(
            f"{folder}: it was trained with {wanted} tokens, its base has {rows}, and it does not "
            "bring all rows of the new ones; save it with save_embedding_layers=True"
        )
    model.resize_token_embeddings(wanted, mean_resizing=False)


def _is_weight_of(name: str, module: str) -> bool:
    """Whether a tensor of an adapter is the full weight of a module."""
    stem = name.removeprefix("base_model.model.")
    return stem in (f"{module}.weight", f"{module}.base_layer.weight")


def _trained_tokens(config: Any) -> list[int]:
    indices = getattr(config, "trainable_token_indices", None)
    indices = indices or getattr(config, "token_indices", None) or []
    lists = indices.values() if isinstance(indices, dict) else [indices]
    return [int(index) for some in lists for index in some]


def _check_whole(adapted: Any, result: Any, files: Mapping[str, Header], folder: Path) -> None:
    """Every tensor of the adapter is from the file, and every one of the file in the adapter."""
    from peft import get_peft_model_state_dict

    state = adapted.state_dict()
    own = get_peft_model_state_dict(
        adapted, state_dict=state, adapter_name=_NAME, save_embedding_layers=False
    )
    missing = sorted({*result.missing_keys, *(set(own) - set(files))})
    unexpected = sorted({*result.unexpected_keys, *(n for n in files if n not in {**state, **own})})
    if missing or unexpected:
        parts = []
        if missing:
            parts.append(f"{len(missing)} tensors are missing from it: {named(missing)}")
        if unexpected:
            parts.append(f"{len(unexpected)} have no place in its base: {named(unexpected)}")
        raise CheckpointError(f"{folder}: not a whole adapter of this base: {'; '.join(parts)}")
    with safe_open(next(iter(files.values())).file, framework="pt") as opened:
        different = []
        for name in files:
            loaded = own[name] if name in own else state[name]
            stored = opened.get_tensor(name).to(loaded.dtype)
            if not torch.equal(stored.nan_to_num(), loaded.cpu().nan_to_num()):
                different.append(name)
    if different:
        raise CheckpointError(
            f"{folder}: {len(different)} tensors were loaded with other values than the file's: "
            f"{named(sorted(different))}"
        )


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
