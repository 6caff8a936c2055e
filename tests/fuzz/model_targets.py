"""Targets that load a tiny model: what a checkpoint's configuration may say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

from safetensors import safe_open

from tests.fuzz import mutate
from tests.fuzz.targets import Target, in_place
from tests.fuzz.workspace import Workspace
from unlearnbench.types.options import EngineOptions


def make(space: Workspace) -> list[Target]:
    """All of them."""
    return list(_files(space))


def _files(space: Workspace) -> Iterator[Target]:
    from tests.models import save
    from unlearnbench.benchmark import load_benchmark
    from unlearnbench.checkpoints.adapters import adapter_base
    from unlearnbench.checkpoints.folder import check_folder
    from unlearnbench.engines.transformers.engine import TransformersEngine
    from unlearnbench.protocol.plan import make_plan
    from unlearnbench.protocol.profiles import get_profile
    from unlearnbench.types import Failure, Sampling

    folder = space / "model"
    save(folder, "llama")
    plan = make_plan(
        load_benchmark(str(space / "content/benchmarks/tiny")), get_profile("quick"), "chat", 0, 1
    )

    def answer() -> None:
        engine = TransformersEngine(str(folder), EngineOptions(dtype="float32"))
        found = list(engine.generate(plan.probes[:2], Sampling(max_new_tokens=4)))
        assert len(found) == 2
        assert all(isinstance(f, Failure) or isinstance(f.text, str) for f in found)

    def check() -> None:
        check_folder(folder)

    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        yield in_place(folder / name, mutate.json_text, answer, f"model-{name}")
    yield in_place(folder / "tokenizer.json", mutate.json_text, answer, "model-tokenizer.json")
    yield in_place(folder / "chat_template.jinja", mutate.any_bytes, answer, "model-template")
    yield in_place(folder / "model.safetensors", _header, check, "safetensors")
    sharded = space / "sharded"
    shutil.copytree(folder, sharded)
    weights = (sharded / "model.safetensors").rename(sharded / "model-00001-of-00001.safetensors")
    with safe_open(weights, framework="numpy") as file:
        places = dict.fromkeys(file.keys(), weights.name)
    index = sharded / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    yield in_place(index, mutate.json_text, lambda: check_folder(sharded), "weight-index")
    adapter = space / "adapter"
    adapter.mkdir()
    path = adapter / "adapter_config.json"
    path.write_text('{"base_model_name_or_path": "x", "peft_type": "LORA", "r": 2}')
    yield in_place(path, mutate.json_text, lambda: adapter_base(adapter), "adapter_config.json")


def _header(example: bytes, random: object) -> bytes:
    """A safetensors file with its header changed, and its length with it or not."""
    from random import Random

    assert isinstance(random, Random)
    size = int.from_bytes(example[:8], "little")
    header, rest = example[8 : 8 + size], example[8 + size :]
    how = random.randrange(3)
    if how == 0:
        return mutate.any_bytes(example[: 8 + size], random) + rest[:1000]
    changed = mutate.json_text(header.strip(), random)
    told = len(changed) if how == 1 else random.choice((0, 1, 2**63, 2**64 - 1, size))
    return told.to_bytes(8, "little") + changed + rest
