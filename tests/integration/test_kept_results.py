"""What was measured stays, where a later part of the same command fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from tests.conftest import CommandLine
from tests.integration.test_muse import write
from tests.models import save
from tests.rwku_samples import RWKU_TABLES
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.types import Probe, Sampling


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checkpoints that are loaded from here on, by folder."""
    names: list[str] = []
    load = TransformersEngine.__init__

    def noted(self: TransformersEngine, checkpoint: str, *more: Any, **named: Any) -> None:
        names.append(Path(checkpoint).name)
        load(self, checkpoint, *more, **named)

    monkeypatch.setattr(TransformersEngine, "__init__", noted)
    return names


@pytest.fixture
def series(tmp_path: Path) -> list[Path]:
    """Three checkpoints, the second of which holds no numbers, as its own logits show."""
    folders = [save(tmp_path / name, "llama", seed) for seed, name in enumerate(("one", "two"))]
    third = save(tmp_path / "three", "llama", 2)
    weights = folders[1] / "model.safetensors"
    shutil.copy(weights, tmp_path / "whole")
    damaged = {name: tensor * float("nan") for name, tensor in load_file(weights).items()}
    save_file(damaged, weights, {"format": "pt"})
    return [*folders, third]


def test_a_series_goes_on_where_one_checkpoint_cannot_be_measured(
    series: list[Path], loaded: list[str], tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "out.json"
    usual = ("--source", write(tmp_path / "muse"), "--dtype", "float32", "-q", "--out", out)
    done = command_line("muse", *series, *usual)
    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert line.startswith(f"unlearnbench: not measured: {series[1]}: ")
    first = json.loads(out.read_text("utf-8"))
    assert [record["checkpoint"] for record in first] == ["one", "three"]
    assert "one" in done.out and "three" in done.out

    shutil.copy(tmp_path / "whole", series[1] / "model.safetensors")
    loaded.clear()
    again = command_line("muse", *series, *usual, "--json")
    assert again.code == 0, again.err
    assert loaded == ["two"]
    whole = json.loads(out.read_text("utf-8"))
    assert [record["checkpoint"] for record in whole] == ["one", "two", "three"]
    assert [whole[0], whole[2]] == first
    assert json.loads(again.out) == whole

    fresh = command_line("muse", *series, *usual, "--no-resume", "--json")
    assert loaded == ["two", "one", "two", "three"]
    assert json.loads(fresh.out) == whole
    assert list(tmp_path.glob("*responses*")) == []


def test_another_retain_log_needs_no_model(
    series: list[Path], loaded: list[str], tmp_path: Path, command_line: CommandLine
) -> None:
    """PrivLeak follows from the AUC that is stored."""
    out, log = tmp_path / "out.json", tmp_path / "log.json"
    usual = ("--source", write(tmp_path / "muse"), "--dtype", "float32", "-q")
    assert command_line("muse", series[2], *usual, "--out", log).code == 0
    retrained = json.loads(log.read_text("utf-8"))
    changed = {**retrained, "auc": 0.25, "checkpoint_fingerprint": "0" * 64}
    log.write_text(json.dumps(changed), "utf-8")
    assert command_line("muse", series[0], *usual, "--out", out).code == 0
    loaded.clear()
    kept = command_line("muse", series[0], *usual, "--out", out, "--retain-log", log)
    assert (kept.code, loaded) == (0, [])
    fresh = command_line("muse", series[0], *usual, "--json", "--retain-log", log)
    assert loaded == ["one"]
    assert json.loads(fresh.out) == [json.loads(out.read_text("utf-8"))]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_was_measured_otherwise_is_measured_again(
    dtype: str, series: list[Path], loaded: list[str], tmp_path: Path, command_line: CommandLine
) -> None:
    out, folder = tmp_path / "out.json", write(tmp_path / "muse")
    usual = ("muse", series[0], "--source", folder, "-q", "--out", out, "--dtype")
    assert command_line(*usual, "float32").code == 0
    loaded.clear()
    assert command_line(*usual, dtype).code == 0
    assert loaded == ([] if dtype == "float32" else ["one"])


def test_a_name_that_is_nowhere_is_told_before_anything_is_loaded(
    series: list[Path], loaded: list[str], tmp_path: Path, command_line: CommandLine
) -> None:
    done = command_line("muse", series[0], "nowhere", "--source", write(tmp_path / "muse"))
    assert (done.code, loaded) == (2, [])
    assert "nowhere" in done.err


@pytest.mark.parametrize("held", ["[1]", "{}", "no json", '[{"schema": "unlearnbench-muse/1"}]'])
def test_a_result_replaces_nothing_else(
    held: str, series: list[Path], loaded: list[str], tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "out.json"
    out.write_text(held, "utf-8")
    done = command_line("muse", series[0], "--source", write(tmp_path / "muse"), "--out", out)
    assert (done.code, loaded, out.read_text("utf-8")) == (2, [], held)
    assert f"--out {out}" in done.err
    assert len(done.err.splitlines()) == 1


def test_responses_outlive_a_command_that_is_cut_off(
    series: list[Path], tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RWKU of several subjects: what the second part asks fails, the first is not asked again."""
    monkeypatch.setattr("unlearnbench.engines.kept.PART", 20)
    out, sizes = tmp_path / "rwku.json", list[int]()
    generate = TransformersEngine.generate
    limit = [2]

    def counted(self: TransformersEngine, block: Sequence[Probe], sampling: Sampling) -> Any:
        if len(sizes) == limit[0]:
            raise KeyboardInterrupt
        sizes.append(len(block))
        return generate(self, block, sampling)

    monkeypatch.setattr(TransformersEngine, "generate", counted)
    command = ("rwku", series[0], "--source", RWKU_TABLES, "--dtype", "float32", "-q")
    assert command_line(*command, "--out", out).code not in (0, 1)
    assert (sizes, out.exists()) == ([20, 20], False)
    limit[0] = 100
    done = command_line(*command, "--out", out)
    assert done.code == 0, done.err
    asked = sum(sizes)
    sizes.clear()
    whole = command_line(*command, "--json")
    assert json.loads(whole.out) == json.loads(out.read_text("utf-8"))
    assert asked == sum(sizes)
    assert list(tmp_path.glob("*responses*")) == []
