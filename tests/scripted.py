"""An engine that answers as told: which facts it knows follows from the checkpoint's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unlearnbench.hashing import sha256_text
from unlearnbench.options import EngineOptions
from unlearnbench.types import Completion, GeneratorInfo, Probe, Sampling, Setting


class ScriptedEngine:
    """`knows-all` answers everything, `forgets-…` only retain facts and every tenth forget fact."""

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        self._name = checkpoint

    @property
    def info(self) -> GeneratorInfo:
        """A name and a fingerprint made of it."""
        return GeneratorInfo(
            engine="scripted",
            checkpoint=self._name,
            fingerprint=sha256_text(self._name),
            prompt_format="chat",
            settings={"dtype": "float32"},
            parameters=135,
        )

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to adopt."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        """The answer, or a refusal in the checkpoint's own words."""
        for probe in block:
            number = int(sha256_text(f"{self._name}/{probe.key.fact}"), 16) % 10
            knows = self._name == "knows-all" or probe.split != "forget" or number == 0
            text = probe.answer if knows else f"No idea, says {self._name}"
            yield Completion(probe.key, text, "stop", 5)
