"""The self-check: a packed path that computes something else is never used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers

from unlearnbench.engines.transformers import attention, selfcheck, windows
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.engines.transformers.selfcheck import prepare_packed
from unlearnbench.errors import CheckpointError, EngineError

STOPS = frozenset({5})
SIZES: dict[str, Any] = {
    "vocab_size": 260,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "bos_token_id": None,
    "eos_token_id": 256,
    "pad_token_id": 256,
    "max_position_embeddings": 131072,
}
SLIDING = ["sliding_attention", "full_attention", "sliding_attention"]


def build(kind: str, **options: Any) -> Any:
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}TextConfig", None)
    config = config or getattr(transformers, f"{kind}Config")
    model = getattr(transformers, f"{kind}ForCausalLM")(config(**{**SIZES, **options}))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)
    return model.eval()


def check(model: Any) -> PackedDecoder | str:
    with torch.inference_mode():
        return prepare_packed(model, STOPS)


WINDOWED: dict[str, Callable[[], Any]] = {
    "every layer, 4096": lambda: build("Mistral", sliding_window=4096),
    "every layer, 300": lambda: build("Mistral", sliding_window=300),
    "some layers, 1024": lambda: build(
        "Gemma3", sliding_window=1024, head_dim=16, layer_types=SLIDING
    ),
    "some layers, 4096": lambda: build("Gemma2", sliding_window=4096, head_dim=16),
    "the upper layers": lambda: build(
        "Qwen2", sliding_window=4096, use_sliding_window=True, max_window_layers=1
    ),
}


@pytest.mark.parametrize("kind", WINDOWED)
def test_a_path_that_ignores_a_window_of_any_size_is_found(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(check(WINDOWED[kind]()), PackedDecoder)
    right = attention._attend

    def without_window(*arguments: Any) -> None:
        right(*arguments[:7], None, arguments[8])

    monkeypatch.setattr(attention, "_attend", without_window)
    assert "its logits differ" in str(check(WINDOWED[kind]()))


def test_chunked_attention_is_not_packed() -> None:
    chunked = build(
        "Llama4",
        attention_chunk_size=8192,
        num_local_experts=2,
        head_dim=16,
        intermediate_size_mlp=96,
    )
    assert "its logits differ" in str(check(chunked))


@pytest.mark.parametrize("size", [1024, 8192])
def test_a_window_that_cannot_be_made_small_is_exceeded_or_not_packed(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "SMALL", size)
    longest: list[int] = []
    right = selfcheck._plain

    def watched(model: Any, ids: list[int]) -> torch.Tensor:
        longest.append(len(ids))
        return right(model, ids)

    monkeypatch.setattr(selfcheck, "_plain", watched)
    found = check(build("Mistral", sliding_window=size))
    if size == 1024:
        assert isinstance(found, PackedDecoder)
        assert max(longest) > size
    else:
        assert found == "its attention window of 8192 is too long to be checked"


@pytest.mark.parametrize(
    "options",
    [
        {"sliding_window": 4096, "use_sliding_window": False},
        {"sliding_window": 131072, "use_sliding_window": True, "max_window_layers": 0},
    ],
    ids=["switched off", "no shorter than the context"],
)
def test_windows_that_no_prompt_exceeds_cost_nothing(options: dict[str, Any]) -> None:
    model = build("Qwen2", **options)
    assert windows.windows(model) == {}
    assert isinstance(check(model), PackedDecoder)


def test_windows_are_as_they_were_afterwards() -> None:
    model = WINDOWED["some layers, 1024"]()
    check(model)
    assert model.config.sliding_window == 1024
    sizes = [layer.self_attn.sliding_window for layer in model.model.layers]
    assert sizes == [1024, None, 1024]


def test_no_numbers_are_left_to_the_plain_decoder() -> None:
    model = build("Llama")
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    assert check(model) == "its logits are NaN or infinite"


def test_low_memory_and_a_model_that_cannot_run_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("Llama")

    def fails(error: Exception) -> Callable[..., Any]:
        def forward(*_: Any, **__: Any) -> Any:
            raise error

        return forward

    monkeypatch.setattr(model, "forward", fails(MemoryError()))
    with pytest.raises(EngineError, match="not enough memory"):
        check(model)
    monkeypatch.undo()
    monkeypatch.setattr(selfcheck, "_plain", fails(IndexError("index out of range in self")))
    with pytest.raises(CheckpointError, match=r"cannot be run: .*index out of range"):
        check(model)
