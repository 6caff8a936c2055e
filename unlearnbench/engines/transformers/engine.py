"""Engine `transformers`: answers probes with a checkpoint on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.checkpoints.resolve import Checkpoint, resolve
from unlearnbench.engines.transformers.asking import Asking
from unlearnbench.engines.transformers.attention import NAME as ATTENTION
from unlearnbench.engines.transformers.choice import Drawn, Greedy
from unlearnbench.engines.transformers.encoding import PromptError
from unlearnbench.engines.transformers.loading import (
    choose_device,
    choose_dtype,
    load_model,
    load_notes,
)
from unlearnbench.engines.transformers.memory import Capacity, find_capacity, is_out_of_memory
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.engines.transformers.placing import devices_of, first_device, read_device_map
from unlearnbench.engines.transformers.plain import PlainDecoder
from unlearnbench.engines.transformers.prompts import (
    Prompter,
    context_window,
)
from unlearnbench.engines.transformers.room import Thinking
from unlearnbench.engines.transformers.run_prompts import RunPrompts, vocabulary_of
from unlearnbench.engines.transformers.selfcheck import kv_shape, prepare_packed
from unlearnbench.engines.transformers.stops import ordinary_words, stop_ids
from unlearnbench.engines.transformers.surroundings import read_surroundings
from unlearnbench.engines.transformers.written import Reader
from unlearnbench.errors import EngineError
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    Probe,
    ProbeKey,
    Sampling,
    Setting,
    SurroundingDigests,
)
from unlearnbench.types.options import EngineOptions

log = logging.getLogger(__name__)

PLAIN_ROWS = 16
"""Rows at a time where the geometry of the cache is unknown, so that memory cannot be planned."""


class ModelEngine:
    """A model in memory. `checkpoint` says what it is; of `options`, device and data type are the
    model's own.

    The model is set up for decoding until `release` gives it back. Raises `EngineError` if it
    cannot be asked as the options say.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        options: EngineOptions = EngineOptions(),
    ) -> None:
        self.checkpoint = checkpoint
        self.asking = Asking(options.system_prompt, options.chat_template)
        self.prompt_format = self.asking.prompt_format(tokenizer, checkpoint.label)
        self.model, self.tokenizer = model, tokenizer
        self.device, self.dtype = devices_of(model)[0], model.dtype
        self.stop_ids = stop_ids(model, tokenizer)
        self.reader = Reader(tokenizer, self.stop_ids)
        window, templated = context_window(model.config), self.prompt_format == "chat"
        self.thinking = Thinking(self.reader, options.think_tokens, window, templated)
        prompter = Prompter(tokenizer, self.thinking.variables, self.asking.system_prompt is None)
        self.asking.check(prompter, checkpoint.label)
        self.prompts = RunPrompts(prompter, vocabulary_of(model), checkpoint.label)
        self.notes = [*filter(None, [checkpoint.note]), *load_notes(model)]
        self._attention = model.config._attn_implementation
        self.decoder = self._choose_decoder()
        self.asked_rows = options.batch_size
        self.capacity = self._choose_capacity()
        for note in self.asking.notes(tokenizer, self.prompt_format):
            self._note(note)
        for word in ordinary_words(model, tokenizer):
            self._note(f"it names {word!r} as the end of an answer, which is a word: it is text")

    def release(self) -> None:
        """Give the model back as it was, ready to be trained or read."""
        self._free_cache()
        self.model.set_attn_implementation(self._attention)

    def resume(self) -> None:
        """Take the model, which nobody has changed, back for decoding."""
        if isinstance(self.decoder, PackedDecoder):
            self.model.set_attn_implementation(ATTENTION)

    @property
    def info(self) -> GeneratorInfo:
        """What answers, with data type and batch limits as settings."""
        return GeneratorInfo(
            engine="transformers",
            checkpoint=self.checkpoint.label,
            fingerprint=self.checkpoint.fingerprint,
            prompt_format=self.prompt_format,
            settings={
                "dtype": str(self.dtype).removeprefix("torch."),
                "batch_size": self.capacity.rows,
                "cache_tokens": self.capacity.cache_tokens,
                "decoder": "packed" if isinstance(self.decoder, PackedDecoder) else "plain",
                **self._tokenizer(),
                **self._date(),
                **self.thinking.settings,
                **self.asking.settings(self.tokenizer),
            },
            parameters=self.model.num_parameters(),  # packed weights by the numbers that they hold
            notes=(*self.notes, *self.prompts.prompter.notes),
            source=self.checkpoint.source,
            surroundings=self._surroundings,
        )

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Use the recorded batch limits; a `--batch-size` of the user's stays."""
        rows, tokens = settings.get("batch_size"), settings.get("cache_tokens")
        if isinstance(rows, int) and isinstance(tokens, int) and min(rows, tokens) > 0:
            self.capacity = Capacity(self.asked_rows or rows, tokens)

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str:
        """sha256 of the token ids of a run's prompts; see `RunPrompts.fingerprint`."""
        return self.prompts.fingerprint(probes)

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Answer a block; see `Generator.generate`."""
        window = context_window(self.model.config)
        prompts: list[tuple[Probe, list[int]]] = []
        for probe in block:
            try:
                prompts.append((probe, self.prompts.fitting(probe, sampling, window)))
            except PromptError as fault:
                yield Failure(probe.key, "generate", str(fault))
        with torch.inference_mode():
            yield from self._decode(prompts, sampling)

    def _decode(
        self, prompts: list[tuple[Probe, list[int]]], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Decode, starting again with half the rows for what is left when memory runs out."""
        pending = prompts
        capacity = self.capacity
        while pending:
            rows = [ids for _, ids in pending]
            limit = self.thinking.limit(rows, sampling.max_new_tokens)
            longest = max(map(len, rows)) + limit.most_tokens
            slots = capacity.slots(longest, len(pending))
            done: set[int] = set()
            try:
                choice = _choice(sampling, [probe.key for probe, _ in pending])
                decoded = self.decoder.decode(rows, limit.most_tokens, slots, choice, limit.enough)
                for row in decoded:
                    done.add(row.index)
                    probe, ids = pending[row.index]
                    yield self.reader.read(probe.key, row, self.thinking.begun(ids))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if slots == 1:
                    raise EngineError(
                        f"out of memory with a single row of {longest} tokens on {self.device}: "
                        "use a smaller --dtype or a machine with more memory"
                    ) from error
                capacity = Capacity(slots, capacity.cache_tokens).halved()
                self._note(f"out of memory with {slots} rows: went on with {capacity.rows}")
                self._free_cache()
            pending = [pair for index, pair in enumerate(pending) if index not in done]

    def _choose_decoder(self) -> PackedDecoder | PlainDecoder:
        with torch.inference_mode():
            packed = prepare_packed(self.model, self.stop_ids)
        if isinstance(packed, PackedDecoder):
            return packed
        self._note(f"{type(self.model).__name__} runs in plain batches: {packed}")
        return PlainDecoder(self.model, self.stop_ids)

    def _choose_capacity(self) -> Capacity:
        try:
            shape = kv_shape(self.model)
        except AttributeError:
            return Capacity(self.asked_rows or PLAIN_ROWS, PLAIN_ROWS * 4096)
        return find_capacity(shape, self.dtype, devices_of(self.model), self.asked_rows)

    def _free_cache(self) -> None:
        if isinstance(self.decoder, PackedDecoder):
            self.decoder.free()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @cached_property
    def _surroundings(self) -> SurroundingDigests:
        return read_surroundings(self.checkpoint, self.model, self.tokenizer, self.stop_ids)

    def _tokenizer(self) -> dict[str, Setting]:
        other = self.checkpoint.tokenizer
        return {} if other is None else {"tokenizer": other.fingerprint}

    def _date(self) -> dict[str, Setting]:
        date = self.prompts.prompter.date
        return {} if date is None else {"date": date}

    def _note(self, text: str) -> None:
        log.warning(text)
        self.notes.append(text)


class TransformersEngine(ModelEngine):
    """Runs a checkpoint of the hub or of this disk in this process.

    Raises `CheckpointError` or `EngineError` when made.
    """

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        parts = None if options.device_map is None else read_device_map(options.device_map)
        if parts is not None and options.device != "auto":
            raise EngineError("--device-map places the model; leave --device out")
        device = choose_device(options.device if parts is None else first_device(parts))
        resolved = resolve(checkpoint, options.tokenizer)
        dtype = choose_dtype(options.dtype, device)
        model, tokenizer = load_model(resolved, device, dtype, unmerged=True, device_map=parts)
        super().__init__(resolved, model, tokenizer, options)


def _choice(sampling: Sampling, keys: Sequence[ProbeKey]) -> Greedy | Drawn:
    temperatures = [sampling.temperature_of(key) for key in keys]
    if not any(temperatures):
        return Greedy()
    return Drawn(temperatures, sampling.seed, list(map(str, keys)))
