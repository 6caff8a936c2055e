"""vLLM's own arguments, as `--engine-set NAME=VALUE` gives them.

Only those pass that decide speed, memory and placement. vLLM has many more, and a random
`load_format`, a rounded cache or a second tokenizer would look like forgetting.
"""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.errors import EngineError
from unlearnbench.naming import nearest
from unlearnbench.types import Setting
from unlearnbench.types.options import EngineOptions

ALLOWED: Mapping[str, type[Setting]] = {
    "attention_backend": str,
    "block_size": int,
    "cpu_offload_gb": float,
    "disable_custom_all_reduce": bool,
    "distributed_executor_backend": str,
    "enable_chunked_prefill": bool,
    "enable_expert_parallel": bool,
    "enable_prefix_caching": bool,
    "enforce_eager": bool,
    "gpu_memory_utilization": float,
    "kv_cache_memory_bytes": int,
    "max_model_len": int,
    "max_num_batched_tokens": int,
    "max_num_seqs": int,
    "num_gpu_blocks_override": int,
    "pipeline_parallel_size": int,
    "safetensors_load_strategy": str,
    "tensor_parallel_size": int,
}
"""Arguments that may be set, and their types."""
REPEATED = frozenset(
    (
        *("block_size", "enable_chunked_prefill", "enable_expert_parallel"),
        *("enable_prefix_caching", "enforce_eager", "max_model_len"),
        *("pipeline_parallel_size", "tensor_parallel_size"),
    )
)
"""Arguments that a rerun takes from the run that it repeats: switches and numbers that decide in
which order numbers are added up. Others belong to a machine, or are names that vLLM looks up, which
must not come from a stranger.
"""
_CHANGES_TEXT = "it would change what is asked or answered, which a run could not be compared by"
_ELSEWHERE: Mapping[str, str] = {
    "model": "CHECKPOINT names the model",
    "revision": "give CHECKPOINT as owner/name@revision",
    "dtype": "use --dtype",
    "tokenizer": "use --tokenizer",
    "seed": "the protocol seeds every draw; use --gen seed=N",
    "max_tokens": "use --gen max_new_tokens=N",
    "temperature": "use --gen temperature=T",
    "trust_remote_code": "code of a checkpoint is never run",
    "load_format": "weights are read from safetensors and from nothing else",
    "enable_lora": "give the adapter's folder as CHECKPOINT",
    "max_lora_rank": "it follows from the adapter",
    "device": "vLLM's build decides the device",
    **dict.fromkeys(
        (
            *("tokenizer_mode", "tokenizer_revision", "skip_tokenizer_init", "chat_template"),
            *("generation_config", "override_generation_config", "hf_overrides", "hf_config_path"),
            *("quantization", "quantization_config", "kv_cache_dtype", "lora_dtype"),
            *("logits_processors", "speculative_config", "spec_model", "model_impl"),
            *("rope_scaling", "truncate_prompt_tokens", "top_p", "top_k", "min_p", "stop"),
            *("repetition_penalty", "watermark_config", "logprobs_mode", "max_logprobs", "runner"),
            *("disable_sliding_window", "model_class_overrides", "ignore_patterns", "n"),
        ),
        _CHANGES_TEXT,
    ),
}
"""Arguments that may not be set, and why."""


def read_arguments(typed: Mapping[str, str]) -> dict[str, Setting]:
    """The values of `--engine-set`, sorted by name. Raises `EngineError` for what may not be set.

    Hyphens in a name are underscores.
    """
    values: dict[str, Setting] = {}
    for text, value in typed.items():
        name = text.replace("-", "_").lstrip("_")
        if name in _ELSEWHERE:
            raise EngineError(f"--engine-set {text}: {_ELSEWHERE[name]}")
        if name not in ALLOWED:
            raise EngineError(f"--engine-set {text}: no such argument; {nearest(name, ALLOWED)}")
        if name in values:
            raise EngineError(f"--engine-set {text}: each argument takes one value")
        values[name] = _value(text, value, ALLOWED[name])
    for name in ("tensor_parallel_size", "pipeline_parallel_size"):
        size = values.get(name, 1)
        if not isinstance(size, int) or size < 1:
            raise EngineError(f"--engine-set {name}={size}: a number from 1 up")
    return dict(sorted(values.items()))


def arguments_of(options: EngineOptions) -> dict[str, Setting]:
    """vLLM's arguments. Raises `EngineError` for options that are not for this engine."""
    if options.device_map is not None:
        raise EngineError(
            "--device-map: engine vllm cuts a model instead; add --engine-set "
            "tensor_parallel_size=N"
        )
    arguments = read_arguments(options.engine_set)
    if options.batch_size is not None:
        if "max_num_seqs" in arguments:
            raise EngineError("--batch-size and --engine-set max_num_seqs are one; give one")
        arguments = dict(sorted({**arguments, "max_num_seqs": options.batch_size}.items()))
    return arguments


def spelt(arguments: Mapping[str, Setting]) -> str:
    """The arguments on one line, as a run records them."""
    return " ".join(f"{name}={value}" for name, value in arguments.items())


def repeated(line: str) -> dict[str, str]:
    """What a rerun takes from the arguments that a run recorded, as `--engine-set` gives them.

    Raises `EngineError` for a value that is none.
    """
    pairs = (text.partition("=") for text in line.split())
    typed = {name: value for name, _, value in pairs if name in REPEATED}
    return {name: str(value) for name, value in read_arguments(typed).items()}


def _value(name: str, typed: str, kind: type[Setting]) -> Setting:
    if kind is bool:
        known = {"true": True, "1": True, "false": False, "0": False}
        if typed.lower() in known:
            return known[typed.lower()]
        raise EngineError(f"--engine-set {name}={typed}: true or false")
    try:
        return kind(typed)
    except ValueError as error:
        what = "a whole number" if kind is int else "a number"
        raise EngineError(f"--engine-set {name}={typed}: {what}") from error
