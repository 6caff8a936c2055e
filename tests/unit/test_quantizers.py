"""Quantisers: within their step, idempotent, the same bits again."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import build
from unlearnbench.attacks.stress.quantizers import (
    INT4_GROUP,
    NF4_BLOCK,
    NF4_LEVELS,
    QUANTIZERS,
    quantise_model,
)

GROUP = {"int8": None, "int4": INT4_GROUP, "nf4": NF4_BLOCK}
HALF_STEP = {"int8": 1 / 254, "int4": 1 / 14, "nf4": 0.1520}
"""Largest error as a share of the group's largest magnitude."""


def weight(seed: int, rows: int, columns: int, scale: float) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=draw) * scale


@pytest.mark.parametrize("name", QUANTIZERS)
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 5),
    columns=st.integers(1, 200),
    scale=st.sampled_from([1e-30, 1e-4, 1.0, 1e4, 1e30]),
)
def test_error_idempotence_bits(
    name: str, seed: int, rows: int, columns: int, scale: float
) -> None:
    quantise, exact = QUANTIZERS[name], weight(seed, rows, columns, scale)
    found = quantise(exact)
    size = GROUP[name] or columns
    for start in range(0, columns, size):
        group, near = exact[:, start : start + size], found[:, start : start + size]
        largest = group.abs().amax(-1, keepdim=True)
        assert ((near - group).abs() <= largest * HALF_STEP[name] * (1 + 1e-5)).all()
        values = 255 if name == "int8" else 16
        assert all(len(line.unique()) <= values for line in near)
    assert torch.equal(quantise(found), found)
    assert torch.equal(quantise(exact.clone()), found)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_idempotent(name: str, dtype: torch.dtype) -> None:
    once = QUANTIZERS[name](weight(3, 16, 192, 0.05).to(dtype))
    assert once.dtype == dtype
    assert torch.equal(QUANTIZERS[name](once), once)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_zeros_stay_zeros(name: str) -> None:
    assert not QUANTIZERS[name](torch.zeros(2, 64)).any()


def test_int8_by_hand() -> None:
    found = QUANTIZERS["int8"](torch.tensor([[127.0, 0.4, -0.6, 63.5]]))
    assert found.tolist() == [[127.0, 0.0, -1.0, 64.0]]


def test_nf4_takes_the_nearest_level() -> None:
    found = QUANTIZERS["nf4"](torch.tensor([[2.0, 0.9, -1.0, 0.05]]))
    want = [2 * level for level in (1.0, NF4_LEVELS[12], NF4_LEVELS[2], 0.0)]
    assert found[0].tolist() == pytest.approx(want)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_models_linear_layers_but_not_its_head(kind: str) -> None:
    model, same = build(kind), build(kind)
    count = quantise_model(model, "int4", model.get_output_embeddings())
    layers = 7 if kind == "llama" else 4  # q k v o gate up down; c_attn c_proj c_fc c_proj
    assert count == 3 * layers
    changed = {
        name
        for (name, a), b in zip(model.named_parameters(), same.parameters(), strict=True)
        if not torch.equal(a, b)
    }
    assert len(changed) == 3 * layers
    assert not any("embed" in n or "wte" in n or "lm_head" in n or "norm" in n for n in changed)
