"""What several processes decide, without a second process."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.models import build
from unlearnbench.environment import Process, this_process
from unlearnbench.errors import ElsewhereError, TrainingError
from unlearnbench.training.processes import (
    all_agree,
    connected,
    error_in_all,
    first_decides,
    in_turn,
    largest,
    means,
    share,
)
from unlearnbench.training.sharding import (
    check_trains_shards,
    dealt,
    follow,
    fsdp_plugin,
    gathered,
)

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")


def launched(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    for name, value in zip(NAMES, values, strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("values", "process"),
    [
        (("0", "2", "0"), Process(0, 2, 0)),
        (("5", "8", "1"), Process(5, 8, 1)),
        (("", "", ""), Process()),
        (("0", "", "0"), Process()),
        (("x", "2", "0"), Process()),
    ],
    ids=["first", "another-machine", "alone", "count-missing", "no-number"],
)
def test_which_process_this_is(
    values: tuple[str, ...], process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(monkeypatch, *values)
    assert this_process() == process
    assert process.first == (process.rank == 0)


def test_a_single_process_decides_by_itself() -> None:
    def fail() -> None:
        raise TrainingError("so it is")

    for way in (first_decides, all_agree, in_turn):
        assert way(lambda: 7) == 7
        with pytest.raises(TrainingError, match="so it is"):
            way(fail)
    assert share(range(5)) == [0, 1, 2, 3, 4]
    assert largest(3) == 3
    assert means({"loss": 2.0}) == {"loss": 2.0}


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_what_is_dealt_to_each(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    launched(monkeypatch, str(rank), "3", str(rank))
    assert share(range(8)) == [[0, 3, 6], [1, 4, 7], [2, 5]][rank]


def test_the_first_tells_what_all_have_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    launched(monkeypatch, "0", "2", "0")
    assert not isinstance(error_in_all("nan"), ElsewhereError)
    launched(monkeypatch, "1", "2", "1")
    assert isinstance(error_in_all("nan"), ElsewhereError)


BROKEN = {
    "gloo": "[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer",
    "reset": "Read error [127.0.0.1]:4242: Connection reset by peer",
    "nccl": "NCCL communicator was aborted on rank 1.",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_connection_is_explained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match=r"gloo|reset|NCCL"), connected():
        raise RuntimeError(BROKEN[name])  # alone: whatever it is, it is not that
    launched(monkeypatch, "0", "2", "0")
    with pytest.raises(TrainingError, match="another of the 2 processes has ended"), connected():
        raise RuntimeError(BROKEN[name])
    with pytest.raises(RuntimeError, match="shapes"), connected():
        raise RuntimeError("shapes cannot be multiplied")


def test_what_is_not_a_shard_is_not_trained() -> None:
    """Replicas, and tensors that are not the model's, would train without an error."""
    model = build("llama")
    with pytest.raises(TrainingError, match="is not trained as a shard"):
        check_trains_shards(model, model.parameters())
    bare = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(TrainingError, match="is not trained as a shard"):
        check_trains_shards(bare, [torch.zeros(2)])


def test_tensors_that_are_not_sharded_stay_as_they_are() -> None:
    tensor = torch.arange(6.0)
    assert torch.equal(gathered(tensor), tensor)
    assert torch.equal(dealt(tensor, torch.empty(6)), tensor)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("fsdp_version", 1, "set fsdp_version: 2"),
        ("activation_checkpointing", True, "--set gradient_checkpointing=true"),
    ],
    ids=["version-1", "checkpointing"],
)
def test_a_configuration_that_cannot_be_followed(field: str, value: object, told: str) -> None:
    plugin = fsdp_plugin()
    setattr(plugin, field, value)
    with pytest.raises(TrainingError, match=told):
        follow(plugin)


def test_states_are_saved_whole() -> None:
    plugin = fsdp_plugin()
    plugin.set_state_dict_type("SHARDED_STATE_DICT")
    follow(plugin)
    assert "FULL_STATE_DICT" in str(plugin.state_dict_type)
