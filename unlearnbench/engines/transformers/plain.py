"""The way that works for every model: `generate` on rows of equal length.

Rows of equal length need no padding, so that a model which mistreats padding (recurrent states,
absolute positions) answers as it would alone. Used where the packed path does not fit the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Literal, cast

import torch
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel

from unlearnbench.engines.transformers.choice import Choice, Greedy
from unlearnbench.engines.transformers.decoding import own_settings, without_its_settings
from unlearnbench.engines.transformers.packed import Decoded


class _Choose(LogitsProcessor):
    """Leaves one token to choose in each row, and notes rows whose logits are not finite."""

    def __init__(self, choice: Choice, members: list[int]) -> None:
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
        choice: Choice = Greedy(),
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
                yield from self._batch(prompts, some, max_new_tokens, choice)

    def _batch(
        self,
        prompts: Sequence[Sequence[int]],
        members: list[int],
        max_new_tokens: int,
        choice: Choice,
    ) -> Iterator[Decoded]:
        ids = torch.tensor([list(prompts[i]) for i in members], device=self.model.device)
        watch = _Choose(choice, members)
        stops = sorted(self.stop_ids)
        generate = cast(Callable[..., torch.Tensor], self.model.generate)
        with without_its_settings(self.model):
            result = generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                generation_config=own_settings(max_new_tokens, stops),
                logits_processor=LogitsProcessorList([watch]),
            )
        broken = watch.broken.tolist() if watch.broken is not None else [False] * len(members)
        for index, row, bad in zip(
            members, result[:, ids.shape[1] :].tolist(), broken, strict=True
        ):
            yield self._decoded(index, row, bad)

    def _decoded(self, index: int, row: list[int], broken: bool) -> Decoded:
        end = next((i for i, token in enumerate(row) if token in self.stop_ids), None)
        reason: Literal["stop", "length", "nonfinite"] = "length" if end is None else "stop"
        return Decoded(index, row[:end], "nonfinite" if broken else reason, [])
