"""Rows and stress records of engine `vllm`: submitted, verified, run again, shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from tests.forgeries.attack_changes import Change, S, drop, put
from tests.forgeries.forgery import seal
from tests.scripted import ScriptedEngine
from tests.scripted_attacks import Attacker
from unlearnbench import build_leaderboard, score
from unlearnbench.api.attestations import rerun
from unlearnbench.api.submissions import submit, verify
from unlearnbench.attacks.stress.asked_by import NEEDS_WEIGHTS
from unlearnbench.attacks.stress.plans import ASKING
from unlearnbench.engines.vllm.arguments import ALLOWED, REPEATED, read_arguments, repeated, spelt
from unlearnbench.errors import EngineError, SubmissionError
from unlearnbench.leaderboard.trust import levels
from unlearnbench.plugins import BUILTIN, load
from unlearnbench.types import GeneratorInfo
from unlearnbench.types.options import About, EngineOptions, RunOptions

TYPED = {
    "enforce_eager": "true",
    "tensor_parallel_size": "2",
    "gpu_memory_utilization": "0.5",
    "distributed_executor_backend": "their.module.Executor",
}
MADE: list[Mapping[str, str]] = []
"""The arguments of each engine that was made."""


class ScriptedVllm(ScriptedEngine):
    """The scripted engine, which says that it is vLLM."""

    def __init__(self, checkpoint: str, options: EngineOptions) -> None:
        super().__init__(checkpoint, options)
        if options.engine_set.get("tensor_parallel_size") == "4096":
            raise EngineError("there is 1 GPU")
        self._arguments = read_arguments(options.engine_set)
        MADE.append(options.engine_set)

    @property
    def info(self) -> GeneratorInfo:
        own = super().info
        line = {"vllm_arguments": spelt(self._arguments)} if self._arguments else {}
        settings = {**own.settings, "vllm": "0.32.0", "compared": True, **line}
        return replace(own, engine="vllm", settings=settings)


@pytest.fixture(scope="module")
def vllm() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        engines: Any = BUILTIN["engines"]
        patch.setitem(engines, "vllm", f"{__name__}:ScriptedVllm")
        yield


def as_asked_by_vllm(folder: Path) -> Path:
    """A suite's record, as engine `vllm` would have left it."""
    path = folder / "stress.json"
    record = json.loads(path.read_text())
    record["identity"] |= {"engine": "vllm", "vllm": "0.32.0", "vllm_arguments": "block_size=16"}
    record["compared"] = True
    record["left_out"] = dict.fromkeys(("interpolate", "lens", "quantize"), NEEDS_WEIGHTS)
    path.write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def stressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("attacks") / "stress"
    return as_asked_by_vllm(Attacker().stress(out, *ASKING))


@pytest.fixture(scope="module")
def good(vllm: None, bases: Path, stressed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A row whose run and stress tests were asked by engine `vllm`."""
    folder = tmp_path_factory.mktemp("row")
    run = RunOptions(folder / "run")
    options = EngineOptions(engine_set=TYPED)
    score("forgets-a", "wkf", engine="vllm", engine_options=options, run_options=run)
    about = About(*ABOUT)
    out = folder / "submissions" / "by-vllm"
    return submit(folder / "run", "knows-all-wkf", about, attacks=[stressed], out=out, bases=bases)


def test_a_row_by_vllm_stands_and_says_so(good: Path, bases: Path, tmp_path: Path) -> None:
    (found,) = verify([good], bases=bases)
    assert found.ok, found.reasons
    assert found.checked is not None
    assert found.checked.attacks.derived == {"stress"}
    assert levels(found, []) == ["logged"], "quantize is missing"
    build_leaderboard(tmp_path / "site", good.parent, bases=bases)
    (page,) = [p.read_text() for p in (tmp_path / "site").rglob("*.html") if "by-vllm" in str(p)]
    for shown in ("<dt>Engine</dt>", "vllm 0.32.0", "tensor_parallel_size=2", "compared True"):
        assert shown in page
    assert "Not tried: quantize." in page
    assert "quantize was not tried; asked by engine vllm" in page
    board = (tmp_path / "site" / "index.html").read_text()
    assert "without quantize" in board


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (put(S, "compared", value=False), "engine", "nobody saw that vLLM"),
        (put(S, "compared", value=None), "engine", "nobody saw that vLLM"),
        (put(S, "compared", value="yes"), "attack", "compared"),
        (put(S, "identity", "engine", value="sglang"), "engine", "sglang asks no suite"),
        (put(S, "identity", "engine", value="replay"), "engine", "replay asks no suite"),
        (drop(S, "identity", "engine"), "engine", "without an engine that says so"),
        (drop(S, "identity", "vllm"), "engine", "does not say its version"),
        (put(S, "identity", "vllm", value="<b>"), "attack", "identity.vllm"),
        (put(S, "identity", "vllm_arguments", value="x" * 500), "attack", "vllm_arguments"),
        (put(S, "identity", "kv_cache_dtype", value="fp8"), "attack", "no such setting"),
        (put(S, "left_out", value={"sampling": "no"}), "attack", "is there and left out"),
        (put(S, "left_out", value={"theirs": "no"}), "attack", "left_out"),
        (put(S, "left_out", value={"lens": "a\u202eb"}), "attack", "left_out"),
        (put(S, "left_out", value={"lens": "no " * 99}), "attack", "left_out"),
    ],
    ids=[
        *("not compared", "not known", "compared text", "unknown engine", "replay", "no engine"),
        *("no version", "version as HTML", "long arguments", "setting of its own", "left out too"),
        *("a test of its own", "hidden letter", "long reason"),
    ],
)
def test_a_forged_record_is_refused(
    change: Change, code: str, words: str, good: Path, bases: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(good, tmp_path / "by-vllm"))
    change(folder)
    seal(folder)
    (found,) = verify([folder], bases=bases)
    assert [reason.code for reason in found.reasons] == [code], found.reasons
    assert words in str(found.reasons[0])


def test_a_test_of_the_weights_was_not_asked_by_vllm(
    scripted_runs: dict[str, Path], bases: Path, tmp_path: Path
) -> None:
    suite = as_asked_by_vllm(Attacker().stress(tmp_path / "stress", "quantize", "sampling"))
    path = suite / "stress.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "left_out": {}}))
    with pytest.raises(SubmissionError, match="quantize needs the weights, and vllm only asks"):
        submit(
            scripted_runs["forgets-a"], "knows-all-wkf", About(*ABOUT), attacks=[suite],
            out=tmp_path / "row", bases=bases,
        )  # fmt: skip


def test_submit_refuses_tests_of_a_model_that_was_not_compared(
    stressed: Path, scripted_runs: dict[str, Path], bases: Path, tmp_path: Path
) -> None:
    suite = Path(shutil.copytree(stressed, tmp_path / "stress"))
    put(S, "compared", value=False)(suite)
    with pytest.raises(SubmissionError, match="the stress record: nobody saw that vLLM"):
        submit(
            scripted_runs["forgets-a"], "knows-all-wkf", About(*ABOUT), attacks=[suite],
            out=tmp_path / "row", bases=bases,
        )  # fmt: skip


def test_a_rerun_takes_what_is_safe(good: Path, bases: Path, tmp_path: Path) -> None:
    MADE.clear()
    again = RunOptions(tmp_path / "again")
    found = rerun(good, "forgets-a", base="knows-all", run_options=again, bases=bases)
    assert found.agrees
    assert MADE == [{"enforce_eager": "True", "tensor_parallel_size": "2"}]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("tensor_parallel_size=4096", "with what the row says of vLLM: there is 1 GPU; with other"),
        ("tensor_parallel_size=many", "a whole number"),
    ],
    ids=["too many parts", "no number"],
)
def test_a_rerun_that_cannot_be(
    line: str, says: str, good: Path, bases: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(good, tmp_path / "by-vllm"))
    claim = json.loads((folder / "submission.json").read_text())
    claim["run"]["settings"]["vllm_arguments"] = line
    (folder / "submission.json").write_text(json.dumps(claim))
    seal(folder)
    again = RunOptions(tmp_path / "again")
    with pytest.raises(SubmissionError, match=says):
        rerun(folder, "forgets-a", base="knows-all", run_options=again, bases=bases)
    assert not (tmp_path / "again").exists()


def test_nothing_that_is_looked_up_is_repeated() -> None:
    assert set(ALLOWED) >= REPEATED
    assert {ALLOWED[name] for name in REPEATED} == {bool, int}
    strange = "load_format=dummy attention_backend=x.Y trust_remote_code=True =  a"
    assert repeated(f"{strange} block_size=16") == {"block_size": "16"}
    assert repeated("") == {}


@pytest.mark.parametrize("name", BUILTIN["stress"])
def test_the_tests_that_only_ask_are_named_once(name: str) -> None:
    assert load("stress", name)().needs_weights is (name not in ASKING)
