"""The way that works for every model: `generate` on rows of equal length.

Rows of equal length need no padding, so that a model which mistreats padding (recurrent states,
absolute positions) answers as it would alone. Used where the packed path does not fit the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Literal, cast

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)

from unlearnbench.engines.transformers.attention import any_shape
from unlearnbench.engines.transformers.choice import Chooser, Greedy
from unlearnbench.engines.transformers.decoding import own_settings, without_its_settings
from unlearnbench.engines.transformers.packed import Decoded, Enough
from unlearnbench.engines.transformers.placing import devices_of


class _Choose(LogitsProcessor):
    """Leaves one token to choose in each row, and notes rows whose logits are not finite."""

    def __init__(self, choice: Chooser, members: list[int]) -> None:
        self.broken: torch.Tensor | None = None
        self._choice = choice
        self._members = members
        self._step = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        bad = ~torch.isfinite(scores.max(dim=-1).values)
        self.broken = bad if self.broken is None else self.broken | bad
        places = [(index, self._step) for index in self._members]
        self._step += 1
        chosen = self._choice.tokens(scores, places)[:, None]
        return torch.full_like(scores, -torch.inf).scatter(1, chosen, 0.0)


class _Stop(StoppingCriteria):
    """Ends rows of which `enough` says so; `prompt` is the number of tokens before the answer."""

    def __init__(self, enough: Enough, members: list[int], prompt: int) -> None:
        self._enough = enough
        self._members = members
        self._prompt = prompt
        self._done = [False] * len(members)

    def __call__(
        self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: object
    ) -> torch.BoolTensor:
        written = input_ids[:, self._prompt :].tolist()
        for place, (index, row) in enumerate(zip(self._members, written, strict=True)):
            self._done[place] = self._done[place] or self._enough(index, row)
        done = torch.tensor(self._done, device=input_ids.device)
        return cast(torch.BoolTensor, done)


class PlainDecoder:
    """Decodes lists of token ids with `model.generate`."""

    def __init__(self, model: PreTrainedModel, stop_ids: frozenset[int]) -> None:
        self.model = model
        self.stop_ids = stop_ids

    def decode(
        self,
        prompts: Sequence[Sequence[int]],
        max_new_tokens: int,
        slots: int,
        choice: Chooser = Greedy(),
        enough: Enough | None = None,
    ) -> Iterator[Decoded]:
        """Yield each row once; `slots` rows of one length run at a time.

        `enough` may end a row before it has written `max_new_tokens`.
        """
        order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
        for _, group in groupby(order, key=lambda i: len(prompts[i])):
            members = list(group)
            for start in range(0, len(members), slots):
                some = members[start : start + slots]
                yield from self._batch(prompts, some, max_new_tokens, choice, enough)

    def _batch(
        self,
        prompts: Sequence[Sequence[int]],
        members: list[int],
        max_new_tokens: int,
        choice: Chooser,
        enough: Enough | None,
    ) -> Iterator[Decoded]:
        ids = torch.tensor([list(prompts[i]) for i in members], device=devices_of(self.model)[0])
        watch = _Choose(choice, members)
        stops = sorted(self.stop_ids)
        generate = cast(Callable[..., torch.Tensor], self.model.generate)
        with without_its_settings(self.model), any_shape():
            result = generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                generation_config=own_settings(max_new_tokens, stops),
                logits_processor=LogitsProcessorList([watch]),
                stopping_criteria=StoppingCriteriaList(
                    [_Stop(enough, members, ids.shape[1])] if enough else []
                ),
            )
        broken = watch.broken.tolist() if watch.broken is not None else [False] * len(members)
        for index, row, bad in zip(
            members, result[:, ids.shape[1] :].tolist(), broken, strict=True
        ):
            yield self._decoded(index, row[: written_length(index, row, enough)], bad)

    def _decoded(self, index: int, row: list[int], broken: bool) -> Decoded:
        end = next((i for i, token in enumerate(row) if token in self.stop_ids), None)
        reason: Literal["stop", "length", "nonfinite"] = "length" if end is None else "stop"
        return Decoded(index, row[:end], "nonfinite" if broken else reason, [])


def written_length(index: int, row: list[int], enough: Enough | None) -> int:
    """How many tokens of a row stand before the point at which `enough` ends it."""
    if enough is None:
        return len(row)
    return next((n for n in range(1, len(row) + 1) if enough(index, row[:n])), len(row))
