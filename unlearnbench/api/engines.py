"""Make the engine of a run: `NAME`, `endpoint:URL`, or an object."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from unlearnbench.errors import EngineError
from unlearnbench.interfaces import Generator
from unlearnbench.plugins import load
from unlearnbench.types.options import EngineOptions

ENDPOINT, VLLM = "endpoint", "vllm"
_ITS_OPTIONS = ("endpoint", "model", "concurrency")


def engine_for(engine: str | Generator, checkpoint: str, options: EngineOptions) -> Generator:
    """The engine that `engine` names, for a checkpoint.

    Raises `EngineError` for options of one engine that are given to another, `PluginError` for an
    unknown name.
    """
    name, _, address = engine.partition(":") if isinstance(engine, str) else ("", "", "")
    if name == ENDPOINT:
        checkpoint, options = _served(checkpoint, address, options)
    elif given := [option for option in _ITS_OPTIONS if getattr(options, option) is not None]:
        raise EngineError(
            f"--{given[0]}: only engine endpoint asks a server; add --engine endpoint"
        )
    if options.engine_set and name != VLLM:
        raise EngineError("--engine-set: these are arguments of vLLM; add --engine vllm")
    if not isinstance(engine, str):
        return engine
    return cast(
        Generator, load("engines", name if name == ENDPOINT else engine)(checkpoint, options)
    )


def _served(checkpoint: str, address: str, options: EngineOptions) -> tuple[str, EngineOptions]:
    """The name of a served model, and the options with the server's address."""
    if address:
        if options.endpoint not in (None, address):
            raise EngineError("--endpoint: --engine endpoint:URL names another address")
        options = replace(options, endpoint=address)
    model = options.model
    if model is not None and checkpoint not in ("", model):
        raise EngineError(
            f"--model {model}: CHECKPOINT is {checkpoint}; a server's model has one name, give one"
        )
    if not (model or checkpoint):
        raise EngineError("engine endpoint: name the model as its server does, --model NAME")
    return model or checkpoint, options
