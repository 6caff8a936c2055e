"""Jensen-Shannon divergences at answer positions: value and gradient in closed form, in chunks.

Natural logarithms throughout, so every value lies in [0, ln 2]. `naive.py` says the same in a few
dense lines and is what these are tested against.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch

from unlearnbench.training.head import Head

LN2 = math.log(2.0)
_LOGITS_AT_ONCE = 16_000_000
"""Logits of one chunk; four to six arrays of this size live at a time."""

Rule = Callable[[torch.Tensor, slice], tuple[torch.Tensor, torch.Tensor]]
"""From a chunk's logits `[c, V]` to the divergences `[c]` and their gradients `[c, V]`."""


def jsd(
    hidden: torch.Tensor,
    head: Head,
    reference: torch.Tensor,
    reference_head: Head,
) -> torch.Tensor:
    """Mean over positions of JSD(p ‖ q), q from the reference's states `[N, H]`.

    Gradients reach `hidden` and `head` only. 0 if there is no position.
    """

    def rule(logits: torch.Tensor, part: slice) -> tuple[torch.Tensor, torch.Tensor]:
        return dense_values(logits, reference_head(reference[part]))

    return weighted(hidden, head, rule, _mean(hidden))[0]


def forget_and_retain(
    hidden: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    weights: torch.Tensor,
    reference: torch.Tensor,
    reference_head: Head,
) -> torch.Tensor:
    """Both of JensUn's losses, `[2]`, through the head at once.

    The first M of `hidden`'s N positions are the forget side, driven to `targets` `[M]` and summed
    under `weights` `[M]`; the others the retain side, compared with `reference` `[N − M, H]` and
    averaged. One product with the head, and one for its gradient, serves both.
    """
    n_forget, n = len(targets), len(hidden)

    def rule(logits: torch.Tensor, part: slice) -> tuple[torch.Tensor, torch.Tensor]:
        first, last = part.start, part.start + len(logits)
        border = min(max(n_forget - first, 0), len(logits))
        forget = one_hot_values(logits[:border], targets[first : first + border])
        rows = slice(max(first - n_forget, 0), max(last - n_forget, 0))
        retain = dense_values(logits[border:], reference_head(reference[rows]))
        return torch.cat([forget[0], retain[0]]), torch.cat([forget[1], retain[1]])

    both = hidden.new_zeros(2, n, dtype=torch.promote_types(hidden.dtype, torch.float32))
    both[0, :n_forget] = weights
    both[1, n_forget:] = 1 / max(n - n_forget, 1)
    return weighted(hidden, head, rule, both)


def one_hot_values(
    logits: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """JSD(softmax(logits) ‖ one-hot) `[c]` and its gradient in the logits `[c, V]`.

    With p the target's probability, the value is ln 2 + ½[p ln p − (1 + p) ln(1 + p)]
    (arXiv 2509.02820, JensUn's forget loss, with all terms that do not involve the target summed).
    With l = ln p, the gradient in l is ½ p (l − ln(1 + p)); in logit j, that times
    (1[j = target] − p_j).
    """
    place = targets[:, None]
    p_all = torch.log_softmax(logits, -1)
    log_p = p_all.gather(-1, place)
    p = log_p.exp()
    more = p.log1p()
    value = (LN2 + 0.5 * (p * log_p - (1 + p) * more)).squeeze(-1)
    slope = 0.5 * p * (log_p - more)
    gradient = p_all.exp_().mul_(-slope).scatter_add_(-1, place, slope)
    return value.clamp_min(0), gradient


def dense_values(
    logits: torch.Tensor, reference: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """JSD(softmax(logits) ‖ softmax(reference)) `[c]` and its gradient in `logits` `[c, V]`.

    With d = ln q − ln p and a = ln(p/m) = ln 2 − ln(1 + e^d), m = (p + q)/2: the value is
    ½ Σ [p a + q (a + d)], the gradient in logit j is ½ p_j (a_j − Σ p a).
    """
    log_p = torch.log_softmax(logits, -1)
    p = log_p.exp()
    d = torch.log_softmax(reference, -1)
    q = d.exp()
    d.sub_(log_p)
    a = LN2 - torch.logaddexp(torch.zeros_like(d), d)
    to_middle = (p * a).sum(-1, keepdim=True)
    value = 0.5 * (to_middle + (q * d.add_(a)).sum(-1, keepdim=True))
    gradient = a.sub_(to_middle).mul_(p).mul_(0.5)
    return value.squeeze(-1).clamp(0, LN2), gradient


def weighted(hidden: torch.Tensor, head: Head, rule: Rule, weights: torch.Tensor) -> torch.Tensor:
    """Sums of the rule's values over positions, `[terms]`, under `weights` `[terms, N]`."""
    result = _AtPositions.apply(head, rule, weights, hidden, *head.trained())
    return cast(torch.Tensor, result)


def _mean(hidden: torch.Tensor) -> torch.Tensor:
    """Weights `[1, N]` that make a mean over positions."""
    exact = torch.promote_types(hidden.dtype, torch.float32)
    return hidden.new_ones(1, len(hidden), dtype=exact) / max(len(hidden), 1)


class _AtPositions(torch.autograd.Function):
    """Σ weight · value over positions, chunk by chunk. Backward makes each chunk's logits again, so
    that no more than one chunk of them exists at any time.
    """

    @staticmethod
    def forward(
        ctx: Any,
        head: Head,
        rule: Rule,
        weights: torch.Tensor,
        hidden: torch.Tensor,
        *_trained: torch.Tensor,
    ) -> torch.Tensor:
        ctx.head, ctx.rule = head, rule
        ctx.precision = _autocast_now(hidden.device.type)
        ctx.save_for_backward(weights, hidden)
        total = weights.new_zeros(len(weights))
        for part in _chunks(len(hidden), head):
            with ctx.precision():
                value, _ = rule(head(hidden[part]), part)
            # Not as a product of matrices, which autocast would round to bfloat16.
            total += (weights[:, part] * value).sum(-1)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:
        weights, hidden = ctx.saved_tensors
        trained = tuple(ctx.head.trained())
        for_hidden = torch.zeros_like(hidden)
        for_trained: list[torch.Tensor | None] = [None] * len(trained)
        for part in _chunks(len(hidden), ctx.head):
            states = hidden[part].detach().requires_grad_()
            with torch.enable_grad(), ctx.precision():
                logits = ctx.head(states)
            _, slope = ctx.rule(logits.detach(), part)
            slope *= (upstream[:, None] * weights[:, part]).sum(0)[:, None]
            for_hidden[part], *gradients = torch.autograd.grad(logits, (states, *trained), slope)
            for place, one in enumerate(gradients):
                so_far = for_trained[place]
                for_trained[place] = one if so_far is None else so_far.add_(one)
        return None, None, None, for_hidden, *for_trained


def _chunks(positions: int, head: Head) -> list[slice]:
    weight = cast(torch.Tensor, head.linear.weight)
    size = max(1, _LOGITS_AT_ONCE // weight.shape[0])
    return [slice(start, start + size) for start in range(0, positions, size)]


def _autocast_now(device: str) -> Callable[[], torch.autocast]:
    """Autocast as it is set now, to be entered again in backward, which runs outside of it.

    Without its cache: a weight's cached copy would belong to the graph of the first chunk, which is
    gone by the second.
    """
    on, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
    return partial(torch.autocast, device, dtype, enabled=on, cache_enabled=False)
