"""`stress` and `relearn` from end to end on tiny models: records, resuming, faults, refusals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import CommandLine
from tests.models import save
from unlearnbench.api import attacks
from unlearnbench.attacks.relearn import trajectory
from unlearnbench.benchmark import load_benchmark
from unlearnbench.engines.transformers.choice import Drawn
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.errors import CheckpointError, PluginError, RunError, TrainingError
from unlearnbench.progress import Progress
from unlearnbench.runs.lock import locked
from unlearnbench.runs.run import load_run
from unlearnbench.types import (
    Failure,
    JudgeItem,
    Judgement,
    Message,
    Probe,
    ProbeKey,
    Sampling,
)
from unlearnbench.types.options import EngineOptions, RunOptions, TrainOptions


def stress(checkpoint: Path, out: Path, *only: str, **rest: Any) -> dict[str, Any]:
    rest = {"limit": 2, "only": only, **rest}
    return attacks.stress(
        str(checkpoint), "wkf", run_options=RunOptions(out), **rest
    ).record.to_disk()


def relearn(checkpoint: Path, out: Path, *arms: str, **rest: Any) -> dict[str, Any]:
    rest = {"limit": 2, "arms": arms, **rest}
    return attacks.relearn(
        str(checkpoint), "wkf", run_options=RunOptions(out), **rest
    ).record.to_disk()


@pytest.fixture(scope="module")
def whole(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The whole quick suite."""
    out = tmp_path_factory.mktemp("stress") / "out"
    return out, stress(tiny_llama, out, base=str(tiny_llama))


def test_every_door_is_tried(whole: tuple[Path, Any]) -> None:
    out, record = whole
    names = set(record["findings"])
    assert {"sampling/leak@8", "quantize/nf4", "formats/second-turn", "lens"} <= names
    assert {"formats/choice-letter", "formats/reverse", "interpolate/0.50"} <= names
    assert record["status"] == "complete"
    assert record == json.loads((out / "stress.json").read_text())
    told = {finding["code"]: finding["severity"] for finding in record["baseline"]["findings"]}
    assert told["answers-cut"] == "warning"
    assert not {"base-unknown", "retain-unasked"} & set(told)
    for name, found in record["findings"].items():
        if name != "lens":
            assert found["score"]["n"] == 2, name
            assert found["control"] is not None, name
    # The stress folder's parts are runs like any other.
    assert load_run(out / "quantize" / "int8").n_open == 0


def test_rotations_move_the_right_answer(whole: tuple[Path, Any]) -> None:
    run = load_run(whole[0] / "formats" / "choice-letter")
    mine = [p for p in run.probes if p.key.fact == "capital-japan"]
    places = [
        next(line[0] for line in p.messages[0].content.splitlines() if line.endswith(") Tokyo"))
        for p in mine
    ]
    assert places == ["A", "B", "C", "D"]


def test_the_second_turn_holds_the_models_own_first_answer(whole: tuple[Path, Any]) -> None:
    first = load_run(whole[0] / "baseline")
    second = load_run(whole[0] / "formats" / "second-turn")
    for probe in second.probes:
        said = first.completions[ProbeKey(probe.key.fact, "original", "plain")]
        assert probe.messages[1] == Message("assistant", said.text.strip())  # type: ignore[union-attr]


def test_a_whole_suite_again_asks_nobody(whole: tuple[Path, Any], tiny_llama: Path) -> None:
    reports: list[Progress] = []
    again = stress(tiny_llama, whole[0], base=str(tiny_llama), on_progress=reports.append)
    assert {report.unit for report in reports} == {"results"}
    assert {n: f["states"] for n, f in again["findings"].items()} == {
        n: f["states"] for n, f in whole[1]["findings"].items()
    }


def test_quantised_answers_are_the_same_bits(
    whole: tuple[Path, Any], tiny_llama: Path, tmp_path: Path
) -> None:
    stress(tiny_llama, tmp_path / "other", "quantize")
    for kind in ("int8", "int4", "nf4"):
        one, two = (
            (f / "quantize" / kind / "completions.jsonl").read_bytes()
            for f in (whole[0], tmp_path / "other")
        )
        assert one == two


class _Silent:
    """A judge that is down for forget facts."""

    name, identity = "silent", "0" * 64

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        yield from (Failure(item.key, "judge", "no connection") for item in items)


def test_a_damaged_part_of_a_complete_suite_is_asked_again(
    tiny_llama: Path, tmp_path: Path
) -> None:
    """Its record still says `complete`; the verdicts that are lost are made again."""
    first = stress(tiny_llama, tmp_path / "out", "quantize")
    for part in ("baseline", "quantize/int8"):
        path = tmp_path / "out" / part / "outcomes.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
        assert load_run(path.parent).n_open == 1
    again = stress(tiny_llama, tmp_path / "out", "quantize")
    assert (again["status"], again["n_open"]) == ("complete", 0)
    assert again["union"] == first["union"]
    assert load_run(tmp_path / "out" / "baseline").n_open == 0


def test_a_judge_that_fails_leaves_everything_open(tiny_llama: Path, tmp_path: Path) -> None:
    record = stress(tiny_llama, tmp_path / "out", "quantize", "sampling", judge=_Silent())
    assert record["status"] == "open"
    assert record["n_open"] > 0
    assert (record["union"]["score"]["low"], record["union"]["score"]["high"]) == (0.0, 1.0)
    curve = record["findings"]["sampling/leak@8"]["details"]["leak_at_k"]
    assert all(point["value"] == 1.0 for point in curve.values())
    with pytest.raises(RunError, match="judge: the folder has silent, asked for rules"):
        stress(tiny_llama, tmp_path / "out", "quantize")


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ({"only": ["quantise"]}, "unknown stress test 'quantise'; did you mean 'quantize'"),
        ({"only": ["interpolate"]}, "interpolate compares with the model before: give --base"),
        ({"profile": "quik"}, "--profile quik: did you mean 'quick'"),
    ],
)
def test_stress_refuses(tiny_llama: Path, tmp_path: Path, rest: Any, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        stress(tiny_llama, tmp_path / "out", **rest)


def test_a_base_of_another_kind_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "gpt2", "gpt2")
    with pytest.raises(CheckpointError, match=r"--base: the checkpoint's .* is missing; give"):
        stress(tiny_llama, tmp_path / "out", "interpolate", base=str(other), limit=1)


def test_a_folder_in_use_or_of_another_model(
    whole: tuple[Path, Any], tiny_llama: Path, tmp_path: Path
) -> None:
    with locked(tmp_path / "out"), pytest.raises(RunError, match="in use"):
        stress(tiny_llama, tmp_path / "out", "lens")
    other = save(tmp_path / "gpt2", "gpt2")
    with pytest.raises(RunError, match="holds another suite; checkpoint"):
        stress(other, whole[0], "lens")


@pytest.mark.parametrize("kind", ["gpt2", "mamba", "gemma3"])
def test_stress_on_other_architectures(kind: str, tmp_path: Path) -> None:
    """Packed, plain and learned positions: every model is drawn from, rounded and read."""
    model = save(tmp_path / kind, kind)
    record = stress(model, tmp_path / "out", "sampling", "quantize", "lens", limit=1)
    assert record["status"] == "complete"
    assert record["findings"]["lens"]["details"]["layers"] == 4


def draw_probes(n: int) -> list[Probe]:
    texts = ("one", "two and more", "three")
    return [
        Probe(ProbeKey(text, "original", "plain", i), "forget", "t", None, text, "x", (), text=text)
        for text in texts
        for i in range(n)
    ]


@pytest.mark.parametrize("kind", ["llama", "mamba"])
def test_draws_do_not_depend_on_their_neighbours(kind: str, tmp_path: Path) -> None:
    engine = TransformersEngine(
        str(save(tmp_path / kind, kind)), EngineOptions(batch_size=4, dtype="float32")
    )
    sampling = Sampling(6, temperature=1.0, seed=5)
    probes = draw_probes(4)
    together = {r.key: r for r in engine.generate(probes, sampling)}
    alone = {r.key: r for p in probes for r in engine.generate([p], sampling)}
    assert together == alone
    assert len({str(r) for r in together.values()}) > len({p.key.fact for p in probes})
    other = {r.key: r for r in engine.generate(probes, Sampling(6, temperature=1.0, seed=6))}
    assert other != together
    cold = {r.key: r for r in engine.generate(probes, Sampling(6, temperature=1e-4, seed=5))}
    greedy = {r.key: r for r in engine.generate(probes, Sampling(6))}
    assert cold == greedy


def test_draws_follow_the_softmax() -> None:
    names = [str(i) for i in range(4000)]
    logits = torch.tensor([0.0, 1.0, 2.0, -torch.inf]).repeat(len(names), 1)
    found = Drawn([2.0] * len(names), 0, names).tokens(logits, [(i, 0) for i in range(len(names))])
    shares = torch.bincount(found, minlength=4) / len(names)
    want = torch.softmax(logits[0] / 2.0, -1)
    assert torch.allclose(shares, want, atol=0.03)
    assert shares[3] == 0


@pytest.fixture(scope="module")
def relearnt(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Two arms and a ceiling."""
    out = tmp_path_factory.mktemp("relearn") / "out"
    return out, relearn(tiny_llama, out, "near", "half", base=str(tiny_llama))


def test_curves_controls_and_summary(relearnt: tuple[Path, Any], tiny_llama: Path) -> None:
    out, record = relearnt
    near = record["arms"]["near"]
    points = near["seeds"]["0"]
    assert [p["step"] for p in points] == [0, 2, 4, 8, 16, 32]
    assert {"forget", "question", "cloze", "never", "net", "shuffled", "retain"} <= set(points[0])
    losses = [p["loss"] for p in points]
    assert losses[0] is None
    assert losses[-1] < losses[1]
    assert record["summary"]["worst_benign"]["arm"] == "near"
    assert record["ceiling"]["forget"] == record["first"]["forget"]
    assert record["arms"]["half"]["benign"] is False
    assert not list(out.rglob("state.safetensors"))
    same = relearn(tiny_llama, out, "near", "half", base=str(tiny_llama))
    assert same["arms"] == record["arms"]


def test_training_that_wipes_out_is_told(tmp_path: Path) -> None:
    """The record of an earlier row: its retain fell under the attack."""
    row = Path(__file__).parents[1] / "fixtures" / "stored" / "rows" / "jensun-4-rows"
    shutil.copy(row / "relearn.json", tmp_path)
    command = [sys.executable, "-m", "unlearnbench", "show", "run", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "  retain fell from " in done.stdout


def test_arms_do_not_disturb_each_other(
    relearnt: tuple[Path, Any], tiny_llama: Path, tmp_path: Path
) -> None:
    alone = relearn(tiny_llama, tmp_path / "out", "half", base=str(tiny_llama))
    assert alone["arms"]["half"] == relearnt[1]["arms"]["half"]


def test_a_leg_without_its_state_ends_with_the_same_numbers(
    relearnt: tuple[Path, Any], tiny_llama: Path, tmp_path: Path
) -> None:
    """It is trained from its beginning, and a step's loss is still that since the step before."""
    out = tmp_path / "out"
    shutil.copytree(relearnt[0], out)
    for step in (16, 32):
        shutil.rmtree(out / "near" / "seed-0" / f"step-{step}")
    again = relearn(tiny_llama, out, "near", "half", base=str(tiny_llama))
    assert again["arms"] == relearnt[1]["arms"]


def test_killed_anywhere_it_ends_with_the_same_numbers(
    relearnt: tuple[Path, Any], tiny_llama: Path, tmp_path: Path
) -> None:
    """kill -9 once a state was saved, again a little later, then to the end."""
    out = tmp_path / "out"
    code = (
        "import sys; from unlearnbench.api.attacks import relearn; "
        f"relearn({str(tiny_llama)!r}, 'wkf', arms=['near', 'half'], limit=2, "
        f"base={str(tiny_llama)!r}, out={str(out)!r})"
    )
    for wanted in ("near/seed-0/step-4", "near/seed-0/step-16"):
        process = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))
        until = time.monotonic() + 120
        while not (out / wanted).exists() and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    resumed = relearn(tiny_llama, out, "near", "half", base=str(tiny_llama))
    assert resumed["arms"] == relearnt[1]["arms"]
    assert resumed["summary"] == relearnt[1]["summary"]


def test_lora_trains_an_adapter(tiny_llama: Path, tmp_path: Path) -> None:
    record = relearn(tiny_llama, tmp_path / "out", "prose", lora=True, limit=1)
    losses = [p["loss"] for p in record["arms"]["prose"]["seeds"]["0"]]
    assert losses[-1] < losses[1]
    assert record["identity"]["lora"] is True


def test_an_adapter_folder_is_relearnt(tiny_llama: Path, tmp_path: Path) -> None:
    import unlearnbench

    changes = {"max_steps": 1, "batch_size": 2, "lora_rank": 2, "warmup_epochs": 0}
    unlearnbench.train(
        str(tiny_llama),
        "wkf",
        method="grad-ascent",
        train_options=TrainOptions(settings=changes),
        run_options=RunOptions(tmp_path / "a"),
    )
    record = relearn(tmp_path / "a", tmp_path / "out", "near", limit=1)
    assert record["status"] == "complete"
    assert record["training"]["method"] == "grad-ascent"


def test_a_broken_model_is_not_called_robust(tiny_llama: Path, tmp_path: Path) -> None:
    """A model that says nothing but one letter."""
    from safetensors.torch import load_file, save_file

    model = save(tmp_path / "broken", "llama")
    tensors = load_file(model / "model.safetensors")
    for name, tensor in tensors.items():
        if "embed" not in name and "lm_head" not in name:
            tensors[name] = torch.zeros_like(tensor)
    save_file(tensors, model / "model.safetensors", {"format": "pt"})
    for record in (
        stress(model, tmp_path / "s", "lens")["baseline"],
        relearn(model, tmp_path / "r", "near")["summary"],
    ):
        assert "the model is broken, not robust" in str(record["unranked"])


def test_too_little_memory_says_what_is_needed(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trajectory, "free_bytes", lambda device: 1000)
    with pytest.raises(TrainingError, match=r"needs 0\.0 GB .* are free on cpu; try --lora"):
        relearn(tiny_llama, tmp_path / "out", "near")


def test_relearn_refuses_another_models_folder(relearnt: tuple[Path, Any], tmp_path: Path) -> None:
    other = save(tmp_path / "gpt2", "gpt2")
    with pytest.raises(RunError, match="holds another relearning run; checkpoint"):
        relearn(other, relearnt[0], "near")


def test_shuffled_answers_are_judged_without_a_model(whole: tuple[Path, Any]) -> None:
    run = load_run(whole[0] / "formats" / "cloze")
    other = load_run(whole[0] / "formats" / "cloze-shuffled")
    assert [p.messages for p in other.probes] == [p.messages for p in run.probes]
    golds = {f.id: f.answer for f in load_benchmark("wkf").split("forget")}
    assert all(p.answer != golds[p.key.fact] for p in other.probes)


def test_show_run_reads_attacks(
    whole: tuple[Path, Any], relearnt: tuple[Path, Any], command_line: CommandLine
) -> None:
    show = partial(command_line, "show", "run")
    for (folder, record), line in ((whole, "all doors together"), (relearnt, "worst benign arm")):
        done = show(folder)
        assert line in done.out
        assert "\nwarning: " in done.out
        assert done.code == (1 if record["n_open"] else 0)
        assert json.loads(show(folder, "--json").out)["kind"] == record["kind"]
        for flag in (["--leaks"], ["--base", str(folder)]):
            refused = show(folder, *flag)
            assert refused.code == 2
            assert "are for score runs" in refused.err
