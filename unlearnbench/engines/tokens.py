"""What a model says about each token of a given answer: the input of every metric here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class AnswerTokens:
    """One answer of T tokens under a model that is fed the answer itself (teacher forcing).

    All arrays have shape (T,). `logprobs[t]` is ln p(token t | prompt, tokens before t), in nats;
    `labels` are the answer's token ids, `predicted` the most probable ids; `mean` and `std` are
    those of ln p over the vocabulary, weighted by p, at each position. `ended`: the last token is
    the end of the turn.
    """

    labels: Ints
    predicted: Ints
    logprobs: Floats
    mean: Floats
    std: Floats
    ended: bool = False

    @property
    def loss(self) -> float:
        """Mean negative log-likelihood a token, in nats. Raises `ValueError` without tokens."""
        if not len(self.logprobs):
            raise ValueError("an answer without tokens has no loss")
        return float(-self.logprobs.mean())

    @property
    def without_end(self) -> AnswerTokens:
        """The answer's words alone."""
        if not self.ended:
            return self
        arrays = {f.name: getattr(self, f.name)[:-1] for f in fields(self) if f.name != "ended"}
        return replace(self, **arrays, ended=False)

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Which tokens are the most probable ones, shape (T,)."""
        return np.equal(self.labels, self.predicted)
