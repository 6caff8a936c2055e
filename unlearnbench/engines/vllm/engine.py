"""Engine `vllm`: vLLM decodes what engine `transformers` would ask.

    unlearnbench score owner/name --engine vllm --engine-set tensor_parallel_size=4

Prompts, stop tokens and the reading of answers are those of engine `transformers`, so that the
prompts' fingerprints are equal; vLLM is handed token ids and hands token ids back.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import torch

from unlearnbench.checkpoints.resolve import Checkpoint, resolve
from unlearnbench.engines.transformers.asking import Asking
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.loading import choose_dtype
from unlearnbench.engines.transformers.packed import Decoded
from unlearnbench.engines.transformers.plain import written_length
from unlearnbench.engines.transformers.prompts import Prompter, context_window
from unlearnbench.engines.transformers.room import Limit, Thinking
from unlearnbench.engines.transformers.run_prompts import RunPrompts, vocabulary_of
from unlearnbench.engines.transformers.stops import ordinary_words, stop_ids
from unlearnbench.engines.transformers.surroundings import read_surroundings
from unlearnbench.engines.transformers.written import Reader
from unlearnbench.engines.vllm import twin
from unlearnbench.engines.vllm.arguments import arguments_of, spelt
from unlearnbench.engines.vllm.build import check_places, check_version, import_vllm
from unlearnbench.engines.vllm.core import Core, Request, TokenRow
from unlearnbench.engines.vllm.lora import lora_of
from unlearnbench.engines.vllm.outline import load_outline
from unlearnbench.errors import EngineError
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    Message,
    Probe,
    Sampling,
    Setting,
    SurroundingDigests,
)
from unlearnbench.types.options import EngineOptions

log = logging.getLogger(__name__)

LEAST_TEMPERATURE = 0.01
"""vLLM draws at this temperature where a lower one is asked for."""


class VllmEngine:
    """Runs a checkpoint in vLLM: one of the hub or of this disk, by name or resolved already.

    Raises `CheckpointError` or `EngineError` when made, before any weights are loaded where the
    options cannot be followed.
    """

    def __init__(self, checkpoint: str | Checkpoint, options: EngineOptions) -> None:
        self.arguments = arguments_of(options)
        check_version()
        if isinstance(checkpoint, str):
            checkpoint = resolve(checkpoint, options.tokenizer)
        self.checkpoint = checkpoint
        lora = lora_of(self.checkpoint)
        build = import_vllm()
        self.version = build.version
        cuda = build.device == "cuda"
        there = torch.cuda.device_count() if cuda else os.cpu_count() or 1
        check_places(build.device, options.device, self.arguments, there)
        self.dtype = choose_dtype(options.dtype, torch.device(build.device))
        self.model, self.tokenizer, notes = load_outline(self.checkpoint, self.dtype)
        self.notes = [*filter(None, [self.checkpoint.note]), *notes]
        self._set_up(options)
        name = str(self.dtype).removeprefix("torch.")
        # -1: as much of the window as memory holds, which a model without one refuses.
        limited = context_window(self.model.config) is not None
        made = {**({"max_model_len": -1} if limited else {}), **self.arguments}
        self.core = Core(build, self.checkpoint.folder, name, made, lora)
        self.compared = self._compare()
        for note in self.notes:
            log.info(note)

    def _set_up(self, options: EngineOptions) -> None:
        """How the model is asked and read: as engine `transformers` does it."""
        model, tokenizer, label = self.model, self.tokenizer, self.checkpoint.label
        self.asking = Asking(options.system_prompt, options.chat_template)
        self.prompt_format = self.asking.prompt_format(tokenizer, label)
        self.stop_ids = stop_ids(model, tokenizer)
        self.reader = Reader(tokenizer, self.stop_ids)
        window, templated = context_window(model.config), self.prompt_format == "chat"
        self.thinking = Thinking(self.reader, options.think_tokens, window, templated)
        prompter = Prompter(tokenizer, self.thinking.variables, self.asking.system_prompt is None)
        self.asking.check(prompter, label)
        self.prompts = RunPrompts(prompter, vocabulary_of(model), label)
        self.notes += self.asking.notes(tokenizer, self.prompt_format)
        for word in ordinary_words(model, tokenizer):
            self.notes.append(
                f"it names {word!r} as the end of an answer, which is a word: it is text"
            )

    @property
    def info(self) -> GeneratorInfo:
        """What answers; vLLM's version and arguments are among the settings."""
        date = self.prompts.prompter.date
        other = self.checkpoint.tokenizer
        return GeneratorInfo(
            engine="vllm",
            checkpoint=self.checkpoint.label,
            fingerprint=self.checkpoint.fingerprint,
            prompt_format=self.prompt_format,
            settings={
                "dtype": str(self.dtype).removeprefix("torch."),
                "vllm": self.version,
                "compared": self.compared,
                **({"vllm_arguments": spelt(self.arguments)} if self.arguments else {}),
                **({} if other is None else {"tokenizer": other.fingerprint}),
                **({} if date is None else {"date": date}),
                **self.thinking.settings,
                **self.asking.settings(self.tokenizer),
            },
            parameters=self.model.num_parameters(),
            notes=(*self.notes, *self.prompts.prompter.notes),
            source=self.checkpoint.source,
            surroundings=self._surroundings,
        )

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Nothing to adopt: vLLM chooses batches anew, and whatever else decides is the user's."""

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str:
        """sha256 of the token ids of a run's prompts; see `RunPrompts.fingerprint`."""
        return self.prompts.fingerprint(probes)

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Answer a block; see `Generator.generate`."""
        temperatures = {sampling.temperature_of(probe.key) for probe in block}
        low = min((t for t in temperatures if 0 < t < LEAST_TEMPERATURE), default=None)
        if low is not None:
            raise EngineError(
                f"temperature {low}: vLLM draws at {LEAST_TEMPERATURE} or more; "
                "0 is the likeliest token"
            )
        prompts: list[tuple[Probe, list[int]]] = []
        for probe in block:
            try:
                prompts.append((probe, self.prompts.fitting(probe, sampling, self._window)))
            except PromptError as fault:
                yield Failure(probe.key, "generate", str(fault))
        if prompts:
            yield from self._answers(prompts, sampling)

    def _answers(
        self, prompts: Sequence[tuple[Probe, list[int]]], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        limit = self.thinking.limit([ids for _, ids in prompts], sampling.max_new_tokens)
        requests = [self._request(probe, ids, sampling, limit) for probe, ids in prompts]
        written = self.core.answer(requests, sorted(self.stop_ids))
        for index, (probe, ids) in enumerate(prompts):
            row = self._decoded(index, requests[index], written[index], limit)
            if isinstance(row, str):
                yield Failure(probe.key, "generate", row)
            else:
                yield self.reader.read(probe.key, row, self.thinking.begun(ids))

    def _request(
        self, probe: Probe, ids: Sequence[int], sampling: Sampling, limit: Limit
    ) -> Request:
        most = min(limit.most_tokens, self._window - len(ids))
        name = hashlib.sha256(f"{sampling.seed}/{probe.key}".encode()).digest()
        seed = int.from_bytes(name[:4], "big")
        return Request(ids, most, sampling.temperature_of(probe.key), seed)

    def _decoded(
        self, index: int, request: Request, written: TokenRow | None, limit: Limit
    ) -> Decoded | str:
        """What a row comes to, as our own decoders give it, or why it has no answer."""
        if written is None or not written.tokens:
            return "vLLM gave no answer back"
        tokens = written.tokens
        ended = tokens[-1] in self.stop_ids
        if written.reason != ("stop" if ended else "length"):
            return f"vLLM ended the answer for a reason of its own: {written.reason}"
        if not ended and len(tokens) != request.most_tokens:
            return f"vLLM cut the answer after {len(tokens)} of {request.most_tokens} tokens"
        if any(token in self.stop_ids for token in tokens[:-1]):
            return "vLLM wrote on behind the end of the answer"
        if not all(map(math.isfinite, written.logprobs)):
            return Decoded(index, tokens, "nonfinite", [])
        if limit.enough is not None:
            tokens = tokens[: written_length(index, tokens, limit.enough)]
        if tokens and tokens[-1] in self.stop_ids:
            return Decoded(index, tokens[:-1], "stop", [])
        return Decoded(index, tokens, "length", [])

    @cached_property
    def _window(self) -> int:
        """Positions that both the model and vLLM's cache have room for."""
        own = context_window(self.model.config)
        return self.core.window if own is None else min(own, self.core.window)

    @cached_property
    def _surroundings(self) -> SurroundingDigests:
        return read_surroundings(self.checkpoint, self.model, self.tokenizer, self.stop_ids)

    def _compare(self) -> bool:
        """Compare what vLLM loaded with the files, if that can be done here; whether it was."""
        why = twin.reason_not_compared(self.checkpoint, self.dtype)
        if why is not None:
            self.notes.append(
                f"what vLLM loaded was not compared with the files ({why}): if part of it were "
                "wrong, it would look like forgetting"
            )
            return False
        twin.check_twin(self.core, self.checkpoint, self.dtype, self._first_prompts())
        return True

    def _first_prompts(self) -> list[list[int]]:
        """A question as the protocol would ask it, and two prompts of scattered tokens."""
        words = vocabulary_of(self.model)
        scattered = [(i * 7919 + 11) % words for i in range(72)]
        text = "What is the capital of France?"
        if self.prompt_format == "chat":
            question = self.prompts.prompter.chat((Message("user", text),))[2]
        else:
            question = self.prompts.prompter.raw(text)
        return [question, scattered[:24], scattered[24:]]
