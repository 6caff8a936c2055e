"""What a model expects next: letters after questions that share a prefix, and every token of texts.

Prompts that begin alike (the solved examples of a few-shot prompt) have that part computed once;
the rest of each goes through the model in batches of equal length, so that nothing is padded.
"""

from __future__ import annotations

import copy
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import Cache

from unlearnbench.engines.transformers.attention import any_shape
from unlearnbench.engines.transformers.encoding import token_ids
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.likelihood import own_attention
from unlearnbench.engines.transformers.prefixes import common_prefix
from unlearnbench.engines.transformers.prompts import context_window
from unlearnbench.errors import EngineError
from unlearnbench.types import Message

log = logging.getLogger(__name__)

_ROWS = 32
_FEW_TOKENS = 16
"""A shared prefix that is shorter is not worth a cache."""
_TOLERANCE = {torch.float32: 1e-3}
_COARSE = 0.3
"""Nats by which the two ways may differ in a 16-bit type, where near-ties are common."""


def letter_logprobs(
    engine: ModelEngine, prompts: Sequence[str], letters: str, begun: str = ""
) -> NDArray[np.float64]:
    """ln p(letter | prompt) for each raw prompt, shape (prompts, letters), in nats.

    The letter stands after a blank, as in "Answer: B". With `begun`, prompts are a user's turns and
    `begun` the beginning of the response, before the letter. One prompt is also computed without
    the shared prefix; if the two differ, all are, and the engine notes it. Raises `EngineError` if
    letters are not single tokens for this tokenizer, a prompt does not fit, or the model returns
    NaN.
    """
    rows = [_encoded(engine, prompt, begun) for prompt in prompts]
    lead, wanted = _letter_tokens(engine, prompts[0], begun, letters)
    rows = [row + lead for row in rows]
    window = context_window(engine.model.config)
    longest = max(map(len, rows))
    if window is not None and longest > window:
        raise EngineError(f"a question of {longest} tokens does not fit the window of {window}")
    with torch.inference_mode(), own_attention(engine), any_shape():
        values = _all_rows(engine, rows, wanted)
    if values.isnan().any():
        raise EngineError("the model returned NaN logits; try --dtype float32")
    return np.asarray(values.double().cpu().numpy())


def fitting(engine: ModelEngine, prompts: Sequence[str], begun: str = "") -> list[bool]:
    """Whether each prompt of `letter_logprobs`, with its letter, fits the context window."""
    window = context_window(engine.model.config)
    room = math.inf if window is None else window - 1
    return [len(_encoded(engine, prompt, begun)) < room for prompt in prompts]


def text_distributions(
    engine: ModelEngine, texts: Sequence[str]
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """For each text its token ids and ln p over the vocabulary before each, shape (T, V), in nats.

    The first token is predicted from the token that begins a text, or ends one if there is none.
    Raises `EngineError` if the tokenizer has neither, a text does not fit, or for NaN.
    """
    window = context_window(engine.model.config)
    marks = (engine.tokenizer.bos_token_id, engine.tokenizer.eos_token_id)
    start = next((mark for mark in marks if mark is not None), None)
    if start is None:
        raise EngineError("its tokenizer has no token to begin a text with: no perplexity")
    for text in texts:
        ids = token_ids(engine.tokenizer, text)
        if window is not None and len(ids) >= window:
            raise EngineError(f"a text of {len(ids)} tokens does not fit the window of {window}")
        tokens = torch.tensor([[start, *ids[:-1]]], device=engine.device)
        with torch.inference_mode(), own_attention(engine), any_shape():
            logits = engine.model(input_ids=tokens, use_cache=False).logits[0]
        if logits.isnan().any():
            raise EngineError("the model returned NaN logits; try --dtype float32")
        yield ids, torch.log_softmax(logits.float(), dim=-1).cpu().numpy()


def _encoded(engine: ModelEngine, prompt: str, response: str) -> list[int]:
    """Token ids of a text and what follows it: as a turn with the beginning of its response where
    there is one and the model has a template.
    """
    prompter = engine.prompts.prompter
    if not response or engine.prompt_format == "raw":
        return prompter.raw("\n".join(filter(None, [prompt, response])))
    return prompter.chat((Message("user", prompt), Message("assistant", response)))[2]


def tolerance(engine: ModelEngine) -> float:
    """Nats by which two ways to compute the same may differ."""
    return _TOLERANCE.get(engine.dtype, _COARSE)


def _letter_tokens(
    engine: ModelEngine, prompt: str, begun: str, letters: str
) -> tuple[list[int], list[int]]:
    """What stands between a prompt and each letter (a blank, if it is a token), and the letters."""
    ids = _encoded(engine, prompt, begun)
    if begun:
        longer = [_encoded(engine, prompt, f"{begun} {letter}") for letter in letters]
    else:
        longer = [_encoded(engine, f"{prompt} {letter}", "") for letter in letters]
    leads = {tuple(row[len(ids) : -1]) for row in longer}
    if len(leads) > 1 or any(row[: len(ids)] != ids or len(row) == len(ids) for row in longer):
        raise EngineError(f"its tokenizer has no single token for a letter of {letters}")
    tokens = [row[-1] for row in longer]
    if len(set(tokens)) < len(letters):
        raise EngineError(f"its tokenizer writes the letters {letters} alike")
    return list(*leads), tokens


def _shared_length(rows: Sequence[Sequence[int]]) -> int:
    """Tokens that all rows begin with, at least one of each left over; 0 if they are few."""
    shared = min(common_prefix(rows[0], row) for row in rows)
    shared = min(shared, *(len(row) - 1 for row in rows))
    return shared if shared >= _FEW_TOKENS and len(rows) > 1 else 0


def _all_rows(engine: ModelEngine, rows: Sequence[list[int]], wanted: list[int]) -> torch.Tensor:
    """ln p of the wanted tokens after each row."""
    shared = _shared_length(rows)
    if not shared:
        return _by_length(rows, lambda part: _expect(engine, part, wanted))
    prefix = torch.tensor([rows[0][:shared]], device=engine.device)
    cache = engine.model(input_ids=prefix, use_cache=True, logits_to_keep=1).past_key_values
    if hasattr(cache, "batch_repeat_interleave"):
        rests = [row[shared:] for row in rows]
        values = _by_length(rests, lambda part: _expect(engine, part, wanted, cache))
        plain = _expect(engine, rows[:1], wanted)
        if (values[:1] - plain).abs().max() <= tolerance(engine):
            return values
    log.warning("its cache does not carry a shared prefix: every question is computed whole")
    return _by_length(rows, lambda part: _expect(engine, part, wanted))


def _by_length(
    rows: Sequence[list[int]], compute: Callable[[list[list[int]]], torch.Tensor]
) -> torch.Tensor:
    """The results of `compute` on batches of rows of equal length, in the order of `rows`."""
    groups: dict[int, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[len(row)].append(index)
    results: dict[int, torch.Tensor] = {}
    for members in groups.values():
        for start in range(0, len(members), _ROWS):
            part = members[start : start + _ROWS]
            results.update(zip(part, compute([rows[index] for index in part]), strict=True))
    return torch.stack([results[index] for index in range(len(rows))])


def _expect(
    engine: ModelEngine,
    rows: Sequence[Sequence[int]],
    wanted: list[int],
    cache: Cache | None = None,
) -> torch.Tensor:
    """ln p of the wanted tokens after rows of equal length, behind what the cache holds."""
    past = copy.deepcopy(cache)  # the model writes into it
    if past is not None:
        past.batch_repeat_interleave(len(rows))
    logits = engine.model(
        input_ids=torch.tensor(rows, device=engine.device),
        past_key_values=past,
        use_cache=past is not None,
        logits_to_keep=1,
    ).logits[:, -1]
    return torch.log_softmax(logits.float(), dim=-1)[:, wanted]
