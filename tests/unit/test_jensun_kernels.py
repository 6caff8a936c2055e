"""JensUn's divergences: values by hand, limits, gradients, and the naive twin."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unlearnbench.methods.jensun import kernels, naive
from unlearnbench.training.head import Head

LN2 = math.log(2)


def head(width: int, vocabulary: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Head:
    torch.manual_seed(seed)
    return Head(nn.Linear(width, vocabulary, bias=False, dtype=dtype))


def one_hot_jsd(
    hidden: torch.Tensor, lm_head: Head, targets: torch.Tensor, valid: torch.Tensor | None = None
) -> torch.Tensor:
    """JensUn's forget loss where nothing is retained: the mean over valid positions."""
    valid = torch.ones(len(targets)) if valid is None else valid.float()
    weights = valid / valid.sum().clamp_min(1)
    return kernels.forget_and_retain(hidden, lm_head, targets, weights, hidden[:0], lm_head)[0]


def logits_for(p: float, vocabulary: int = 3) -> torch.Tensor:
    """Logits whose softmax gives the first token probability p and the others equal shares."""
    rest = math.log1p(-p) - math.log(vocabulary - 1) if p < 1 else -200.0
    return torch.tensor([[math.log(p), *[rest] * (vocabulary - 1)]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (1.0, 0.0),
        (0.5, LN2 + 0.5 * (0.5 * math.log(0.5) - 1.5 * math.log(1.5))),  # 0.21576 nats
        (0.25, LN2 + 0.5 * (0.25 * math.log(0.25) - 1.25 * math.log(1.25))),
        (1e-6, LN2 + 0.5 * (1e-6 * math.log(1e-6) - 1e-6)),  # ln(1 + p) = p to first order
        (1e-30, LN2),
    ],
)
def test_one_hot_by_hand(p: float, expected: float) -> None:
    value, gradient = kernels.one_hot_values(logits_for(p), torch.tensor([0]))
    assert value.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert gradient.isfinite().all()


def test_dense_by_hand() -> None:
    """p = (1/2, 1/2), q = (1/4, 3/4): ½[½ ln(4/3) + ½ ln(4/5) + ¼ ln(2/3) + ¾ ln(6/5)]."""
    p = torch.tensor([[0.5, 0.5]], dtype=torch.float64).log()
    q = torch.tensor([[0.25, 0.75]], dtype=torch.float64).log()
    parts = [(0.5, 4 / 3), (0.5, 4 / 5), (0.25, 2 / 3), (0.75, 6 / 5)]
    expected = 0.5 * sum(share * math.log(ratio) for share, ratio in parts)
    assert kernels.dense_values(p, q)[0].item() == pytest.approx(expected, rel=1e-12)


@given(
    st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6),
    st.integers(0, 5),
    st.integers(0, 2**16),
)
@settings(max_examples=200, deadline=None)
def test_bounds(values: list[float], target: int, seed: int) -> None:
    """0 ≤ JSD ≤ ln 2 and finite gradients that sum to 0, whatever the logits."""
    logits = torch.tensor([values])
    torch.manual_seed(seed)
    other = torch.tensor([values])[:, torch.randperm(len(values))]
    for value, gradient in (
        kernels.one_hot_values(logits.clone(), torch.tensor([target % len(values)])),
        kernels.dense_values(logits.clone(), other),
    ):
        assert 0 <= value.item() <= LN2 + 1e-6
        assert gradient.isfinite().all()
        assert gradient.sum().abs() < 1e-5


@pytest.mark.parametrize("vocabulary", [1, 2, 49_152, 256_000])
def test_vocabularies(vocabulary: int) -> None:
    """Value and gradient as the naive twin has them, from the smallest to the largest."""
    torch.manual_seed(1)
    logits = 5 * torch.randn(2, vocabulary, dtype=torch.float64)
    other = 5 * torch.randn(2, vocabulary, dtype=torch.float64)
    targets = torch.tensor([0, vocabulary - 1])
    one_hot = nn.functional.one_hot(targets, vocabulary).double()
    for fast, goal in (
        (kernels.one_hot_values(logits.clone(), targets), one_hot),
        (kernels.dense_values(logits.clone(), other), other.softmax(-1)),
    ):
        leaf = logits.clone().requires_grad_()
        slow = naive.jsd(leaf.softmax(-1), goal)
        (gradient,) = torch.autograd.grad(slow.sum(), leaf)
        torch.testing.assert_close(fast[0], slow.detach(), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(fast[1], gradient, rtol=1e-7, atol=1e-12)


def test_gradcheck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients in states and head weights, over several chunks, against finite differences."""
    monkeypatch.setattr(kernels, "_LOGITS_AT_ONCE", 14)  # two positions a chunk
    lm_head, frozen = head(4, 7, torch.float64), head(4, 7, torch.float64, seed=1).frozen()
    weight = lm_head.linear.weight
    hidden = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    reference = torch.randn(5, 4, dtype=torch.float64)
    targets, valid = torch.tensor([0, 1, 6, 3, 3]), torch.tensor([1, 1, 0, 1, 1]).bool()

    def both(states: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        forget = one_hot_jsd(states, lm_head, targets, valid)
        return forget + 3 * kernels.jsd(states, lm_head, reference, frozen)

    assert torch.autograd.gradcheck(both, (hidden, weight))


@pytest.mark.parametrize("at_once", [7, 21, 10**7])
def test_both_losses_at_once(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the head together as apart, wherever a chunk ends; gradients too."""
    monkeypatch.setattr(kernels, "_LOGITS_AT_ONCE", at_once)
    frozen = head(4, 7, torch.float64, seed=1).frozen()
    torch.manual_seed(4)
    states, reference = torch.randn(8, 4).double(), torch.randn(3, 4).double()
    targets, valid = torch.tensor([0, 1, 6, 3, 3]), torch.tensor([1, 1, 0, 1, 1]).bool()
    found = []
    for together in (True, False):
        lm_head = head(4, 7, torch.float64)
        hidden = states.clone().requires_grad_()
        if together:
            weights = valid / valid.sum()
            forget, retain = kernels.forget_and_retain(
                hidden, lm_head, targets, weights, reference, frozen
            )
        else:
            forget = one_hot_jsd(hidden[:5], lm_head, targets, valid)
            retain = kernels.jsd(hidden[5:], lm_head, reference, frozen)
        (0.3 * forget + 2 * retain).backward()
        found.append((forget, retain, hidden.grad, lm_head.linear.weight.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for at_once in (11, 10**7):
        monkeypatch.setattr(kernels, "_LOGITS_AT_ONCE", at_once)
        lm_head = head(8, 11)
        torch.manual_seed(2)
        hidden = torch.randn(9, 8, requires_grad=True)
        loss = one_hot_jsd(hidden, lm_head, torch.arange(9))
        loss.backward()
        found.append((loss.detach(), hidden.grad, lm_head.linear.weight.grad))
    for few, many in zip(*found, strict=True):
        torch.testing.assert_close(few, many)


def test_nothing_valid() -> None:
    """An all-masked batch costs nothing and moves nothing."""
    lm_head = head(4, 7)
    hidden = torch.randn(3, 4, requires_grad=True)
    nothing = torch.zeros(3, dtype=torch.bool)
    loss = one_hot_jsd(hidden, lm_head, torch.zeros(3, dtype=torch.long), nothing)
    loss = loss + kernels.jsd(hidden[:0], lm_head, torch.randn(0, 4), lm_head.frozen())
    loss.backward()
    assert loss.item() == 0
    assert hidden.grad is not None
    assert hidden.grad.abs().max() == 0
    empty = torch.zeros(0, 4, requires_grad=True)
    assert one_hot_jsd(empty, lm_head, torch.zeros(0, dtype=torch.long)).item() == 0


@pytest.mark.parametrize("p", [1.0, 0.9, 1e-3, 1e-8, 1e-20, 1e-30])
def test_float32_from_certain_to_impossible(p: float) -> None:
    logits = logits_for(p, 50).float()
    value, gradient = kernels.one_hot_values(logits.clone(), torch.tensor([0]))
    exact, exact_gradient = kernels.one_hot_values(logits.double(), torch.tensor([0]))
    assert value.item() == pytest.approx(exact.item(), rel=1e-5, abs=1e-6)
    torch.testing.assert_close(gradient.double(), exact_gradient, rtol=1e-4, atol=1e-7)


def test_equal_distributions_are_at_rest() -> None:
    logits = 30 * torch.randn(4, 1000)
    value, gradient = kernels.dense_values(logits.clone(), logits.clone())
    assert value.abs().max() < 1e-6
    assert gradient.abs().max() < 1e-6


def test_bf16_autocast_keeps_log_space_in_float32() -> None:
    lm_head = head(16, 40)
    torch.manual_seed(3)
    hidden = torch.randn(6, 16, requires_grad=True)
    exact = one_hot_jsd(hidden, lm_head, torch.arange(6))
    with torch.autocast("cpu", torch.bfloat16):
        half = one_hot_jsd(hidden, lm_head, torch.arange(6))
    assert half.dtype == torch.float32
    half.backward()
    assert half.item() == pytest.approx(exact.item(), rel=0.02)
    assert lm_head.linear.weight.grad is not None
