"""A module in vLLM's place that fails in its ways; what it does when all is well is tested with the
real one (`make test-vllm`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from unlearnbench.engines.vllm import build, engine
from unlearnbench.engines.vllm.arguments import ALLOWED

Alter = Callable[[Any], Any]
"""Given a good result of vLLM: the one that it gives instead."""


@dataclass
class FakeVllm:
    """What the module does. `tokens` are written to every prompt, `alter` spoils its results."""

    tokens: list[int]
    alter: Alter = lambda result: result
    window: int = 2048
    loading: Exception | None = None
    answering: Exception | None = None
    made: dict[str, Any] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch, device: str = "cpu") -> None:
        """Put it in place, and leave out the comparison with the checkpoint's twin."""
        module = ModuleType("vllm")
        names = (*ALLOWED, "enable_lora", "max_loras", "max_lora_rank")
        fields: dict[str, Any] = {"__dataclass_fields__": dict.fromkeys(names)}
        module.EngineArgs = type("EngineArgs", (), fields)  # type: ignore[attr-defined]
        module.SamplingParams = SimpleNamespace  # type: ignore[attr-defined]
        module.LLM = self._load  # type: ignore[attr-defined]
        platforms = ModuleType("vllm.platforms")
        platforms.current_platform = SimpleNamespace(  # type: ignore[attr-defined]
            device_type=device
        )
        monkeypatch.setitem(sys.modules, "vllm", module)
        monkeypatch.setitem(sys.modules, "vllm.platforms", platforms)
        monkeypatch.setattr(build, "version", lambda _: "0.32.0")
        monkeypatch.setattr(engine.twin, "check_twin", lambda *_: None)

    def _load(self, **made: Any) -> Any:
        self.made = made
        if self.loading is not None:
            raise self.loading
        config = SimpleNamespace(max_model_len=self.window)
        return SimpleNamespace(
            llm_engine=SimpleNamespace(model_config=config),
            reset_prefix_cache=lambda: True,
            generate=self._generate,
        )

    def _generate(self, prompts: Sequence[Any], how: Sequence[Any], **_: Any) -> list[Any]:
        self.asked += list(how)
        if self.answering is not None:
            raise self.answering
        return [self.alter(self._result(prompt["prompt_token_ids"])) for prompt in prompts]

    def _result(self, ids: list[int]) -> Any:
        steps = [{token: SimpleNamespace(logprob=-0.5)} for token in self.tokens]
        output = SimpleNamespace(token_ids=self.tokens, logprobs=steps, finish_reason="stop")
        return SimpleNamespace(
            prompt_token_ids=ids, outputs=[output], finished=True, prompt_logprobs=None
        )
