"""`--dry-run`: plans of whole commands, from files that hold no weights at all."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_checkpoints import COMMIT, Hub
from tests.loopback import serving
from unlearnbench.checkpoints.outline import outline_of
from unlearnbench.cli.main import app
from unlearnbench.errors import CheckpointError, UnlearnbenchError

EIGHT = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}


@pytest.fixture
def config_alone(tmp_path: Path) -> Path:
    """A folder with the config.json of an 8B model and nothing else."""
    folder = tmp_path / "eight"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(EIGHT))
    return folder


@pytest.fixture
def dry(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """The plan that a command prints."""

    def call(*words: str) -> dict[str, Any]:
        app([*words, "--dry-run", "--json", "--quiet"], standalone_mode=False)
        plan = json.loads(capsys.readouterr().out)
        plan["of"] = {figure["name"]: figure for figure in plan["figures"]}
        return plan

    return call


def test_a_folder_with_config_json_alone_can_be_planned(
    config_alone: Path, dry: Callable[..., dict[str, Any]]
) -> None:
    plan = dry("score", str(config_alone), "--on", "h100", "--limit", "4")
    assert plan["fits"]
    assert plan["of"]["weights"]["value"] == 8_030_261_248
    assert plan["of"]["weights"]["kind"] == "estimate"
    assert plan["of"]["prompt tokens"]["kind"] == "estimate"
    assert any("no weights in the folder" in note for note in plan["notes"])


def test_headers_and_the_models_own_tokenizer_are_counted(
    tiny_llama: Path, dry: Callable[..., dict[str, Any]]
) -> None:
    plan = dry("score", str(tiny_llama), "--on", "l4", "--limit", "2", "--price", "36")
    kinds = {name: plan["of"][name]["kind"] for name in ("weights", "prompts", "prompt tokens")}
    assert set(kinds.values()) == {"counted"}
    hours = plan["of"]["time"]["value"] / 3600
    assert plan["of"]["money"]["value"] == pytest.approx(36 * hours)
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(tiny_llama)
    assert plan["of"]["weights"]["value"] == model.num_parameters()


def test_no_figure_is_without_its_kind(
    tiny_llama: Path, dry: Callable[..., dict[str, Any]]
) -> None:
    for words in (
        ["score", str(tiny_llama), "--limit", "1", "--on", "cpu"],
        ["train", "--base", str(tiny_llama), "--max-steps", "3", "--on", "2xh100"],
        ["relearn", str(tiny_llama), "--limit", "1", "--on", "h100"],
        ["stress", str(tiny_llama), "--limit", "1", "--on", "h100"],
    ):
        plan = dry(*words)
        assert {f["kind"] for f in plan["figures"]} <= {"measured", "counted", "estimate", "listed"}
        worked_out = [plan["of"][name] for name in ("time", "peak memory")]
        assert {figure["kind"] for figure in worked_out} == {"estimate"}
        there = plan["of"]["memory there"]["kind"]
        assert there == ("measured" if "cpu" in words else "listed")


def test_training_steps_are_those_of_the_schedule_and_rise_with_the_rows(
    tiny_llama: Path, dry: Callable[..., dict[str, Any]]
) -> None:
    def train(*more: str) -> dict[str, Any]:
        plan: dict[str, Any] = dry("train", "--base", str(tiny_llama), "--on", "h100", *more)
        return plan["of"]

    few, more = train("--max-steps", "3"), train("--max-steps", "6", "--batch-size", "8")
    assert few["steps"]["value"] == 3
    assert more["steps"]["value"] == 6
    assert more["trained tokens"]["value"] > 3 * few["trained tokens"]["value"]
    assert "reference" in few
    assert "reference" not in train("--max-steps", "3", "--method", "grad-ascent")
    assert (
        train("--max-steps", "3", "--lora", "4")["optimiser"]["value"] < (few["optimiser"]["value"])
    )


def test_attacks_count_their_arms_seeds_and_tests(
    tiny_llama: Path, dry: Callable[..., dict[str, Any]]
) -> None:
    def relearn(*more: str) -> float:
        of = dry("relearn", str(tiny_llama), "--on", "h100", "--limit", "1", *more)["of"]
        return float(of["steps"]["value"])

    assert relearn() == 32
    assert relearn("--arm", "near", "--arm", "retain") == 64
    assert relearn("--profile", "full", "--arm", "near") == 3 * 256

    def stress(*more: str) -> float:
        of = dry("stress", str(tiny_llama), "--on", "h100", "--limit", "1", *more)["of"]
        return float(of["prompts"]["value"])

    baseline = stress("--only", "lens")
    assert stress("--only", "quantize") == 4 * baseline
    assert stress("--only", "interpolate", "--base", "x") == 5 * baseline


def test_what_does_not_fit_says_so_and_what_would(
    config_alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--base", str(config_alone), "--on", "h100", "--max-steps", "2"]
    app([*words, "--dry-run", "--quiet"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "it does not fit (estimate)" in out
    assert "sharded (FSDP)" in out
    assert "an adapter" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "h10"], "did you mean 'h100'"),
        (["--price", "-1"], "--price -1"),
        (["--engine", "endpoint"], "only engine transformers"),
        (["--judge", "gemni"], "did you mean 'gemini'"),
    ],
    ids=["machine", "price", "engine", "judge"],
)
def test_what_cannot_be_planned(words: list[str], said: str, tiny_llama: Path) -> None:
    with pytest.raises(UnlearnbenchError) as caught:
        app(["score", str(tiny_llama), "--dry-run", *words], standalone_mode=False)
    assert said in str(caught.value)


def test_a_folder_without_a_config_and_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        outline_of(str(tmp_path))
    with pytest.raises(CheckpointError, match="smollm2-135m"):
        outline_of("smollm2-135n")
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="not an object"):
        outline_of(str(tmp_path))
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + b"\0" * 40)
    with pytest.raises(CheckpointError, match="cannot be read as GGUF"):
        outline_of(str(tmp_path / "bad.gguf"))


def test_an_adapter_is_its_base_and_quantised_weights_are_as_large_as_they_lie(
    tiny_llama: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    named = {"base_model_name_or_path": str(tiny_llama)}
    (adapter / "adapter_config.json").write_text(json.dumps(named))
    (adapter / "adapter_model.safetensors").write_bytes(safetensors({"a": ("F32", [2, 2])}))
    base, found = outline_of(str(tiny_llama)), outline_of(str(adapter))
    assert found.weights == base.weights
    assert found.adapters == (adapter,)

    packed = tmp_path / "packed"
    shutil.copytree(tiny_llama, packed)
    config = json.loads((packed / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (packed / "config.json").write_text(json.dumps(config))
    tensors = {"w": ("I32", [8, 8]), "s": ("F16", [8]), "b": ("U8", [3])}
    (packed / "model.safetensors").write_bytes(safetensors(tensors))
    outline = outline_of(str(packed))
    assert outline.quantised == "gptq"
    assert outline.weights is None
    assert outline.stored_bytes == 4 * 64 + 2 * 8 + 3


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """A file of zeros."""
    widths = {"F32": 4, "I32": 4, "F16": 2, "U8": 1}
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = widths[dtype]
        for side in shape:
            size *= side
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


CODE = """
import sys
from unlearnbench.checkpoints.outline import outline_of
from unlearnbench.errors import CheckpointError
try:
    found = outline_of(sys.argv[1])
    print(found.weights, found.stored_bytes, sorted(p.name for p in found.folder.iterdir()))
except CheckpointError as error:
    print("REFUSED", error)
"""


class Ranged(Hub):
    """The hub, which also gives a part of a file, and counts the bytes of weights it gave."""

    given = 0

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        name = self.path.split("?")[0].rpartition("/")[2]
        if (
            not name.endswith(".safetensors")
            or self.command == "HEAD"
            or "/owner/small" not in (self.path)
        ):
            return super().do_GET()
        content = self.files[name]
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            content = content[int(first) : int(last) + 1 if last else None]
        Ranged.given += len(content)
        self._answer(206 if wanted else 200, content, {"X-Repo-Commit": COMMIT})


@pytest.fixture
def hub(tiny_llama: Path) -> Iterator[str]:
    Hub.files = {p.name: p.read_bytes() for p in tiny_llama.iterdir()}
    Hub.files["model.safetensors"] += b""
    Ranged.given = 0
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Ranged)) as address:
        yield address


def ask(name: str, hub: str, home: Path) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    clean |= {"HF_HOME": str(home), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", CODE, name]
    done = subprocess.run(command, capture_output=True, text=True, env=clean)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_of_the_hub_only_config_and_headers_are_read(
    hub: str, tiny_llama: Path, tmp_path: Path
) -> None:
    local = outline_of(str(tiny_llama))
    found = ask("owner/small", hub, tmp_path)
    assert found == f"{local.weights} {local.stored_bytes} ['config.json']"
    assert 0 < Ranged.given <= 200_000  # a first piece, which holds the header
    assert "REFUSED" in ask("owner/small", "http://127.0.0.1:9", tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("owner/gated", "its owner gives it only to those who accepted its licence"),
        ("owner/private", "there is no such repository there, or it is private"),
        ("owner/down", "cannot be"),
        ("owner/small@nowhere", "no such revision"),
    ],
    ids=["gated", "private", "down", "revision"],
)
def test_what_the_hub_refuses(name: str, said: str, hub: str, tmp_path: Path) -> None:
    line = ask(name, hub, tmp_path)
    assert line.startswith("REFUSED")
    assert said in line


@pytest.mark.model
def test_the_tables_of_scale_md_are_those_of_the_cost_model() -> None:
    perf = Path(__file__).parents[2] / "perf"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import scale_table; print(scale_table.text())"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code, str(perf)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    page = (perf.parent / "docs" / "SCALE.md").read_text("utf-8")
    assert done.stdout.strip() in page, "run `python perf/scale_table.py`"
    assert "**The others are estimates" in page


def test_a_paid_judge_is_in_the_plan(
    tiny_llama: Path, dry: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)

    def planned(command: str, *more: str) -> dict[str, Any]:
        return dry(command, str(tiny_llama), "--on", "h100", "--limit", "2", *more)

    # Two forget facts and two retain facts: a call each.
    of = planned("score", "--judge", "gemini")["of"]
    assert of["calls of the judge"]["value"] == 4
    tokens, price = of["tokens of the judge"]["value"], of["money for the judge"]["value"]
    assert 0.30 * tokens < price * 1e6 < 2.50 * tokens
    twice = planned("score", "--judge", "gemini", "--benchmark", "wkf", "--benchmark", "lkf")["of"]
    assert twice["calls of the judge"]["value"] == 8

    # Before and after 32 steps with points between: every point is judged anew.
    points = planned("relearn", "--judge", "gemini")["of"]["calls of the judge"]["value"]
    more = planned("relearn", "--judge", "gemini", "--arm", "near", "--arm", "disjoint")["of"]
    assert more["calls of the judge"]["value"] > points
    assert "money for the judge" in planned("stress", "--judge", "gemini")["of"]


def test_a_judge_without_a_price_is_named_and_one_without_calls_is_not(
    tiny_llama: Path, dry: Callable[..., dict[str, Any]]
) -> None:
    free = dry("stress", str(tiny_llama), "--on", "h100", "--limit", "1")
    assert not any("judge" in name for name in free["of"])
    plan = dry("stress", str(tiny_llama), "--on", "h100", "--limit", "1", "--judge", "openai:x")
    assert "money for the judge" not in plan["of"]
    said = [note for note in plan["notes"] if "openai:x" in note]
    assert said == ["judge openai:x: neither its time nor its price is in the plan"]


def test_an_unreadable_tokenizer_is_named(
    tiny_llama: Path, tmp_path: Path, dry: Callable[..., dict[str, Any]]
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_llama, damaged)
    (damaged / "tokenizer.json").write_text("{")
    plan = dry("score", str(damaged), "--on", "h100", "--limit", "1")
    assert plan["of"]["prompt tokens"]["kind"] == "estimate"
    assert any("its tokenizer cannot be read" in note for note in plan["notes"])
