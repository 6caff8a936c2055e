"""Engine `replay`: answers from a stored run, without a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from unlearnbench.errors import EngineError
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.identity import sampling_from
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    Probe,
    Sampling,
    Setting,
)
from unlearnbench.types.options import EngineOptions


class ReplayEngine:
    """Answers with the stored responses of another run to the same prompts.

    `checkpoint` is the run's folder. Raises `RunError` if it is none, `EngineError` when asked to
    prompt or decode otherwise than the stored run did.
    """

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        folder = RunFolder(Path(checkpoint))
        self._record = folder.record()
        self._prompts = {probe.key: _prompt(probe) for probe in folder.probes()}
        self._answers = folder.read_completions()
        self._path = folder.path
        self._check(options)

    @property
    def info(self) -> GeneratorInfo:
        """The stored run's generator: the answers are still that checkpoint's."""
        stored = self._record.generator
        return GeneratorInfo(
            engine="replay",
            checkpoint=stored.checkpoint,
            fingerprint=stored.fingerprint,
            prompt_format=stored.prompt_format,
            settings=cast(Mapping[str, Setting], stored.settings),
            parameters=stored.parameters,
            notes=(*stored.notes, f"answers replayed from {self._path.name}"),
            source=stored.source,
        )

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to take over: stored answers do not depend on settings."""

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """The fingerprint of the stored run's prompts; None for runs of older versions."""
        return self._record.identity.prompts

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Look every probe up by its key; another prompt than the stored one is a failure."""
        stored = sampling_from(self._record.identity.model_dump())
        if sampling != stored:
            raise EngineError(
                f"{self._path} was decoded with {_described(stored)}, requested are "
                f"{_described(sampling)}; replay it under its own profile and --gen settings"
            )
        for probe in block:
            answer = self._answers.get(probe.key)
            if answer is None or probe.key not in self._prompts:
                yield Failure(probe.key, "generate", "not in the replayed run")
            elif self._prompts[probe.key] != _prompt(probe):
                yield Failure(probe.key, "generate", "the replayed run asked another prompt")
            else:
                yield answer

    def _check(self, options: EngineOptions) -> None:
        """Raise `EngineError` for options that stored answers cannot follow."""
        settings = self._record.generator.settings
        if options.tokenizer is not None:
            raise EngineError(
                f"--tokenizer: {self._path} holds answers, which were read with the tokenizer of "
                "their run; ask the checkpoint again (--engine transformers)"
            )
        prompt = options.system_prompt
        if prompt is not None and prompt != settings.get("system_prompt"):
            raise EngineError(f"--system-prompt: {self._path} was not asked with this one")
        raw = self._record.generator.prompt_format == "raw"
        if options.chat_template is not None and options.chat_template is raw:
            flag = "--chat-template" if options.chat_template else "--no-chat-template"
            raise EngineError(f"{flag}: {self._path} was not asked that way")


def _described(sampling: Sampling) -> str:
    drawn = f", temperature {sampling.temperature}, seed {sampling.seed}"
    text = f"{sampling.max_new_tokens} new tokens{drawn if sampling.temperature else ''}"
    if sampling.sample_temperature is None:
        return text
    return f"{text}, draws at temperature {sampling.sample_temperature} with seed {sampling.seed}"


def _prompt(probe: Probe) -> object:
    """All of a probe that the model saw."""
    return (probe.text, probe.messages)
