"""How likely a model finds given answers, token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.engines.transformers.attention import any_shape
from unlearnbench.engines.transformers.encoding import token_ids
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.prompts import context_window
from unlearnbench.engines.transformers.stops import ended
from unlearnbench.errors import EngineError
from unlearnbench.types import Probe

_LOGITS_AT_ONCE = 50_000_000
"""Logits held at a time, which bounds memory at a few hundred megabytes."""


@dataclass(frozen=True, slots=True)
class _Row:
    index: int
    prompt: list[int]
    answer: list[int]
    ended: bool

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.answer)


def likelihoods(
    engine: ModelEngine, answers: Sequence[tuple[Probe, str]], *, end_token: bool = False
) -> list[AnswerTokens]:
    """One `AnswerTokens` for each (probe, answer), in the order given.

    The answer follows the prompt as the model would write it, and with `end_token` the token that
    ends the turn follows the answer, as in training. Raises `EngineError` if an answer has no token
    or does not fit the context window, or if the model returns NaN.
    """
    chat = any(probe.text is None for probe, _ in answers)
    end = [_end(engine, chat)] if end_token else []
    rows = [_row(engine, n, probe, answer, end) for n, (probe, answer) in enumerate(answers)]
    return _scored(engine, rows)


def text_likelihoods(engine: ModelEngine, texts: Sequence[str]) -> list[AnswerTokens]:
    """One `AnswerTokens` for each text by itself, in the order given.

    It holds all tokens but the first, which nothing predicts; where the tokenizer puts a mark
    before any text, that is every token of the text. Raises `EngineError` if a text has only one
    token or does not fit the context window, or if the model returns NaN.
    """
    rows = []
    for index, text in enumerate(texts):
        ids = token_ids(engine.tokenizer, text, special=True)
        row = _Row(index, ids[:1], ids[1:], ended=False)
        if not row.answer:
            raise EngineError(f"text {index + 1} has only one token: {text!r}; mend the data")
        _check_window(engine, row, f"text {index + 1} ({text[:40]!r}…)")
        rows.append(row)
    return _scored(engine, rows)


def _scored(engine: ModelEngine, rows: list[_Row]) -> list[AnswerTokens]:
    results: dict[int, AnswerTokens] = {}
    with torch.inference_mode(), own_attention(engine):
        for batch in _batches(rows, engine.model.config.get_text_config().vocab_size):
            results.update(_score(engine, batch))
    return [results[index] for index in range(len(rows))]


@contextmanager
def own_attention(engine: ModelEngine) -> Iterator[None]:
    """The model's usual attention for a while: the packed one knows only packed rows."""
    packed = engine.model.config._attn_implementation
    engine.model.set_attn_implementation("sdpa" if engine.model._supports_sdpa else "eager")
    try:
        yield
    finally:
        engine.model.set_attn_implementation(packed)


def _row(engine: ModelEngine, index: int, probe: Probe, answer: str, end: list[int]) -> _Row:
    spaced = answer if probe.text is None else f" {answer}"
    ids = list(engine.tokenizer(spaced, add_special_tokens=False).input_ids)
    row = _Row(index, engine.prompts.ids(probe), ids + end, bool(end))
    if not ids:
        raise EngineError(f"{probe.key}: the answer {answer!r} has no token; mend the data")
    _check_window(engine, row, str(probe.key))
    return row


def _check_window(engine: ModelEngine, row: _Row, where: str) -> None:
    window = context_window(engine.model.config)
    if window is not None and row.length > window:
        raise EngineError(f"{where}: {row.length} tokens do not fit the window of {window}")


def _end(engine: ModelEngine, chat: bool) -> int:
    """The token that ends a turn: the template's own where there is one."""
    closing = engine.prompts.prompter.template.closing() if chat else ""
    return ended(engine.tokenizer, closing)[-1]


def _batches(rows: list[_Row], vocabulary: int) -> Iterator[list[_Row]]:
    """Rows of similar length together, as many as the limit of logits allows."""
    batch: list[_Row] = []
    for row in sorted(rows, key=lambda r: (r.length, r.index)):
        if batch and (len(batch) + 1) * row.length * vocabulary > _LOGITS_AT_ONCE:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _score(engine: ModelEngine, batch: list[_Row]) -> Iterator[tuple[int, AnswerTokens]]:
    width = max(row.length for row in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for place, row in enumerate(batch):
        ids[place, : row.length] = torch.tensor(row.prompt + row.answer)
        mask[place, : row.length] = 1
    with any_shape():
        logits = engine.model(
            input_ids=ids.to(engine.device), attention_mask=mask.to(engine.device), use_cache=False
        ).logits
    if logits.shape[1] != width:
        raise EngineError("its adapter puts virtual tokens before the prompt: not for likelihoods")
    for place, row in enumerate(batch):
        start = len(row.prompt) - 1  # position t predicts the token at t + 1
        answering = logits[place, start : row.length - 1]
        if answering.isnan().any():
            raise EngineError("the model returned NaN logits; try --dtype float32")
        yield row.index, token_figures(answering, row.answer, row.ended)


def token_figures(logits: torch.Tensor, answer: list[int], has_end: bool) -> AnswerTokens:
    """From logits of shape (T, vocabulary) to what the metrics need, in float64."""
    labels = torch.tensor(answer, device=logits.device)
    logp = torch.log_softmax(logits.double(), dim=-1)
    p = logp.exp()
    # A masked token has p = 0 and ln p = -inf; it weighs nothing.
    finite = logp.clamp_min(torch.finfo(logp.dtype).min / 4)
    mean = -torch.special.entr(p).sum(-1)
    spread = torch.where(p > 0, (finite - mean.unsqueeze(-1)).square(), 0.0)
    variance = (p * spread).sum(-1)
    return AnswerTokens(
        labels=labels.cpu().numpy(),
        predicted=logp.argmax(-1).cpu().numpy(),
        logprobs=logp.gather(-1, labels.unsqueeze(-1)).squeeze(-1).cpu().numpy(),
        mean=mean.cpu().numpy(),
        std=variance.sqrt().cpu().numpy(),
        ended=has_end,
    )
