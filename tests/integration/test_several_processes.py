"""Two processes train what one does: the same losses and weights, from half the memory each."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file

import unlearnbench
from tests.conftest import write_benchmark
from tests.integration.sharing import ROOT, free_port, start, together
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


def test_each_process_holds_half_of_the_weights(world: World) -> None:
    """Local shards are counted, whatever the method or the shape of the model."""
    for name, case in CASES.items():
        base = json.loads((world.two / name / "unlearning.json").read_text())["base"]["name"]
        whole = sum(t.numel() * t.element_size() for t in load_file(_weights(base)).values())
        shares = [e["held"][0] for e in ended(world, name)]
        adapter = sum(t.numel() * 4 for t in _adapter(world.two / name).values())
        assert sum(shares) == pytest.approx(whole + adapter, rel=0.01), case
        assert max(shares) < 0.52 * (whole + adapter), case


def _weights(base: str) -> Path:
    return Path(base) / "model.safetensors"


def _adapter(folder: Path) -> dict[str, Any]:
    path = folder / "adapter_model.safetensors"
    return load_file(path) if path.exists() else {}


def test_what_two_processes_trained_scores(world: World, tmp_path: Path) -> None:
    run = unlearnbench.score(
        str(world.two / "jensun"),
        str(world.two.parent / "data"),
        profile="quick",
        run_options=RunOptions(tmp_path / "run"),
    )
    assert run.n_open == 0
    assert run.record.training is not None
    assert run.record.training.same_data


def words_of(world: World, out: Path, *more: str) -> list[str]:
    bases, data = world.two.parent / "bases", world.two.parent / "data"
    given = ["--base", str(bases / "jensun"), "--benchmark", str(data), "--out", str(out)]
    given += ["--device", "cpu", "--lr", "1e-3", "--epochs", "40", "--precision", "float32"]
    sizes = ["--batch-size", "2", "--accumulation", "2", "--set", "save_every=2"]
    return ["-m", "unlearnbench", "train", *given, *sizes, *more]


def test_one_dies_the_other_ends_and_both_go_on(world: World, tmp_path: Path) -> None:
    """SIGKILL of a process after a checkpoint: the other says so within a minute, the same command
    goes on from the checkpoint, and a single process is refused there.
    """
    out, port = tmp_path / "out", free_port()
    words = words_of(world, out, "--max-steps", "60")
    first, second = (start(words, rank, 2, port) for rank in range(2))
    try:
        wait_for(out, ".training/checkpoint-*/trainer_state.json", first)
        second.send_signal(signal.SIGKILL)
        began = time.monotonic()
        printed, told = first.communicate(timeout=60)
    finally:
        first.kill()
        second.kill()
    assert time.monotonic() - began < 60
    assert first.returncode == 2, told
    assert "another of the 2 processes has ended" in told
    assert "the same command goes on from the last checkpoint" in told
    assert "Traceback" not in told
    assert printed == ""
    assert not (out / "unlearning.json").exists()
    alone = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert alone.returncode == 2
    assert "begun by 2 processes and cannot be gone on with by 1" in alone.stderr
    (code, shown, notes), (other, nothing, silence) = together(words)
    assert (code, other) == (0, 0), notes + silence
    assert "going on from checkpoint-" in notes
    assert "60 steps" in shown
    assert nothing == ""
    assert silence == ""
    whole = tmp_path / "whole"
    for code, _, notes in together(words_of(world, whole, "--max-steps", "60", "-q")):
        assert code == 0, notes
    weights = [load_file(folder / "model.safetensors") for folder in (out, whole)]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Until there is such a file; fails if the process ends first."""
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


REFUSED = {
    "rows-that-cannot-be-dealt": (["--accumulation", "3"], "give a multiple of 2"),
    "bitsandbytes": (["--set", "optim=adamw_8bit"], "bitsandbytes"),
    "another-device": (["--device", "cuda:1"], "several processes take auto, cuda or cpu"),
    "sweep": (["--sweep", "lr=1e-3"], "--sweep scores too"),
    "no-model": (["--base", "/nowhere/at/all"], "/nowhere/at/all"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said_once(name: str, world: World, tmp_path: Path) -> None:
    more, told = REFUSED[name]
    words = words_of(world, tmp_path / "out")
    words = [w for w in words]
    for option in more[::2]:
        if option in words and option != "--set":
            at = words.index(option)
            del words[at : at + 2]
    ends = together([*words, *more])
    assert [code for code, _, _ in ends] == [2, 2]
    assert told in ends[0][2]
    assert ends[0][2].count("unlearnbench") == 1, ends[0][2]
    assert ends[1][1:] == ("", "")


def test_other_commands_run_in_one_process(world: World) -> None:
    ends = together(["-m", "unlearnbench", "score", str(world.two / "jensun")])
    assert [code for code, _, _ in ends] == [2, 2]
    assert "`score` runs in one process" in ends[0][2]
    assert ends[1][1:] == ("", "")
