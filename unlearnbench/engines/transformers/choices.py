"""How likely a model finds each of several short answers, behind one pass over the question."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from unlearnbench.engines.transformers.attention import any_shape
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.likelihood import likelihoods, own_attention
from unlearnbench.engines.transformers.next_tokens import tolerance
from unlearnbench.engines.transformers.prompts import context_window
from unlearnbench.errors import EngineError
from unlearnbench.types import Probe

log = logging.getLogger(__name__)

_ROWS = 32
_LOGITS_AT_ONCE = 50_000_000
Ids = list[int]


def choice_logprobs(
    engine: ModelEngine, asked: Sequence[tuple[Probe, Sequence[str]]]
) -> NDArray[np.float64]:
    """Mean ln p a token of each choice after its raw prompt, shape (prompts, choices), in nats.

    All prompts have equally many choices. The choices of the first are also computed whole; if the
    two ways differ, all are, and a warning says so. Raises `EngineError` as `likelihoods` does.
    """
    plain = _whole(engine, asked[:1])
    rows = [_tokens(engine, probe, choices) for probe, choices in asked]
    with torch.inference_mode(), own_attention(engine), any_shape():
        values = _behind_prompts(engine, rows)
    close = np.abs(values[:1] - plain).max() <= tolerance(engine) if len(values) else False
    if close and not np.isnan(values).any():
        return values
    log.warning("its cache does not carry a question to its choices: each is computed whole")
    return _whole(engine, asked)


def _whole(
    engine: ModelEngine, asked: Sequence[tuple[Probe, Sequence[str]]]
) -> NDArray[np.float64]:
    pairs = [(probe, choice) for probe, choices in asked for choice in choices]
    losses = [-tokens.loss for tokens in likelihoods(engine, pairs)]
    return np.array(losses).reshape(len(asked), -1)


def _tokens(engine: ModelEngine, probe: Probe, choices: Sequence[str]) -> tuple[Ids, list[Ids]]:
    """The tokens of a prompt and of each choice, as `likelihoods` has them."""
    ends = [
        list(engine.tokenizer(f" {choice}", add_special_tokens=False).input_ids)
        for choice in choices
    ]
    prompt, window = engine.prompts.ids(probe), context_window(engine.model.config)
    if not all(ends):
        raise EngineError(f"{probe.key}: a choice has no token; mend the data")
    longest = len(prompt) + max(map(len, ends))
    if window is not None and longest > window:
        raise EngineError(f"{probe.key}: {longest} tokens do not fit the window of {window}")
    return prompt, ends


def _behind_prompts(
    engine: ModelEngine, rows: Sequence[tuple[Ids, list[Ids]]]
) -> NDArray[np.float64]:
    """The values of all rows; none if the model's cache cannot be shared by several rows."""
    groups: dict[int, list[int]] = defaultdict(list)
    for index, (prompt, _) in enumerate(rows):
        groups[len(prompt)].append(index)
    values = np.empty((len(rows), len(rows[0][1])))
    for members in groups.values():
        for part in _parts(engine, rows, members):
            found = _batch(engine, [rows[index] for index in part])
            if found is None:
                return np.empty((0, 0))
            values[part] = found
    return values


def _parts(
    engine: ModelEngine, rows: Sequence[tuple[Ids, list[Ids]]], members: list[int]
) -> Iterator[list[int]]:
    """As many rows at a time as the limit of logits allows."""
    vocabulary = engine.model.config.get_text_config().vocab_size
    longest = max(len(end) for index in members for end in rows[index][1])
    each = len(rows[0][1]) * longest * vocabulary
    step = max(1, min(_ROWS, _LOGITS_AT_ONCE // each))
    for start in range(0, len(members), step):
        yield members[start : start + step]


def _batch(
    engine: ModelEngine, rows: Sequence[tuple[Ids, list[Ids]]]
) -> NDArray[np.float64] | None:
    """Prompts of equal length, then their choices side by side; what pads a choice follows it."""
    prompts = torch.tensor([prompt for prompt, _ in rows], device=engine.device)
    read = engine.model(input_ids=prompts, use_cache=True, logits_to_keep=1)
    cache = read.past_key_values
    if not hasattr(cache, "batch_repeat_interleave"):
        return None
    ends = [end for _, choices in rows for end in choices]
    each = len(ends) // len(rows)
    cache.batch_repeat_interleave(each)
    ids = torch.zeros(len(ends), max(map(len, ends)), dtype=torch.long)
    for place, end in enumerate(ends):
        ids[place, : len(end)] = torch.tensor(end)
    ids = ids.to(engine.device)
    logits = engine.model(input_ids=ids, past_key_values=cache, use_cache=True).logits
    first = read.logits[:, -1:].repeat_interleave(each, dim=0)
    logp = torch.log_softmax(torch.cat([first, logits[:, :-1]], dim=1).float(), dim=-1)
    chosen = logp.gather(-1, ids.unsqueeze(-1)).squeeze(-1).double().cpu()
    means = [float(row[: len(end)].mean()) for row, end in zip(chosen, ends, strict=True)]
    return np.array(means).reshape(len(rows), each)
