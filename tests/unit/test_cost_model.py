"""The cost model against numbers that were worked out by hand or are known from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from unlearnbench.errors import CheckpointError, UnlearnbenchError
from unlearnbench.planning import cost
from unlearnbench.planning.advice import what_would_do
from unlearnbench.planning.cost import Asked, TrainingWork
from unlearnbench.planning.fitting import PlannedModel, place, room
from unlearnbench.planning.machines import Machine, known_machines, named_machine
from unlearnbench.planning.shape import ModelShape, shape_of

GPT2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
"""124,439,808 weights with positions and biases, which are left out here."""


def llama(**sizes: object) -> dict[str, object]:
    return {"model_type": "llama", "tie_word_embeddings": False, **sizes}


TINY = llama(
    num_hidden_layers=22,
    hidden_size=2048,
    intermediate_size=5632,
    num_attention_heads=32,
    num_key_value_heads=4,
    vocab_size=32000,
)
EIGHT = llama(
    num_hidden_layers=32,
    hidden_size=4096,
    intermediate_size=14336,
    num_attention_heads=32,
    num_key_value_heads=8,
    vocab_size=128256,
)
SEVENTY = llama(
    num_hidden_layers=80,
    hidden_size=8192,
    intermediate_size=28672,
    num_attention_heads=64,
    num_key_value_heads=8,
    vocab_size=128256,
)
SMOL = {
    **llama(
        num_hidden_layers=30,
        hidden_size=576,
        intermediate_size=1536,
        num_attention_heads=9,
        num_key_value_heads=3,
        vocab_size=49152,
    ),
    "tie_word_embeddings": True,
}


@pytest.mark.parametrize(
    ("config", "weights"),
    [
        (SMOL, 134_515_008),
        (TINY, 1_100_048_384),
        (EIGHT, 8_030_261_248),
        (SEVENTY, 70_553_706_496),
    ],
    ids=["SmolLM2-135M", "TinyLlama-1.1B", "Llama-3.1-8B", "Llama-3.1-70B"],
)
def test_weights_are_as_many_as_their_makers_count(config: dict[str, object], weights: int) -> None:
    assert shape_of(config, "x").weights == weights


def test_an_adapter_has_as_many_weights_as_peft_makes() -> None:
    assert shape_of(TINY, "x").lora_weights(16) == 12_615_680


@pytest.mark.parametrize(
    ("config", "tokens", "dtype", "expected"),
    [
        # 2 (keys and values) x layers x heads x width x bytes
        (EIGHT, 1, "bfloat16", 2 * 32 * 8 * 128 * 2),
        (SEVENTY, 1, "bfloat16", 327_680),
        (SMOL, 100, "float32", 100 * 46_080),
    ],
    ids=["8B", "70B", "135M in float32"],
)
def test_keys_and_values(config: dict[str, object], tokens: int, dtype: str, expected: int) -> None:
    assert cost.kv_bytes(shape_of(config, "x"), tokens, dtype) == expected


STEP = TrainingWork(steps=10, rows=8, tokens=320, answers=60, most_tokens=320, most_answers=60)


def test_training_holds_sixteen_bytes_a_weight_and_shards_them() -> None:
    shape = shape_of(EIGHT, "x")
    n = shape.weights
    one = cost.training_bytes(shape, n, STEP, "cuda")
    assert (one.weights, one.gradients, one.optimiser) == (4 * n, 4 * n, 8 * n)
    eight = cost.training_bytes(shape, n, STEP, "cuda", devices=8)
    assert eight.gradients == n / 2
    assert eight.optimiser == n
    whole = 4 * (2 * shape.layer_weights + shape.head_weights)
    assert eight.weights == n / 2 + whole
    assert eight.activations < one.activations


def test_a_reference_is_a_head_and_states_and_not_a_second_model() -> None:
    shape = shape_of(SMOL, "x")
    with_it = replace(STEP, refers=True, kept_states=1000)
    memory = cost.training_bytes(shape, shape.weights, with_it, "cpu")
    assert memory.reference == 4 * (49152 * 576 + 576 * 1000)


def test_an_adapter_spares_gradients_and_moments() -> None:
    shape = shape_of(TINY, "x")
    memory = cost.training_bytes(shape, shape.weights, replace(STEP, lora_rank=16), "cuda")
    assert memory.gradients == 4 * 12_615_680
    assert memory.optimiser == 8 * 12_615_680
    assert memory.weights == 4 * (shape.weights + 12_615_680)


def test_autocast_keeps_a_copy_in_half_the_bytes_and_checkpointing_spares_activations() -> None:
    shape = shape_of(TINY, "x")
    half = cost.training_bytes(shape, shape.weights, replace(STEP, dtype="bfloat16"), "cuda")
    assert half.weights == 6 * shape.weights
    full = cost.activation_bytes(shape, 320, "float32", False)
    assert full == 22 * 320 * (8 * 2048 + 2 * 4 * 64 + 4 * 5632) * 4
    spared = cost.activation_bytes(shape, 320, "float32", True)
    assert spared == full // 22 + 22 * 320 * 2048 * 4


def test_seconds_follow_from_arithmetic_by_hand() -> None:
    shape = ModelShape(1, 10, 10, 1, 1, 10, 100, tied=False)
    weights = 100_000
    machine = Machine("m", "m", "cpu", 1, 1e12, None, 1e9, 1e15, 1e9)
    asked = Asked(prompts=10, tokens=500, distinct=200, longest=60, new_tokens=5)
    body = weights - 2 * 1000
    flop = 2 * (body * (200 + 50) + 1000 * 50)
    expected = flop / (1e9 * cost.ANSWERING["cpu"])
    assert cost.answering_seconds(shape, weights, asked, 10, machine, "float32") == pytest.approx(
        expected
    )
    slow = replace(machine, bandwidth=1e3)
    moved = 5 * (4 * (body + 1000) + cost.kv_bytes(shape, 600, "float32")) / 1e3
    assert cost.answering_seconds(shape, weights, asked, 10, slow, "float32") == pytest.approx(
        moved
    )


def test_money_is_hours_times_devices_times_price() -> None:
    machine = named_machine("8xH100", price=2.0)
    assert cost.rent(1800, machine) == 8.0
    assert cost.rent(1800, named_machine("l4")) is None


MEASURED = [
    # docs/SPEED.md: what the cost model is fitted to
    (EIGHT, 384 / 254, 0.35),
    (
        llama(
            num_hidden_layers=28,
            hidden_size=3072,
            intermediate_size=8192,
            num_attention_heads=24,
            num_key_value_heads=8,
            vocab_size=128256,
            tie_word_embeddings=True,
        ),
        384 / 396,
        0.35,
    ),
]


@pytest.mark.parametrize(("config", "seconds", "off"), MEASURED, ids=["8B", "3B"])
def test_the_model_is_near_what_was_measured(
    config: dict[str, object], seconds: float, off: float
) -> None:
    shape = shape_of({**config}, "x")
    asked = Asked(384, 26_600, 9_030, 200, 50)
    found = cost.answering_seconds(
        shape, shape.weights, asked, 384, named_machine("h100"), "bfloat16"
    )
    assert found == pytest.approx(seconds, rel=off)


def test_jensun_on_two_cores_is_near_what_was_measured() -> None:
    shape = shape_of(SMOL, "x")
    step = replace(STEP, steps=1, refers=True)
    machine = named_machine("epyc-2")
    assert cost.training_seconds(shape, shape.weights, step, machine) == pytest.approx(
        1.91, rel=0.3
    )
    memory = cost.training_bytes(shape, shape.weights, step, "cpu")
    assert memory.total == pytest.approx(3.30e9, rel=0.1)


PROMPTS = Asked(2120, 147_000, 50_000, 250, 50)


def planned(config: dict[str, object]) -> PlannedModel:
    shape = shape_of(config, "x")
    return PlannedModel(shape, shape.weights, "counted", 2 * shape.weights)


def test_a_small_model_stands_on_every_device_and_a_large_one_over_several() -> None:
    small = place(planned(EIGHT), PROMPTS, named_machine("8xh100"), "bfloat16")
    assert (small.each, small.copies, small.fits) == (1, 8, True)
    large = place(planned(SEVENTY), PROMPTS, named_machine("8xh100"), "bfloat16")
    assert (large.each, large.copies, large.fits) == (3, 2, True)
    machine = named_machine("h100")
    none = place(planned(SEVENTY), PROMPTS, machine, "bfloat16")
    assert not none.fits
    assert none.memory.total > room(machine)


def test_what_does_not_fit_is_told_what_would() -> None:
    asks = list(what_would_do(planned(SEVENTY), PROMPTS, None, named_machine("h100")))
    assert asks[0] == "3 of these devices and --device-map auto"
    assert any("4 bits (39.7 GB" in way for way in asks)
    trains = list(what_would_do(planned(EIGHT), None, STEP, named_machine("h100")))
    assert any(way.startswith("an adapter") for way in trains)
    assert "2 of these devices, weights and optimiser sharded (FSDP)" in trains
    for way in trains:
        assert "gradient checkpointing (--set" not in way  # 128 GB of states do not get smaller
    packed = replace(planned(EIGHT), quantised=True)
    assert "not quantised" in next(iter(what_would_do(packed, None, STEP, named_machine("h100"))))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("h10", "did you mean 'h100'"),
        ("8xh101", "did you mean 'h100'"),
        ("0xh100", "at least one device"),
        ("", "unknown machine ''"),
        ("nowhere.toml", "nowhere.toml"),
    ],
    ids=["near", "several", "none", "empty", "no file"],
)
def test_a_machine_that_is_not_known(name: str, said: str) -> None:
    with pytest.raises(UnlearnbenchError) as caught:
        named_machine(name)
    assert said in str(caught.value)


def test_every_machine_that_ships_says_where_its_price_comes_from() -> None:
    machines = known_machines()
    assert {"h100", "h200", "a100", "l4", "epyc-2"} <= machines.keys()
    for machine in machines.values():
        assert machine.price is None or machine.price_date
        assert machine.count == 1
    assert named_machine("4xA100").count == 4
    assert named_machine("h100", 1.25).price_date == "your --price"
    assert machines["epyc-2"].dtype == "float32"


MINE = "[mine]\nmemory = 10\nfloat32 = 1\nbandwidth = 100\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mine]\nmemory = 10\nfloat32 = 1\n", "bandwidth is missing"),
        (MINE + "memroy = 3\n", "did you mean 'memory'"),
        (MINE.replace("= 10\n", "= -1\n"), "memory = -1"),
        (MINE.replace("= 10\n", "= true\n"), "memory = True"),
        (MINE + 'kind = "tpu"\n', "cuda or cpu"),
        ("", "names no machine"),
        ("[", "not TOML"),
    ],
    ids=["missing", "misspelt", "negative", "no number", "kind", "empty", "damaged"],
)
def test_a_machine_of_the_users_own_that_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UnlearnbenchError, match=said):
        named_machine(str(path))
    path.write_text(MINE)
    assert named_machine(f"3x{path}").count == 3


@pytest.mark.parametrize(
    ("config", "weights"),
    [
        ({**EIGHT, "num_hidden_layers": None}, None),
        ({"model_type": "mamba"}, None),
        ({"text_config": EIGHT, "model_type": "wrapped"}, 8_030_261_248),
        # GPT-2: 163,037,184 with untied embeddings and biases; ours leaves biases out
        (
            {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257},
            0,
        ),
    ],
    ids=["no layers", "no shape", "nested", "gpt2"],
)
def test_shapes_of_other_configurations(config: dict[str, object], weights: int | None) -> None:
    if weights is None:
        with pytest.raises(CheckpointError, match="does not say how large"):
            shape_of(config, "x")
    elif weights:
        assert shape_of(config, "x").weights == weights
    else:
        assert shape_of(config, "x").weights == pytest.approx(124_439_808, rel=0.01)


def test_a_mixture_of_experts_counts_every_expert() -> None:
    mixtral = {
        **llama(
            num_hidden_layers=32,
            hidden_size=4096,
            intermediate_size=14336,
            num_attention_heads=32,
            num_key_value_heads=8,
            vocab_size=32000,
        ),
        "num_local_experts": 8,
    }
    assert shape_of(mixtral, "x").weights == 46_702_792_704
