"""What a kill under an earlier version, or a fault of the disk, left of a training is told apart:
the newest whole checkpoint is gone on from, whatever else lies there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import unlearnbench
from tests.conftest import write_benchmark
from tests.reliability.commands import content, different
from unlearnbench.progress import Progress
from unlearnbench.training.saving import newest_whole
from unlearnbench.types.options import RunOptions, TrainOptions

SETTINGS: dict[str, Any] = {
    "max_steps": 6,
    "batch_size": 2,
    "lr": 1e-3,
    "warmup_epochs": 0,
    "save_every": 2,
}
UNTIMED = ("unlearning.json",)


class Stopped(Exception):
    pass


def train(base: Path, data: Path, out: Path, stop: int = 0, **changes: Any) -> Any:
    def fall(progress: Progress) -> None:
        if stop and progress.done == stop:
            raise Stopped

    given = {**SETTINGS, **changes}
    method = changes.pop("method", "jensun")
    given.pop("method", None)
    return unlearnbench.train(
        str(base),
        str(data),
        method=method,
        train_options=TrainOptions(settings=given),
        run_options=RunOptions(out),
        on_progress=fall,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark")


@pytest.fixture(scope="module", params=[0, 4], ids=["all weights", "adapter"])
def stopped(
    request: pytest.FixtureRequest,
    data: Path,
    tiny_llama: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path, int]:
    """A training left alone, one that stopped after step 5, and the adapter's rank."""
    place = tmp_path_factory.mktemp("stopped")
    train(tiny_llama, data, place / "whole", lora_rank=request.param)
    with pytest.raises(Stopped):
        train(tiny_llama, data, place / "cut", stop=5, lora_rank=request.param)
    assert [p.name for p in (place / "cut" / ".training").glob("checkpoint-*")] == ["checkpoint-4"]
    return place / "whole", place / "cut", request.param


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: next(folder.glob(name)).unlink()


def cut(name: str, share: float) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = next(folder.glob(name))
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return apply


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def of_another_step(folder: Path) -> None:
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "global_step": 4}))


def a_list(folder: Path) -> None:
    (folder / "trainer_state.json").write_text("[]")


DAMAGES = {
    "empty": emptied,
    "no state": without("trainer_state.json"),
    "no weights": without("*model.safetensors"),
    "no optimiser": without("optimizer.pt"),
    "no schedule": without("scheduler.pt"),
    "no random state": without("rng_state*.pth"),
    "half a state": cut("trainer_state.json", 0.5),
    "half the weights": cut("*model.safetensors", 0.5),
    "nearly all weights": cut("*model.safetensors", 0.999),
    "no byte of the optimiser": cut("optimizer.pt", 0),
    "half the optimiser": cut("optimizer.pt", 0.5),
    "nearly all of the optimiser": cut("optimizer.pt", 0.999),
    "half the schedule": cut("scheduler.pt", 0.5),
    "half the random state": cut("rng_state*.pth", 0.5),
    "of another step": of_another_step,
    "no object": a_list,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_passed_over(
    damage: Callable[[Path], None], stopped: tuple[Path, Path, int], tmp_path: Path
) -> None:
    """Only the whole one before it stays."""
    work = tmp_path / ".training"
    shutil.copytree(stopped[1] / ".training", work)
    (work / "tmp-checkpoint-8").mkdir()
    shutil.copytree(work / "checkpoint-4", work / "checkpoint-10")
    state = work / "checkpoint-10" / "trainer_state.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "global_step": 10}))
    assert newest_whole(work) == work / "checkpoint-10"
    assert not (work / "checkpoint-4").exists()
    shutil.copytree(stopped[1] / ".training" / "checkpoint-4", work / "checkpoint-4")
    damage(work / "checkpoint-10")
    assert newest_whole(work) == work / "checkpoint-4"
    assert not (work / "checkpoint-10").exists()
    damage(work / "checkpoint-4")
    assert newest_whole(work) in (None, work / "checkpoint-4")


@pytest.mark.parametrize("left", ["whole before it", "nothing whole", "finished in place"])
def test_what_an_earlier_version_left_ends_with_the_same_bytes(
    left: str, stopped: tuple[Path, Path, int], data: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    whole, killed, rank = stopped
    out = tmp_path / "out"
    shutil.copytree(killed, out)
    work = out / ".training"
    if left == "whole before it":
        shutil.copytree(work / "checkpoint-4", work / "checkpoint-6")
        DAMAGES["half the optimiser"](work / "checkpoint-6")
    elif left == "nothing whole":
        DAMAGES["no state"](work / "checkpoint-4")
    else:
        # It saved the model where it belongs, file by file.
        shutil.copy(tiny_llama / "config.json", out)
        (out / "model.safetensors").write_bytes(b"half")
        if rank:
            (out / "model.safetensors").unlink()
            (out / "config.json").unlink()
            (out / "adapter_model.safetensors").write_bytes(b"half")
    train(tiny_llama, data, out, lora_rank=rank)
    expected, found = content(whole), content(out)
    assert different(found, expected) == []
    assert not work.exists()


def test_a_training_that_stopped_by_itself_stops_there_again(
    data: Path, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the model was saved, `stop_loss` ends it at the same step, not an epoch on."""
    settings = {"method": "finetune", "max_steps": 0, "epochs": 12, "lr": 3e-3, "stop_loss": 3.2}
    record = train(tiny_llama, data, tmp_path / "whole", **settings).record
    assert record.stopped == "stop_loss"
    assert record.steps % SETTINGS["save_every"] == 0

    def killed(*rest: Any) -> None:
        raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr("unlearnbench.training.train.save_trained", killed)
        train(tiny_llama, data, tmp_path / "cut", **settings)
    train(tiny_llama, data, tmp_path / "cut", **settings)
    assert different(content(tmp_path / "cut"), content(tmp_path / "whole")) == []


def test_warnings_from_before_a_kill_are_kept(
    data: Path, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlearnbench.methods.jensun.loss import JensUn

    monkeypatch.setattr(
        JensUn, "warning", lambda self, step, seen: "told" if step in (1, 4) else None
    )
    with pytest.raises(Stopped):
        train(tiny_llama, data, tmp_path / "out", stop=5)
    record = train(tiny_llama, data, tmp_path / "out").record
    assert [n for n in record.notes if "told" in n] == ["step 1: told", "step 4: told"]


def test_a_damaged_state_of_relearning_is_passed_over(tmp_path: Path) -> None:
    """Cut at any byte, or of another model: nothing of it is taken."""
    from tests.models import build
    from unlearnbench.attacks.catalog import get_relearn_profile
    from unlearnbench.attacks.relearn.trajectory import Trajectory, kept_losses
    from unlearnbench.training.batch import Row

    rows = [Row(f"r{i}", (1, 2, 3), (4 + i, 5), ended=True) for i in range(8)]

    def made(kind: str = "llama") -> Trajectory:
        return Trajectory(build(kind), rows, get_relearn_profile("quick", False), 0)

    trained = made()
    trained.go_to(2)
    trained.save(tmp_path)
    path = tmp_path / "state.safetensors"
    whole = path.read_bytes()
    assert len(kept_losses(tmp_path, 2)) == 2
    assert kept_losses(tmp_path, 1) == []
    fresh = made()
    before = {n: p.clone() for n, p in fresh.model.named_parameters()}
    for share in (0, 0.0001, 0.3, 0.9999):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert not fresh.restore(tmp_path)
        assert kept_losses(tmp_path, 2) == []
    path.write_bytes(whole)
    assert not made("gpt2").restore(tmp_path)
    for name, parameter in fresh.model.named_parameters():
        assert torch.equal(parameter, before[name])
    assert fresh.restore(tmp_path)
    assert fresh.step == 2
    for one, other in zip(fresh.model.parameters(), trained.model.parameters(), strict=True):
        assert torch.equal(one, other)
