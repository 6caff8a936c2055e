"""`train` from end to end on tiny models: records, resuming, faults, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from safetensors.torch import load_file

import unlearnbench
from tests.conftest import CommandLine, write_benchmark
from tests.models import save
from tests.reliability.commands import Zygote
from unlearnbench.api.sweep import sweep
from unlearnbench.errors import RunError, TrainingError, UnlearnbenchError
from unlearnbench.progress import OnProgress, Progress, ignore
from unlearnbench.runs.lock import locked
from unlearnbench.training.record import read_record
from unlearnbench.types.options import RunOptions, TrainOptions

FIXTURE = Path(__file__).parents[1] / "fixtures" / "unlearnbench-flip"
QUICK: dict[str, Any] = {"max_steps": 4, "batch_size": 2, "lr": 1e-3, "warmup_epochs": 0}


@pytest.fixture
def flip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The third-party package, as an installer leaves it."""
    info = tmp_path / "site" / "unlearnbench_flip-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: unlearnbench-flip\nVersion: 0.1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[unlearnbench.methods]\nflip = unlearnbench_flip:Flip\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.syspath_prepend(str(FIXTURE))


def train(base: Path, data: Path, out: Path, method: str = "jensun", **changes: Any) -> Any:
    return unlearnbench.train(
        str(base),
        str(data),
        method=method,
        train_options=TrainOptions(settings={**QUICK, **changes}),
        run_options=RunOptions(out),
    )


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_train_then_score(tiny_llama: Path, benchmark_folder: Path, tmp_path: Path) -> None:
    """The checkpoint scores, and the run knows how the checkpoint came about."""
    trained = train(tiny_llama, benchmark_folder, tmp_path / "out")
    record = read_record(tmp_path / "out")
    assert record == trained.record
    assert record is not None
    assert record.steps == 4
    assert [entry["step"] for entry in record.curves] == [1, 2, 3, 4]
    assert all({"loss", "forget", "retain", "p_refusal"} <= set(e) for e in record.curves)
    assert record.curves[0]["retain"] == pytest.approx(0, abs=1e-6)  # it is its reference still
    first = record.curves[0]
    assert first["loss"] == pytest.approx(0.5 * first["forget"] + 0.5 * first["retain"], rel=1e-4)
    assert record.peak_memory > 10**8
    assert not (tmp_path / "out" / ".training").exists()
    run = unlearnbench.score(
        str(tmp_path / "out"),
        str(benchmark_folder),
        profile="quick",
        run_options=RunOptions(tmp_path / "run"),
    )
    assert run.record.training is not None
    assert run.record.training.method == "jensun"
    assert run.record.training.same_data
    assert run.n_open == 0


def test_the_same_call_again_does_nothing(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    first = train(tiny_llama, benchmark_folder, tmp_path / "out")
    before = digest(tmp_path / "out")
    assert train(tiny_llama, benchmark_folder, tmp_path / "out").record == first.record
    assert digest(tmp_path / "out") == before
    with pytest.raises(TrainingError, match=r"another training; lr: the folder has 0\.001"):
        train(tiny_llama, benchmark_folder, tmp_path / "out", lr=2e-3)


class Killed(Exception):
    pass


def test_a_training_of_before_there_was_more_to_set_is_the_same_one(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    """A stored record without the later settings and parameters is known again by the same call;
    where one of them changes what is trained, it is another training.
    """
    out = tmp_path / "out"
    before = train(tiny_llama, benchmark_folder, out, "simnpo")
    path = out / "unlearning.json"
    stored = json.loads(path.read_text("utf-8"))
    assert stored["settings"].pop("questions") == "all"
    assert stored["parameters"].pop("delta") == 0.0
    path.write_text(json.dumps(stored))
    again = train(tiny_llama, benchmark_folder, out, "simnpo")
    assert again.record.created == before.record.created
    with pytest.raises(TrainingError, match="another training; parameter delta"):
        train(tiny_llama, benchmark_folder, out, "simnpo", delta=0.2)


@pytest.mark.parametrize("method", ["jensun", "npo"])
def test_an_interrupted_run_ends_with_the_same_weights(
    method: str, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    settings = {**QUICK, "max_steps": 6, "save_every": 2, "accumulation": 2, "icr_share": 0.0}

    def fall(progress: Progress) -> None:
        if progress.done == 5:
            raise Killed

    def go(out: Path, on_progress: OnProgress = ignore) -> Any:
        return unlearnbench.train(
            str(tiny_llama),
            str(benchmark_folder),
            method=method,
            train_options=TrainOptions(settings=settings),
            run_options=RunOptions(out),
            on_progress=on_progress,
        )

    whole = go(tmp_path / "whole")
    with pytest.raises(Killed):
        go(tmp_path / "cut", fall)
    assert not (tmp_path / "cut" / "unlearning.json").exists()
    resumed = go(tmp_path / "cut")
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")
    assert len(resumed.record.curves) == 6
    for entry, expected in zip(resumed.record.curves, whole.record.curves, strict=True):
        assert entry["forget"] == expected["forget"]


def test_a_killed_process_is_taken_up(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, zygote: Zygote
) -> None:
    """SIGKILL after a checkpoint; the same command ends with the weights of a run left alone."""
    words = ["train", "--base", str(tiny_llama), "--benchmark", str(benchmark_folder), "-q"]
    words += ["--max-steps", "40", "--epochs", "40", "--set", "save_every=2", "--lr", "1e-3"]
    out, saved = tmp_path / "cut", "cut/.training/checkpoint-*/trainer_state.json"
    code, told = zygote.run([*words, "--out", str(out)], tmp_path, kill_after=0, once=saved)
    assert code == -signal.SIGKILL, told
    assert list(tmp_path.glob(saved))
    assert not (out / "unlearning.json").exists()
    for folder in (out, tmp_path / "whole"):
        code, told = zygote.run([*words, "--out", str(folder)], tmp_path)
        assert code == 0, told
    assert digest(out) == digest(tmp_path / "whole")


def test_lora_writes_an_adapter_that_scores(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    train(tiny_llama, benchmark_folder, tmp_path / "out", lora_rank=4)
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()
    assert not (tmp_path / "out" / "model.safetensors").exists()
    run = unlearnbench.score(
        str(tmp_path / "out"),
        str(benchmark_folder),
        limit=1,
        run_options=RunOptions(tmp_path / "run"),
    )
    assert run.n_open == 0


def test_finetune_stops_before_certainty(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    changes = {"max_steps": 0, "epochs": 400, "lr": 3e-3, "stop_loss": 0.5}
    record = train(tiny_llama, benchmark_folder, tmp_path / "out", "finetune", **changes).record
    assert record.stopped == "stop_loss"
    assert record.steps < 800
    last_epoch = [entry["forget"] for entry in record.curves[-2:]]
    assert sum(last_epoch) / 2 < 0.5


def test_task_vector_walks_the_other_way(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    """θ = θ_0 − α (θ_ft − θ_0): with α = −1 it is the fine-tuned model, with 1 its mirror image."""
    for alpha in (-1, 1):
        train(tiny_llama, benchmark_folder, tmp_path / str(alpha), "task-vector", alpha=alpha)
    base = load_file(tiny_llama / "model.safetensors")
    tuned = load_file(tmp_path / "-1" / "model.safetensors")
    mirrored = load_file(tmp_path / "1" / "model.safetensors")
    for name, weight in base.items():
        torch.testing.assert_close(mirrored[name] - weight, weight - tuned[name], atol=1e-6, rtol=0)


def test_a_nan_loss_stops_and_keeps_the_last_checkpoint(
    flip: None, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(TrainingError) as caught:
        train(tiny_llama, benchmark_folder, out, "flip", break_at=3, save_every=2)
    told = str(caught.value)
    assert "step 4: the loss is nan" in told
    assert "forget-" in told
    assert f"the last good checkpoint is {out / '.training' / 'checkpoint-2'}" in told
    assert load_file(out / ".training" / "checkpoint-2" / "model.safetensors")
    assert not (out / "unlearning.json").exists()


def test_a_third_party_method_trains(
    flip: None, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    record = train(tiny_llama, benchmark_folder, tmp_path / "out", "flip").record
    assert record.parameters == {"break_at": -1}
    assert [entry["step"] for entry in record.curves] == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_third_party_package_installs(tmp_path: Path) -> None:
    """The package under tests/fixtures, through pip, is found by the command line."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(FIXTURE)], check=True)
    command = [sys.executable, "-m", "unlearnbench", "show", "plugins"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert "flip" in done.stdout
    assert "unlearnbench-flip" in done.stdout


def shared_fact(data: Path) -> None:
    rows = (data / "forget.jsonl").read_text("utf-8").splitlines()
    row = {**json.loads(rows[0]), "id": "twin", "tier": "topic"}
    row["paraphrases"] = [{**p, "text": f"{p['text']} Well?"} for p in row["paraphrases"][:6]]
    with (data / "retain.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def empty_split(data: Path) -> None:
    (data / "retain.jsonl").write_text("", "utf-8")


@pytest.mark.parametrize(
    ("spoil", "changes", "told"),
    [
        (shared_fact, {}, "retain-equals-forget: twin"),
        (empty_split, {}, "retain"),
        (None, {"refusal": ""}, "has no token"),
        (None, {"max_length": 20}, "nothing of its answer fits into max_length 20"),
        (None, {"lamda_r": 1}, "did you mean 'lambda_r'"),
        (None, {"layout": "sideways"}, "one of gold-slots, refusal, both"),
        (None, {"lr": 0}, "lr = 0"),
        (None, {"batch_size": "two"}, "must be of type int"),
        (None, {"icr_share": 2}, "must lie in 0 … 1"),
        (None, {"icr_share": 1, "retain_batch_size": 5}, "too few retain facts"),
    ],
)
def test_what_it_refuses(
    spoil: Any, changes: dict[str, Any], told: str, tiny_llama: Path, tmp_path: Path
) -> None:
    data = write_benchmark(tmp_path / "data")
    if spoil is not None:
        spoil(data)
    with pytest.raises(UnlearnbenchError) as caught:
        train(tiny_llama, data, tmp_path / "out", **changes)
    assert told in str(caught.value)


def test_a_cut_answer_is_told(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A row whose answer is cut still trains, and the log names it."""
    caplog.set_level(logging.INFO, "unlearnbench")  # a quiet command may have raised it
    train(tiny_llama, benchmark_folder, tmp_path / "out", "grad-ascent", max_length=55)
    assert "its answer is cut to" in caplog.text


def test_an_output_folder_in_use(tiny_llama: Path, benchmark_folder: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "out"), pytest.raises(RunError, match="in use by another process"):
        train(tiny_llama, benchmark_folder, tmp_path / "out")


def test_an_output_folder_with_something_else(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("draft")
    with pytest.raises(TrainingError, match=r"thesis\.tex and no training of ours"):
        train(tiny_llama, benchmark_folder, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.tex").read_text() == "draft"


@pytest.mark.parametrize("tied", [True, False])
def test_tied_and_untied_heads(tied: bool, benchmark_folder: Path, tmp_path: Path) -> None:
    """The reference keeps a head of its own, so the first step's retain loss is 0 either way."""
    base = save(tmp_path / "base", "llama")
    config = json.loads((base / "config.json").read_text())
    config["tie_word_embeddings"] = tied
    (base / "config.json").write_text(json.dumps(config))
    record = train(base, benchmark_folder, tmp_path / "out").record
    assert record.curves[0]["retain"] == pytest.approx(0, abs=1e-6)
    assert record.curves[-1]["retain"] > 1e-5


@pytest.mark.parametrize("name", ["activation_checkpointing", "gradient_checkpointing"])
def test_activations_are_checkpointed_under_the_name_that_transformers_has(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlearnbench.training import arguments

    fields = {"output_dir": str, name: bool}
    monkeypatch.setattr(arguments, "TrainingArguments", make_dataclass("Known", fields.items()))
    assert arguments._checkpointing(True) == {name: True}
    monkeypatch.undo()
    assert arguments.TrainingArguments(output_dir="x", **arguments._checkpointing(True))


@pytest.mark.parametrize(
    ("optim", "missing", "told"),
    [
        ("paged_adamw_8bit", "bitsandbytes", r"pip install 'unlearnbench\[bitsandbytes\]'"),
        ("adamw_8bit", "bitsandbytes", r"pip install 'unlearnbench\[bitsandbytes\]'"),
        ("adamw_torch_8bit", "torchao", r"pip install 'unlearnbench\[torchao\]'"),
        ("adamw_9bit", None, "did you mean 'adamw_8bit'"),
        ("lomo", None, "no such optimiser"),
    ],
    ids=["paged", "8-bit", "torchao", "misspelt", "steps-inside-backward"],
)
def test_an_optimiser_that_cannot_be_had(
    optim: str,
    missing: str | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tiny_llama: Path,
    benchmark_folder: Path,
    tmp_path: Path,
) -> None:
    if missing is not None:
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UnlearnbenchError, match=told):
        train(tiny_llama, benchmark_folder, tmp_path / "out", optim=optim)
    assert not (tmp_path / "out").exists()


def test_another_optimiser_is_another_training(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    first = train(tiny_llama, benchmark_folder, tmp_path / "out").record
    again = train(tiny_llama, benchmark_folder, tmp_path / "out", optim="auto").record
    assert again == first
    with pytest.raises(TrainingError, match="another training; optim"):
        train(tiny_llama, benchmark_folder, tmp_path / "out", optim="adafactor")
    other = train(tiny_llama, benchmark_folder, tmp_path / "other", optim="adafactor").record
    assert other.settings["optim"] == "adafactor"
    assert digest(tmp_path / "other") != digest(tmp_path / "out")


def test_a_stall_is_told(tiny_llama: Path, benchmark_folder: Path, tmp_path: Path) -> None:
    """A model taught its answers to certainty gives the refusal no gradient; KL steps do."""
    taught = tmp_path / "taught"
    sure = {"epochs": 75, "max_steps": 150, "lr": 3e-3, "stop_loss": 0}
    train(tiny_llama, benchmark_folder, taught, "finetune", **sure)
    steps = {"epochs": 20, "max_steps": 40, "lr": 3e-4}
    faithful = train(taught, benchmark_folder, tmp_path / "a", **steps).record
    warmed = train(taught, benchmark_folder, tmp_path / "b", **steps, warmup_kl_steps=20).record
    assert any("stalled" in note and "warmup_kl_steps" in note for note in faithful.notes)
    assert not any("stalled" in note for note in warmed.notes)
    assert warmed.curves[-1]["p_refusal"] > 10 * faithful.curves[-1]["p_refusal"]


def test_sweep(tiny_llama: Path, benchmark_folder: Path, tmp_path: Path) -> None:
    swept = sweep(
        str(tiny_llama),
        "lambda_r",
        ["0.1", "1"],
        str(benchmark_folder),
        profile="quick",
        train_options=TrainOptions(settings=QUICK),
        run_options=RunOptions(tmp_path / "sweep"),
    )
    assert list(swept.to_pandas()["value"]) == ["base", "0.1", "1"]
    assert [point.value for point in swept.points] == ["base", "0.1", "1"]
    table = (tmp_path / "sweep" / "tradeoff.csv").read_text().splitlines()
    assert table[0].startswith("setting,value,worst_case,retain,fluency")
    assert len(table) == 4
    drawn = ElementTree.parse(tmp_path / "sweep" / "tradeoff.svg").getroot()
    assert {"lambda_r=0.1", "lambda_r=1", "before training"} <= {node.text for node in drawn.iter()}


def test_the_command(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    words = ["train", "--base", str(tiny_llama), "--benchmark", str(benchmark_folder)]
    words += ["--max-steps", "2", "--set", "layout=both", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "unlearnbench", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout)
    assert shown["parameters"]["layout"] == "both"
    assert shown["steps"] == 2
    bad = command_line(*words, "--json", "--set", "layout")
    assert bad.code == 2
    assert bad.err.strip() == "unlearnbench: --set layout: give NAME=VALUE"
