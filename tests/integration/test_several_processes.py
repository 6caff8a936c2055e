"""Two processes train what one does: the same losses and weights, from half the memory each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from safetensors.torch import load_file

import unlearnbench
from tests.conftest import write_benchmark
from tests.integration.sharing import together
from tests.models import save
from unlearnbench.plugins import BUILTIN
from unlearnbench.training.record import read_record
from unlearnbench.types.options import RunOptions, TrainOptions

SHORT = {"max_steps": 3, "batch_size": 2, "accumulation": 2, "lr": 1e-3, "warmup_epochs": 0}
SHORT |= {"precision": "float32", "save_every": 2}
TOLERANCE = 1e-4
WITHOUT_DROPOUT = dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), 0.0)
"""Each process draws masks of its own, so only without them is there anything to compare."""


class Case(NamedTuple):
    method: str
    settings: Mapping[str, Any] = {}
    kind: str = "llama"
    config: Mapping[str, Any] = {}


CASES = {
    **{method: Case(method) for method in sorted(BUILTIN["methods"])},
    "jensun-slots-and-kl-first": Case("jensun", {"layout": "both", "warmup_kl_steps": 2}),
    "npo-kl-after-examples": Case("npo", {"retain": "kl", "icr_share": 0.5}),
    "lora": Case("jensun", {"lora_rank": 4}),
    "task-vector-lora": Case("task-vector", {"lora_rank": 4}),
    "gradient-checkpointing": Case("jensun", {"gradient_checkpointing": True}),
    "rmu-gradient-checkpointing": Case("rmu", {"gradient_checkpointing": True}),
    "tied-head": Case("jensun", config={"tie_word_embeddings": True}),
    "four-micro-batches": Case("jensun", {"accumulation": 4}),
    "bfloat16": Case("jensun", {"precision": "bf16"}),
    "windows": Case("jensun", kind="gemma3"),
    "other-architecture": Case("npo", kind="gpt2", config=WITHOUT_DROPOUT),
}


class World(NamedTuple):
    one: Path
    two: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Every case trained in one process and in two."""
    folder = tmp_path_factory.mktemp("sharing")
    data = write_benchmark(folder / "data")
    bases: dict[str, Path] = {}
    for name, case in CASES.items():
        bases[name] = save(folder / "bases" / name, case.kind)
        config = bases[name] / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), **case.config}))
    given = [
        {
            "base": str(bases[name]),
            "data": str(data),
            "method": case.method,
            "settings": {**SHORT, **case.settings},
            "out": str(folder / "two" / name),
        }
        for name, case in CASES.items()
    ]
    (folder / "two").mkdir()
    (folder / "cases.json").write_text(json.dumps(given))
    for code, _, told in together(["-m", "tests.integration.sharing", str(folder / "cases.json")]):
        assert code == 0, told
    for case in given:
        unlearnbench.train(
            case["base"],
            case["data"],
            method=case["method"],
            train_options=TrainOptions(settings=case["settings"], device="cpu"),
            run_options=RunOptions(folder / "one" / Path(case["out"]).name),
        )
    return World(folder / "one", folder / "two")


def ended(world: World, name: str) -> list[dict[str, Any]]:
    return [json.loads((world.two / f"{name}.{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("name", CASES)
def test_losses_and_weights_as_in_one_process(name: str, world: World) -> None:
    assert [e["error"] for e in ended(world, name)] == [None, None]
    one, two = (read_record(folder / name) for folder in world)
    assert one is not None
    assert two is not None
    assert len(two.curves) == len(one.curves) == 3
    for entry, expected in zip(two.curves, one.curves, strict=True):
        assert entry == pytest.approx(expected, abs=TOLERANCE, rel=TOLERANCE)
    assert two.settings == one.settings
    files = [{p.name for p in (folder / name).iterdir()} for folder in world]
    assert files[0] == files[1]
    weights = "adapter_model.safetensors" if "lora" in name else "model.safetensors"
    first, second = (load_file(folder / name / weights) for folder in world)
    assert first.keys() == second.keys()
    for key, tensor in first.items():
        assert tensor.dtype == second[key].dtype
        difference = (tensor - second[key]).abs().max()
        assert difference < TOLERANCE, key
