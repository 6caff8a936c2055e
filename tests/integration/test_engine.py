"""The engine against a naive loop, on several architectures and under faults."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from tests import models
from unlearnbench.engines.transformers.choice import Chooser
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.packed import Decoded, Enough, PackedDecoder
from unlearnbench.engines.transformers.plain import PlainDecoder
from unlearnbench.engines.transformers.selfcheck import prepare_packed
from unlearnbench.errors import CheckpointError, EngineError
from unlearnbench.types import Completion, Failure, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions

STOPS = frozenset({5})


def some_prompts() -> list[list[int]]:
    """Prompts that share prefixes of two lengths, one longer than the sliding windows."""
    chance = random.Random(1)
    shared = [chance.randrange(250) for _ in range(40)]
    heads = (0, 20, 40)
    return [
        shared[: chance.choice(heads)]
        + [chance.randrange(250) for _ in range(chance.randrange(1, 15))]
        for _ in range(24)
    ]


def naive(model: torch.nn.Module, prompt: Sequence[int], steps: int) -> list[int]:
    """Greedy decoding that computes everything anew for every token."""
    ids = list(prompt)
    for _ in range(steps):
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
        token = int(logits.argmax())
        if token in STOPS:
            break
        ids.append(token)
    return ids[len(prompt) :]


@pytest.mark.parametrize(
    ("kind", "packed"),
    [("llama", True), ("gpt2", True), ("gemma3", True), ("gemma2", True), ("mamba", False)],
)
def test_texts_equal_a_naive_loop(kind: str, packed: bool) -> None:
    prompts = some_prompts()
    with torch.inference_mode():
        expected = [naive(models.build(kind), prompt, 10) for prompt in prompts]
        model = models.build(kind)
        found = prepare_packed(model, STOPS)
        assert isinstance(found, PackedDecoder) is packed
        decoder = found if isinstance(found, PackedDecoder) else PlainDecoder(model, STOPS)
        for slots in (1, 3, 24):
            rows = {row.index: row.tokens for row in decoder.decode(prompts, 10, slots)}
            assert [rows[i] for i in range(len(prompts))] == expected


def test_the_self_check_finds_a_wrong_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    from unlearnbench.engines.transformers import attention

    right = attention._attend

    def without_scale(*arguments: object) -> None:
        changed = list(arguments)
        changed[6] = float(changed[6]) * 0.2  # type: ignore[arg-type]
        right(*changed)  # type: ignore[arg-type]

    monkeypatch.setattr(attention, "_attend", without_scale)
    with torch.inference_mode():
        assert isinstance(prepare_packed(models.build("llama"), STOPS), str)


def probes(count: int, length: int = 20) -> list[Probe]:
    return [
        Probe(
            key=ProbeKey(f"fact-{i}", "original", "plain"),
            split="forget",
            topic="t",
            tier=None,
            question="q",
            answer="a",
            aliases=(),
            text=f"{i}: " + "word " * (length // 5),
        )
        for i in range(count)
    ]


def answers(engine: TransformersEngine, block: list[Probe]) -> dict[ProbeKey, Completion | Failure]:
    return {result.key: result for result in engine.generate(block, Sampling(8))}


def test_the_same_block_gives_the_same_texts_again(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), EngineOptions(dtype="float32"))
    first = answers(engine, probes(12))
    answers(engine, probes(5, 60))
    assert answers(engine, probes(12)) == first


def test_a_probe_longer_than_the_window_fails_under_its_key(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), EngineOptions())
    block = [*probes(2), *probes(3, 4000)[2:]]
    found = answers(engine, block)
    assert [isinstance(found[p.key], Failure) for p in block] == [False, False, True]


class Forgetful:
    """A decoder that runs out of memory with more than `most` rows at a time."""

    def __init__(self, inner: PackedDecoder, most: int) -> None:
        self.inner, self.most = inner, most

    def decode(
        self,
        prompts: Sequence[Sequence[int]],
        new: int,
        slots: int,
        choice: Chooser,
        enough: Enough | None,
    ) -> Iterator[Decoded]:
        for number, row in enumerate(self.inner.decode(prompts, new, slots, choice, enough)):
            if slots > self.most and number == 1:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            yield row


def test_out_of_memory_halves_the_rows_and_loses_nothing(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), EngineOptions(batch_size=8, dtype="float32"))
    whole = answers(engine, probes(12))
    assert isinstance(engine.decoder, PackedDecoder)
    engine.decoder = Forgetful(engine.decoder, 2)  # type: ignore[assignment]
    results = list(engine.generate(probes(12), Sampling(8)))
    assert len(results) == 12
    assert {r.key: r for r in results} == whole
    assert any("out of memory with 8 rows" in note for note in engine.info.notes)
    engine.decoder = Forgetful(engine.decoder.inner, 0)  # type: ignore[assignment, union-attr]
    with pytest.raises(EngineError, match="single row"):
        list(engine.generate(probes(3), Sampling(8)))


def test_not_a_number_is_a_failure_and_never_a_text(tiny_llama: Path) -> None:
    engine = TransformersEngine(str(tiny_llama), EngineOptions())
    with torch.no_grad():
        next(engine.model.parameters()).fill_(float("nan"))
    assert all(isinstance(r, Failure) for r in engine.generate(probes(4), Sampling(8)))


def test_a_row_that_is_not_a_number_leaves_nothing_to_the_next_in_its_slot() -> None:
    prompts = [[2] * 30 + [7], [3] * 45, [4] * 5, [6] * 3]
    with torch.inference_mode():
        decoder = prepare_packed(models.build("llama"), STOPS)
        assert isinstance(decoder, PackedDecoder)
        expected = {row.index: row.tokens for row in decoder.decode(prompts, 6, 4)}
        # Rows of the embedding are tokens: the model is whole for every prompt without 7.
        decoder.model.get_input_embeddings().weight[7] = float("nan")
        rows = {row.index: row for row in decoder.decode(prompts, 6, 3)}
    assert rows[0].reason == "nonfinite"
    assert all(rows[i].tokens == expected[i] for i in (1, 2, 3))


def test_weights_as_pickle_only_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="only as pickle"):
        TransformersEngine(str(tmp_path), EngineOptions())


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    folder = models.save(tmp_path / "cut", "llama")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged or truncated"):
        TransformersEngine(str(folder), EngineOptions())


@pytest.mark.model
def test_smollm2_texts_equal_generate() -> None:
    engine = TransformersEngine("smollm2-135m", EngineOptions(dtype="float32"))
    block = probes(6)
    ours = answers(engine, block)
    engine.model.set_attn_implementation("sdpa")
    for probe in block:
        ids = engine.tokenizer(probe.text, return_tensors="pt")
        out = engine.model.generate(**ids, max_new_tokens=8, do_sample=False)
        text = engine.tokenizer.decode(out[0, ids.input_ids.shape[1] :], skip_special_tokens=True)
        result = ours[probe.key]
        assert isinstance(result, Completion)
        assert result.text == text
