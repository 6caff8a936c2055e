"""What a server is sent: a conversation that it renders, or a text as we rendered it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearnbench.engines.endpoint.address import OPENAI
from unlearnbench.engines.thoughts import SWITCHES
from unlearnbench.hashing import sha256_text
from unlearnbench.types import Probe, Sampling

NEUTRAL: Mapping[str, float] = {"top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
"""Servers fill what a request leaves open with the checkpoint's own decoding settings."""
NEUTRAL_OF: Mapping[str, Mapping[str, float]] = {
    "vllm": {"repetition_penalty": 1.0, "top_k": 0, "min_p": 0.0},
    "sglang": {"repetition_penalty": 1.0, "top_k": -1, "min_p": 0.0},
    "llamacpp": {"repeat_penalty": 1.0, "top_k": 0, "min_p": 0.0},
}
"""The same for settings that only some servers know, by the owner of models that they list."""
_MOST_SEED = 2**31


def is_chat(probe: Probe) -> bool:
    """Whether a probe is a conversation, which the server renders with the model's template."""
    return probe.text is None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server wants to be asked.

    `neutral` are settings that leave the likeliest token the likeliest. `thinking` is handed to the
    chat template; None: nothing is.
    """

    neutral: Mapping[str, float]
    limit_name: str = "max_tokens"
    thinking: bool | None = None

    @classmethod
    def of(cls, address: str, owner: str | None, thinking: bool | None) -> Dialect:
        """The dialect of the server at `address`, which lists `owner` as the model's."""
        if address == OPENAI:  # it refuses what it does not know
            return cls(NEUTRAL, "max_completion_tokens")
        return cls({**NEUTRAL, **NEUTRAL_OF.get(owner or "", {})}, thinking=thinking)

    def chat(
        self, model: str, probe: Probe, sampling: Sampling, most_tokens: int
    ) -> dict[str, object]:
        """The body of a request for the next turn of a conversation."""
        messages = [{"role": turn.role, "content": turn.content} for turn in probe.messages]
        body = {**self._common(model, probe, sampling), self.limit_name: most_tokens}
        if self.thinking is not None:
            body["chat_template_kwargs"] = dict.fromkeys(SWITCHES, self.thinking)
        return {**body, "messages": messages}

    def raw(
        self, model: str, probe: Probe, sampling: Sampling, most_tokens: int
    ) -> dict[str, object]:
        """The body of a request for what follows a text."""
        body = self._common(model, probe, sampling)
        return {**body, "max_tokens": most_tokens, "prompt": probe.text}

    def _common(self, model: str, probe: Probe, sampling: Sampling) -> dict[str, object]:
        temperature = sampling.temperature_of(probe.key)
        body = {"model": model, "temperature": temperature, **self.neutral}
        return {**body, "seed": _seed(probe, sampling)} if temperature else body


def _seed(probe: Probe, sampling: Sampling) -> int:
    """A draw's own seed, which follows from the run's seed and the probe's key."""
    return int(sha256_text(f"{sampling.seed}/{probe.key}"), 16) % _MOST_SEED
