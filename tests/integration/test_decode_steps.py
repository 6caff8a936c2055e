"""Decode steps in a few padded sizes, captured and replayed: on a CPU with a stand-in for the
graph that runs the captured step again, as a replay would."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests import models
from tests.integration.test_engine import STOPS, naive, some_prompts
from unlearnbench.engines.transformers import graphs
from unlearnbench.engines.transformers.attention import any_shape
from unlearnbench.engines.transformers.graphs import DecodeSteps, padded_rows
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.engines.transformers.selfcheck import kv_shape, prepare_packed


class Replayed:
    """Computes a step anew into the tensor that the first computation returned."""

    made = 0

    def __init__(self, compute: Callable[[], torch.Tensor]) -> None:
        type(self).made += 1
        self.compute = compute
        self.logits = torch.empty_like(compute())

    def replay(self) -> None:
        self.logits.copy_(self.compute())

    def pool(self) -> None:
        return None


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> None:
    def capture(steps: DecodeSteps, size: tuple[int, int]) -> tuple[Replayed, torch.Tensor]:
        made = Replayed(lambda: steps._forward(size))
        return made, made.logits

    monkeypatch.setattr(graphs, "DEVICES", frozenset({"cpu"}))
    monkeypatch.setattr(DecodeSteps, "_capture", capture)
    monkeypatch.setattr(Replayed, "made", 0)


@pytest.mark.usefixtures("captures")
@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3", "gemma2"])
def test_replayed_steps_give_the_texts_of_a_naive_loop(kind: str) -> None:
    prompts = some_prompts()
    with torch.inference_mode():
        expected = [naive(models.build(kind), prompt, 10) for prompt in prompts]
        decoder = prepare_packed(models.build(kind), STOPS)
        assert isinstance(decoder, PackedDecoder)
        for slots in (1, 3, 24):
            rows = {row.index: row.tokens for row in decoder.decode(prompts, 10, slots)}
            assert [rows[i] for i in range(len(prompts))] == expected
    assert Replayed.made > 3


@pytest.mark.usefixtures("captures")
def test_a_block_decodes_to_the_same_bits_with_graphs_as_before_them() -> None:
    model, prompts = models.build("llama"), some_prompts()
    with torch.inference_mode():
        decoder = prepare_packed(model, STOPS)
        assert isinstance(decoder, PackedDecoder)
        passes = [list(decoder.decode(prompts, 10, 24)) for _ in range(4)]
    assert all(again == passes[0] for again in passes)


@pytest.mark.usefixtures("captures")
def test_weights_that_moved_are_not_read_from_where_they_were() -> None:
    model, prompts = models.build("llama"), some_prompts()
    other = models.build("llama", seed=1)
    with torch.inference_mode():
        decoder = prepare_packed(model, STOPS)
        assert isinstance(decoder, PackedDecoder)
        for _ in range(3):
            list(decoder.decode(prompts, 10, 24))
        before = decoder._steps
        list(decoder.decode(prompts, 10, 24))
        assert decoder._steps is before
        for mine, its in zip(model.parameters(), other.parameters(), strict=True):
            mine.data = its.data
        list(decoder.decode(prompts, 10, 24))
        assert decoder._steps is not before


@pytest.mark.usefixtures("captures")
def test_a_model_that_cannot_be_captured_is_decoded_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    prompts = some_prompts()
    with torch.inference_mode():
        expected = [naive(models.build("llama"), prompt, 10) for prompt in prompts]
        decoder = prepare_packed(models.build("llama"), STOPS)
        assert isinstance(decoder, PackedDecoder)
        monkeypatch.setattr(DecodeSteps, "_capture", refuse)
        for _ in range(3):
            rows = {row.index: row.tokens for row in decoder.decode(prompts, 10, 24)}
            assert [rows[i] for i in range(len(prompts))] == expected
    assert decoder._steps is not None
    assert decoder._steps.unfit == "operation not permitted when stream is capturing"
    assert decoder._steps._graphs == {}


def test_padded_rows_are_few_sizes_and_never_above_the_slots() -> None:
    for most in (1, 7, 8, 384, 385):
        sizes = [padded_rows(rows, most) for rows in range(1, most + 1)]
        assert all(rows <= size <= most for rows, size in enumerate(sizes, start=1))
        assert sizes == sorted(sizes)
        assert len(set(sizes)) <= 9
    assert [padded_rows(rows, 400) for rows in (1, 9, 65, 200, 390)] == [8, 16, 128, 256, 400]
    assert padded_rows(2000, 4000) == 4000


def test_a_freed_decoder_keeps_neither_cache_nor_graphs() -> None:
    model = models.build("llama")
    with torch.inference_mode():
        decoder = PackedDecoder(model, kv_shape(model), STOPS)
        assert isinstance(prepare_packed(model, STOPS), PackedDecoder)
        list(decoder.decode(some_prompts(), 2, 4))
        assert decoder.cache is not None
        decoder.free()
    assert decoder.cache is None and decoder._steps is None


@pytest.mark.parametrize("setting", [True, False])
def test_attention_makes_no_plan_for_each_shape_and_leaves_the_setting_as_it_was(
    setting: bool,
) -> None:
    model = models.build("llama")
    seen: list[bool] = []
    torch.backends.cuda.enable_cudnn_sdp(setting)
    try:
        with torch.inference_mode():
            decoder = prepare_packed(model, STOPS)
            assert isinstance(decoder, PackedDecoder)
            model.register_forward_hook(
                lambda *_: seen.append(torch.backends.cuda.cudnn_sdp_enabled())
            )
            list(decoder.decode(some_prompts(), 3, 8))
        assert torch.backends.cuda.cudnn_sdp_enabled() is setting
        with pytest.raises(ZeroDivisionError), any_shape():
            raise ZeroDivisionError
        assert torch.backends.cuda.cudnn_sdp_enabled() is setting
    finally:
        torch.backends.cuda.enable_cudnn_sdp(True)
    assert seen and not any(seen)
