"""Two processes train what one does: the same losses and weights, from half the memory each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

import unlearnbench
from tests.conftest import write_benchmark
from tests.integration.sharing import ROOT, free_port, start, together
from tests.models import save
from unlearnbench.plugins import BUILTIN
from unlearnbench.runs.attacks import read_relearn
from unlearnbench.training.record import read_record
from unlearnbench.types.options import EngineOptions, RunOptions, TrainOptions

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


REFUSED = {
    "rows-that-cannot-be-dealt": ({"accumulation": 3}, "give a multiple of 2"),
    "an-unknown-setting": ({"lambda_x": 1}, "no such setting"),
    "too-short": ({"max_length": 20}, "nothing of its answer fits"),
}


class World(NamedTuple):
    """The data, the models before, and what one process and two made of them."""

    data: Path
    bases: Path
    one: Path
    two: Path


def made_once(folder: Path, make: Callable[[], None]) -> None:
    """Done by one of pytest's workers, and waited for by the others."""
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "done").exists():
            make()
            (folder / "done").touch()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> World:
    """What there is before anything is trained."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sharing"
    places = World(*(folder / name for name in World._fields))

    def make() -> None:
        write_benchmark(places.data)
        for name, case in CASES.items():
            config = save(places.bases / name, case.kind) / "config.json"
            config.write_text(json.dumps({**json.loads(config.read_text()), **case.config}))

    made_once(folder, make)
    return places


@pytest.fixture(scope="module")
def world(ground: World) -> World:
    """Every case trained in one process and in two; what is refused is tried in two."""
    made_once(ground.two, lambda: train_all(ground))
    return ground


def train_all(ground: World) -> None:
    given = [
        {
            "base": str(ground.bases / name),
            "data": str(ground.data),
            "method": case.method,
            "settings": {**SHORT, **case.settings},
            "out": str(ground.two / name),
        }
        for name, case in CASES.items()
    ]
    refused = [
        {**given[0], "settings": {**SHORT, **settings}, "out": str(ground.two / name)}
        for name, (settings, _) in REFUSED.items()
    ]
    cases = ground.two / "cases.json"
    cases.write_text(json.dumps([*given, *refused]))
    for code, _, told in together(["-m", "tests.integration.sharing", str(cases)]):
        assert code == 0, told
    for case in given:
        unlearnbench.train(
            case["base"],
            case["data"],
            method=case["method"],
            train_options=TrainOptions(settings=case["settings"], device="cpu"),
            run_options=RunOptions(ground.one / Path(case["out"]).name),
        )


def ended(world: World, name: str) -> list[dict[str, Any]]:
    return [json.loads((world.two / f"{name}.{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_losses_and_weights_as_in_one_process(name: str, world: World) -> None:
    assert [e["error"] for e in ended(world, name)] == [None, None]
    one, two = (read_record(folder / name) for folder in (world.one, world.two))
    assert one is not None
    assert two is not None
    assert len(two.curves) == len(one.curves) == 3
    for entry, expected in zip(two.curves, one.curves, strict=True):
        assert entry == pytest.approx(expected, abs=TOLERANCE, rel=TOLERANCE)
    assert two.settings == one.settings
    files = [{p.name for p in (folder / name).iterdir()} for folder in (world.one, world.two)]
    assert files[0] == files[1]
    weights = "adapter_model.safetensors" if "lora" in name else "model.safetensors"
    first, second = (load_file(folder / name / weights) for folder in (world.one, world.two))
    assert first.keys() == second.keys()
    for key, tensor in first.items():
        assert tensor.dtype == second[key].dtype
        difference = (tensor - second[key]).abs().max()
        assert difference < TOLERANCE, key


@pytest.mark.slow
def test_each_process_holds_half_of_the_weights(world: World) -> None:
    """Local shards are counted, whatever the method or the shape of the model."""
    for name in CASES:
        base = load_file(world.bases / name / "model.safetensors")
        path = world.two / name / "adapter_model.safetensors"
        adapter = load_file(path) if path.exists() else {}
        whole = sum(t.numel() * t.element_size() for t in (*base.values(), *adapter.values()))
        shares = [e["held"][0] for e in ended(world, name)]
        assert sum(shares) == pytest.approx(whole, rel=0.01), name
        assert max(shares) < 0.52 * whole, name


@pytest.mark.slow
def test_what_two_processes_trained_scores(world: World, tmp_path: Path) -> None:
    run = unlearnbench.score(
        str(world.two / "jensun"),
        str(world.data),
        profile="quick",
        run_options=RunOptions(tmp_path / "run"),
    )
    assert run.n_open == 0
    assert run.record.training is not None
    assert run.record.training.same_data


def words_of(ground: World, out: Path, *more: str) -> list[str]:
    given = ["--base", str(ground.bases / "jensun"), "--benchmark", str(ground.data)]
    given += ["--out", str(out)]
    given += ["--device", "cpu", "--lr", "1e-3", "--epochs", "40", "--precision", "float32"]
    sizes = ["--batch-size", "2", "--accumulation", "2", "--set", "save_every=2"]
    return ["-m", "unlearnbench", "train", *given, *sizes, *more]


@pytest.mark.slow
def test_one_dies_the_other_ends_and_both_go_on(ground: World, tmp_path: Path) -> None:
    """SIGKILL of a process after a checkpoint: the other says so within a minute, the same command
    goes on from the checkpoint, and a single process is refused there.
    """
    out, port = tmp_path / "out", free_port()
    words = words_of(ground, out, "--max-steps", "24")
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
    assert "24 steps" in shown
    assert nothing == ""
    assert silence == ""
    whole = tmp_path / "whole"
    for code, _, notes in together(words_of(ground, whole, "--max-steps", "24", "-q")):
        assert code == 0, notes
    weights = [load_file(folder / "model.safetensors") for folder in (out, whole)]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Until there is such a file; fails if the process ends first."""
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("lora", [False, True], ids=["all-weights", "lora"])
def test_relearning_as_in_one_process(lora: bool, ground: World, tmp_path: Path) -> None:
    """The first process asks and judges; both train. Points and texts are those of one process."""
    words = ["-m", "unlearnbench", "relearn", str(ground.bases / "jensun"), "--arm", "retain"]
    words += ["--benchmark", str(ground.data), "--limit", "1", "--device", "cpu", "-q"]
    words += ["--lora"] if lora else []
    (code, shown, told), other = together([*words, "--out", str(tmp_path / "two")])
    assert (code, other) == (0, (0, "", "")), told
    assert "worst benign arm: retain" in shown
    attacked = unlearnbench.relearn(
        str(ground.bases / "jensun"),
        str(ground.data),
        arms=["retain"],
        limit=1,
        lora=lora,
        engine_options=EngineOptions(device="cpu"),
        run_options=RunOptions(tmp_path / "one"),
    )
    record = read_relearn(tmp_path / "two")
    assert record.identity == attacked.record.identity
    points, expected = list(record.points), list(attacked.record.points)
    assert len(points) == len(expected) == 6
    for point, wanted in zip(points, expected, strict=True):
        assert point.loss == pytest.approx(wanted.loss, abs=TOLERANCE)
        assert point.model_copy(update={"loss": None}) == wanted.model_copy(update={"loss": None})
    for path in (tmp_path / "one").rglob("completions.jsonl"):
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert twin.read_text() == path.read_text()
    assert not list((tmp_path / "two").rglob("*.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_told_by_the_first(name: str, world: World) -> None:
    """An `ElsewhereError` ends its process without a word."""
    first, other = (str(end["error"]) for end in ended(world, name))
    assert REFUSED[name][1] in first
    assert not first.startswith("ElsewhereError")
    assert other.startswith("ElsewhereError")
    assert not (world.two / name / "unlearning.json").exists()


def test_a_missing_model_is_told_once(ground: World, tmp_path: Path) -> None:
    words = words_of(ground, tmp_path / "out")
    words[words.index("--base") + 1] = "/nowhere/at/all"
    (code, shown, told), other = together(words)
    assert (code, other) == (2, (2, "", ""))
    assert shown == ""
    assert len(told.split("unlearnbench")) == 2
    assert "/nowhere/at/all" in told


@pytest.mark.parametrize("rank", ["0", "1"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["score", "somewhere"], "`score` runs in one process"),
        (["train", "--base", "x", "--sweep", "lr=1e-3"], "--sweep scores too"),
        (["train", "--base", "x", "--device", "mps"], "several processes take auto, cuda or cpu"),
        (["train", "--bass", "x"], "--bass"),
    ],
    ids=["score", "sweep", "device", "misspelt"],
)
def test_what_one_of_several_processes_refuses(
    rank: str, words: list[str], told: str, command_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen without a second process; the others say nothing."""
    for name, value in (("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    code, out, err = command_line(*words)
    assert (code, out) == (2, "")
    assert (told in err) == (rank == "0")
    assert rank == "0" or err == ""


@pytest.mark.parametrize("before", ["", "dist.init_process_group('gloo')\n"])
def test_however_it_ends_a_process_has_parted_from_the_others_before_it_goes(before: str) -> None:
    """Whether the group is ours or was there before."""
    code = (
        "import atexit, torch.distributed as dist; from unlearnbench.training import processes\n"
        "atexit.register(lambda: print(dist.is_initialized()))\n"  # the last to be called
        f"{before}"
        "processes.join('cpu'); processes.all_agree(lambda: None); raise SystemExit(3)"
    )
    assert [(code, out) for code, out, _ in together(["-c", code])] == [(3, "False\n")] * 2
