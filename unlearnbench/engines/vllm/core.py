"""vLLM itself, behind a few calls: token ids in, token ids out."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from unlearnbench.checkpoints.reading import whole_cause
from unlearnbench.engines.vllm.build import VllmBuild
from unlearnbench.engines.vllm.lora import Lora
from unlearnbench.errors import EngineError
from unlearnbench.types import Setting


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt and how it is answered; `seed` counts above temperature 0 alone."""

    ids: Sequence[int]
    most_tokens: int
    temperature: float = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """What vLLM wrote, the token that ended it included.

    `logprobs` are those of the tokens; `asked_logprobs` those of the prompt's tokens behind the
    first, where they were asked for. `reason` is vLLM's own, None if it gave none.
    """

    tokens: list[int]
    logprobs: list[float]
    reason: str | None
    asked_logprobs: list[float]


class Core:
    """A model in vLLM. Raises `EngineError` if it cannot be loaded."""

    def __init__(
        self,
        build: VllmBuild,
        folder: Path,
        dtype: str,
        arguments: Mapping[str, Setting],
        lora: Lora | None,
    ) -> None:
        self._vllm: Any = build.module
        made = {"enable_prefix_caching": True, **arguments}
        if lora is not None:
            made |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": lora.room}
        known = self._vllm.EngineArgs.__dataclass_fields__
        if unknown := sorted(name for name in made if name not in known):
            raise EngineError(f"--engine-set {unknown[0]}: vLLM {build.version} has no such")
        gc.collect()  # an engine that nobody uses takes the process's groups along when it ends
        try:
            self._llm = self._vllm.LLM(
                model=str(folder),
                dtype=dtype,
                skip_tokenizer_init=True,
                trust_remote_code=False,
                load_format="safetensors",
                generation_config="vllm",
                seed=0,
                **made,
            )
            self._lora = None if lora is None else self._request_for(lora)
        except Exception as error:
            raise EngineError(f"{folder}: vLLM cannot load it: {_cause(error)}") from error

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together for which there is room."""
        return int(self._llm.llm_engine.model_config.max_model_len)

    def answer(
        self, requests: Sequence[Request], stops: Sequence[int], *, asked: bool = False
    ) -> list[TokenRow | None]:
        """What was written to each request; None where vLLM gave nothing back.

        It depends on these requests alone: what earlier ones left in the cache is forgotten. With
        `asked` the logarithms of the prompts' tokens' probabilities are given too. Raises
        `EngineError`.
        """
        prompts = [{"prompt_token_ids": list(request.ids)} for request in requests]
        how = [self._sampling(request, stops, asked) for request in requests]
        try:
            self._llm.reset_prefix_cache()
            made = self._llm.generate(prompts, how, use_tqdm=False, lora_request=self._lora)
        except Exception as error:
            raise EngineError(f"vLLM failed: {_cause(error)}") from error
        if len(made) != len(requests):
            raise EngineError(f"vLLM gave {len(made)} answers to {len(requests)} requests")
        return [_written(request, one) for request, one in zip(requests, made, strict=True)]

    def _sampling(self, request: Request, stops: Sequence[int], asked: bool) -> Any:
        return self._vllm.SamplingParams(
            temperature=request.temperature,
            seed=request.seed if request.temperature else None,
            max_tokens=request.most_tokens,
            stop_token_ids=list(stops),
            ignore_eos=True,  # the checkpoint's ends are among the stops, if they are none of text
            logprobs=0,
            # Asked for beside an adapter, some builds fail.
            prompt_logprobs=0 if asked and self._lora is None else None,
            detokenize=False,
        )

    def _request_for(self, lora: Lora) -> Any:
        requests: Any = import_module("vllm.lora.request")
        return requests.LoRARequest("adapter", 1, str(lora.folder))


def _written(request: Request, made: Any) -> TokenRow | None:
    """Read one result. Raises `EngineError` if it belongs to another prompt."""
    if list(made.prompt_token_ids) != list(request.ids):
        raise EngineError("vLLM gave back another prompt than it was asked")
    if len(made.outputs) != 1 or not made.finished:
        return None
    (output,) = made.outputs
    tokens = list(output.token_ids)
    asked = list(made.prompt_logprobs or ())[1:]
    return TokenRow(
        tokens,
        _logprobs(tokens, output.logprobs),
        output.finish_reason,
        _logprobs(list(request.ids)[1:], asked) if asked else [],
    )


def _logprobs(tokens: Sequence[int], told: Sequence[Mapping[int, Any]] | None) -> list[float]:
    """The logarithm of each token's probability; NaN where vLLM gives none."""
    steps = list(told or ())
    steps += [{}] * (len(tokens) - len(steps))
    return [
        float(step[token].logprob) if token in step else float("nan")
        for token, step in zip(tokens, steps, strict=False)
    ]


def _cause(error: Exception) -> str:
    return whole_cause(error)[:400]
