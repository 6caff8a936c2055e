"""Every kind of checkpoint a user can name, whole and damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from tests import models
from tests.conftest import CommandLine
from tests.loopback import serving
from unlearnbench.checkpoints.aliases import ALIASES
from unlearnbench.checkpoints.gguf import dequantised
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.errors import CheckpointError
from unlearnbench.types import Completion, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def make_adapter(base: Path, folder: Path) -> Path:
    """A LoRA adapter on `base` that changes what it says."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base)
    lora = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"]))
    with torch.no_grad():
        for name, parameter in lora.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5)
    lora.save_pretrained(folder)
    return folder


def said(checkpoint: Path) -> list[str]:
    engine = TransformersEngine(str(checkpoint), EngineOptions(dtype="float32"))
    probes = [
        Probe(
            key=ProbeKey(f"fact-{number}", "original", "plain"),
            split="forget",
            topic="t",
            tier=None,
            question="q",
            answer="a",
            aliases=(),
            text=f"{number} bottles of beer",
        )
        for number in range(4)
    ]
    found = {r.key: r for r in engine.generate(probes, Sampling(12))}
    results = [found[p.key] for p in probes]
    return [r.text for r in results if isinstance(r, Completion)]


def test_an_adapter_is_merged_into_the_base_it_names(tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = models.save(tmp_path / "base", "llama")
    adapter = make_adapter(base, tmp_path / "adapter")
    whole = tmp_path / "merged"
    shutil.copytree(base, whole)
    merged = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    merged.merge_and_unload().save_pretrained(whole)  # type: ignore[operator]
    assert said(adapter) == said(whole) != said(base)
    found = resolve(str(adapter))
    assert found.adapters == (adapter,)
    assert "adapter on base" in (found.note or "")
    others = {resolve(str(base)).fingerprint, resolve(str(whole)).fingerprint}
    assert found.fingerprint not in others


def test_an_adapter_without_its_base_is_refused(tmp_path: Path) -> None:
    base = models.save(tmp_path / "base", "llama")
    adapter = make_adapter(base, tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    for named, told in ((None, "empty"), (str(tmp_path / "gone"), "no checkpoint")):
        config["base_model_name_or_path"] = named
        (adapter / "adapter_config.json").write_text(json.dumps(config))
        with pytest.raises(CheckpointError, match=told):
            resolve(str(adapter))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = models.save(tmp_path / "model", "llama")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="model-00002-of-00002"):
        resolve(str(folder))


INDEXES: dict[str, tuple[object, str]] = {
    "a list": ([], "a JSON list"),
    "no map": ({}, "no weight_map"),
    "a map that is a list": ({"weight_map": ["a"]}, "no weight_map"),
    "a file that is a number": ({"weight_map": {"a": 5}}, "no file name in this folder"),
    "a file elsewhere": ({"weight_map": {"a": "../model.safetensors"}}, "no file name"),
    "a file from the root": ({"weight_map": {"a": "/etc/hosts"}}, "no file name"),
    "a pickle": ({"weight_map": {"a": "model.bin"}}, "not safetensors"),
    "a tensor that is not there": ({"weight_map": {"a": "model.safetensors"}}, "shard lacks: a"),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_an_odd_weight_index_is_refused(kind: str, tiny_llama: Path, tmp_path: Path) -> None:
    index, told = INDEXES[kind]
    folder = shutil.copytree(tiny_llama, tmp_path / "model")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=told):
        resolve(str(folder))
    (folder / "model.safetensors.index.json").write_text("[" * 50_000)
    with pytest.raises(CheckpointError, match="nested too deeply"):
        resolve(str(folder))


@pytest.fixture
def sharded(tiny_llama: Path, tmp_path: Path) -> Path:
    """The tiny Llama in several shards."""
    from transformers import AutoModelForCausalLM

    folder = shutil.copytree(tiny_llama, tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    model = AutoModelForCausalLM.from_pretrained(tiny_llama)
    model.save_pretrained(folder, max_shard_size="100KB")
    return folder


def test_shards_say_what_one_file_says(sharded: Path, tiny_llama: Path) -> None:
    assert len(list(sharded.glob("model-*"))) > 2
    assert said(sharded) == said(tiny_llama)


def test_shards_and_index_must_name_the_same_tensors(sharded: Path, tiny_llama: Path) -> None:
    path = sharded / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    weight_map = index["weight_map"]
    last = max(weight_map.values())
    for change, told in (
        ({"model.norm.weight": min(weight_map.values())}, r"shard lacks: model\.norm"),
        ({"model.norm.weight": None}, r"does not name there: model\.norm"),
        ({n: None for n, file in weight_map.items() if file == last}, f"no index names {last}"),
    ):
        changed = {n: f for n, f in {**weight_map, **change}.items() if f is not None}
        path.write_text(json.dumps({**index, "weight_map": changed}))
        with pytest.raises(CheckpointError, match=told):
            resolve(str(sharded))
    path.write_text(json.dumps(index))
    shutil.copy(tiny_llama / "model.safetensors", sharded)
    with pytest.raises(CheckpointError, match="holds two models"):
        resolve(str(sharded))


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("model.safetensors", "adapter_model.safetensors", "half an adapter"),
        ("model.safetensors", "model-00002-of-00002.safetensors", "no index names"),
    ],
)
def test_weights_that_nothing_would_load_are_refused(
    source: str, target: str, told: str, tiny_llama: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "model")
    shutil.copy(folder / source, folder / target)
    with pytest.raises(CheckpointError, match=told):
        resolve(str(folder))


def test_weights_under_another_name_are_refused(tiny_llama: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"only weights\.safetensors"):
        resolve(str(folder))


def test_a_whole_model_and_an_adapter_in_one_folder_are_refused(
    tiny_llama: Path, tmp_path: Path
) -> None:
    adapter = make_adapter(tiny_llama, tmp_path / "adapter")
    shutil.copy(tiny_llama / "model.safetensors", adapter)
    with pytest.raises(CheckpointError, match="a whole model and an adapter"):
        resolve(str(adapter))


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("../base", "../base"),
        ("base", "../base"),
        ("/moved/away/base", "../base"),
        ("C:\\models\\base", "../base"),
        ("somebody/base", "../base"),
    ],
)
def test_a_moved_base_is_found_beside_the_adapter_and_named(
    named: str,
    place: str,
    tiny_llama: Path,
    tmp_path: Path,
    offline: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "else" / "where").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "else" / "where")  # with no ../base
    shutil.copytree(tiny_llama, tmp_path / "base")
    adapter = make_adapter(tiny_llama, tmp_path / "adapter")
    expected = resolve(str(adapter))
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = named
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    found = resolve(str(adapter))
    assert (found.folder / "model.safetensors").samefile(tmp_path / "base" / "model.safetensors")
    assert f"base {named} found at {place} from the adapter" in (found.note or "")
    assert found.adapters == expected.adapters


def test_adapters_that_stand_on_each_other_are_refused(tiny_llama: Path, tmp_path: Path) -> None:
    one = make_adapter(tiny_llama, tmp_path / "one")
    two = shutil.copytree(one, tmp_path / "two")
    for adapter, base in ((one, "../two"), (two, "../one")):
        config = json.loads((adapter / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = base
        (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="its base is not there"):
        resolve(str(one))
    config["base_model_name_or_path"] = str(one)  # its own
    (one / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"its base is not there: .* stands on itself"):
        resolve(str(one))


def test_the_fingerprint_is_that_of_the_contents(tmp_path: Path) -> None:
    one = models.save(tmp_path / "one", "llama")
    two = tmp_path / "two"
    shutil.copytree(one, two)
    (two / "README.md").write_text("a card decides nothing")
    os.utime(two / "model.safetensors", (0, 0))
    assert resolve(str(one)).fingerprint == resolve(str(two)).fingerprint
    weights = bytearray((two / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (two / "model.safetensors").write_bytes(weights)
    assert resolve(str(one)).fingerprint != resolve(str(two)).fingerprint


@pytest.mark.parametrize("name", ["smollm2-135", "Smollm2-135m"])
def test_an_unknown_alias_gets_the_nearest(name: str) -> None:
    with pytest.raises(CheckpointError, match="did you mean 'smollm2-135m'"):
        resolve(name)


def test_a_hub_id_without_a_network_says_what_else_can_be_given(offline: None) -> None:
    with pytest.raises(CheckpointError, match=r"somebody/model: .*a local folder"):
        resolve("somebody/model")


class Hub(BaseHTTPRequestHandler):
    """A hub with one small model, one behind a licence, one that is private, one that is shut."""

    files: ClassVar[dict[str, bytes]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        for name, status, code in (
            ("gated", 403, "GatedRepo"),
            ("private", 401, "RepoNotFound"),
            ("gone", 404, "RepoNotFound"),
            ("forbidden", 403, ""),
            ("down", 503, ""),
        ):
            if f"/owner/{name}" in path:
                return self._answer(status, b"", {"X-Error-Code": code} if code else {})
        if path == "/api/models/owner/small/revision/v2.0":
            return self._json({"id": "owner/small", "sha": TAGGED, "siblings": []})
        if path in ("/api/models/owner/small", "/api/models/owner/small/revision/main"):
            return self._json({"id": "owner/small", "sha": COMMIT, "siblings": []})
        if path.startswith("/api/models/owner/small/revision/"):
            return self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if path.startswith("/api/models/owner/small/tree/"):
            return self._json(
                [
                    {"type": "file", "path": n, "size": len(b), "oid": sha1(b).hexdigest()}
                    for n, b in self.files.items()
                ]
            )
        content = self.files[path.rpartition("/")[2]]
        commit = TAGGED if TAGGED in path else COMMIT
        etag = {"ETag": f'"{sha1(content).hexdigest()}"', "X-Repo-Commit": commit}
        return self._answer(200, content, etag)

    def _json(self, value: object) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


COMMIT = "0123456789abcdef0123456789abcdef01234567"
TAGGED = "fedcba9876543210fedcba9876543210fedcba98"


@pytest.fixture
def hub(tiny_llama: Path) -> Iterator[str]:
    Hub.files = {p.name: p.read_bytes() for p in tiny_llama.iterdir()}
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hub)) as address:
        yield address


def score(name: str, hub: str, folder: Path, benchmark: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "unlearnbench", "score", name, "--benchmark", str(benchmark)]
    command += ["--limit", "1", "--out", str(folder / "run"), "-q"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    clean |= {"HF_HOME": str(folder / "hf"), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=clean, cwd=folder)


@pytest.fixture
def hub_here(hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub of this process, with an empty cache."""
    constants = "huggingface_hub.constants"
    files = hub + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(f"{constants}.ENDPOINT", hub)
    monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(f"{constants}.HF_HUB_DISABLE_XET", True)
    monkeypatch.chdir(tmp_path)


def test_a_run_of_a_hub_model_records_owner_name_and_commit(
    hub: str, tmp_path: Path, benchmark_folder: Path
) -> None:
    done = score("owner/small", hub, tmp_path, benchmark_folder)
    assert done.returncode == 0, done.stderr
    generator = json.loads((tmp_path / "run" / "run.json").read_text())["generator"]
    assert generator["source"] == f"owner/small@{COMMIT}"
    assert generator["notes"][0] == f"hub: owner/small@{COMMIT}"
    assert generator["checkpoint"] == "small"


@pytest.mark.parametrize(
    ("name", "commit"), [("owner/small@v2.0", TAGGED), ("owner/small@main", COMMIT)]
)
def test_a_revision_of_the_hub_is_recorded_by_its_commit(
    name: str,
    commit: str,
    hub_here: None,
    tmp_path: Path,
    benchmark_folder: Path,
    command_line: CommandLine,
) -> None:
    given = ("--benchmark", benchmark_folder, "--limit", "1", "--out", tmp_path / "run", "-q")
    done = command_line("score", name, *given)
    assert done.code == 0, done.err
    generator = json.loads((tmp_path / "run" / "run.json").read_text())["generator"]
    assert generator["source"] == f"owner/small@{commit}"
    assert generator["checkpoint"] == "small"


def test_a_revision_that_the_hub_lacks(
    hub_here: None, tmp_path: Path, benchmark_folder: Path, command_line: CommandLine
) -> None:
    given = ("--benchmark", benchmark_folder, "--out", tmp_path / "run", "-q")
    done = command_line("score", "owner/small@v3", *given)
    assert done.code == 2
    assert "owner/small@v3: the hub has no such revision of it" in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("smollm2-135m@main", "give HuggingFaceTB/SmolLM2-135M-Instruct@main"),
        ("model.gguf@main", r"a \.gguf file has no revisions"),
        ("here@main", "on this disk and has no revisions"),
        ("owner/small@", "is no revision"),
        ("owner/small@../x", "is no revision"),
        ("owner/small@a b", "is no revision"),
        ("small@main", r"only a hub id \(owner/name\) takes @REVISION"),
        ("a/b/small@main", r"only a hub id \(owner/name\) takes @REVISION"),
    ],
)
def test_a_revision_of_what_has_none(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", None)
    (tmp_path / "here").mkdir()
    with pytest.raises(CheckpointError, match=why):
        resolve(name)


def test_a_folder_whose_name_holds_the_sign_is_a_folder(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("small@main", "owner/small@v2"):
        shutil.copytree(tiny_llama, tmp_path / name)
        found = resolve(name)
        assert (found.folder, found.source) == (Path(name), None)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "gated",
            "accept it at {hub}/owner/gated, then log in with `hf auth login` or set HF_TOKEN",
        ),
        ("private", "or it is private: check the name, or log in with `hf auth login`"),
        ("gone", "there is no such repository"),
        ("forbidden", "the hub refuses it (403): log in with `hf auth login` or set HF_TOKEN"),
        ("down", "cannot be reached and no copy is cached"),
    ],
)
def test_what_the_hub_refuses_says_what_to_do(
    name: str, told: str, hub: str, hub_here: None, tmp_path: Path
) -> None:
    (tmp_path / "owner" / f"{name}-2").mkdir(parents=True)
    with pytest.raises(CheckpointError) as refused:
        resolve(f"owner/{name}")
    assert told.format(hub=hub) in str(refused.value)
    assert f"no such folder: owner/{name} (beside it: {name}-2)" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["./models/mine", "models/deep/mine", "/nowhere/mine", "~/mine", "models/mine/", "..x"]
)
def test_a_mistyped_path_is_never_asked_of_the_hub(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", None)
    with pytest.raises(CheckpointError, match=r"no checkpoint .*no such folder"):
        resolve(name)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "y/" * 3000])
def test_a_name_that_is_no_path_is_refused(name: str) -> None:
    with pytest.raises(CheckpointError):
        resolve(name)


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF but not really")
    with pytest.raises(CheckpointError, match=r"bad\.gguf"):
        resolve(str(bad))
    with pytest.raises(CheckpointError, match="expected 000000000000"):
        dequantised(bad, "0" * 64)
    left = [p.name for p in (tmp_path / "cache").rglob("*")]
    assert left in ([], ["gguf"])


@pytest.mark.model
def test_a_damaged_cache_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path))
    first = resolve("smollm2-135m")
    weights = first.folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"\xff" * 8)
    again = resolve("smollm2-135m")
    assert again.fingerprint == first.fingerprint
    assert [p.name for p in (tmp_path / "gguf").iterdir()] == [first.folder.name]


def test_every_alias_pins_its_file() -> None:
    assert all(len(alias.sha256) == 64 for alias in ALIASES.values())
