"""`stress --engine vllm` with the real vLLM, against engine `transformers`."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.vllm.test_vllm import EAGER, save
from unlearnbench.api.attacks import stress
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.run import load_run
from unlearnbench.runs.schema import FinishedStress
from unlearnbench.types import Completion
from unlearnbench.types.options import EngineOptions, RunOptions

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None,
        reason="vLLM has an environment of its own: make test-vllm",
    ),
]
DRAWN = "sampling"


def suite(model: Path, out: Path, engine: str, *only: str, seed: int = 0) -> FinishedStress:
    own = EngineOptions(dtype="float32", engine_set=EAGER)
    options = own if engine == "vllm" else EngineOptions(dtype="float32", device="cpu")
    return stress(
        str(model),
        "wkf",
        only=only,
        engine=engine,
        limit=2,
        seed=seed,
        engine_options=options,
        run_options=RunOptions(out),
    ).record


def answers(run: Path) -> dict[str, Completion]:
    made = load_run(run).completions
    assert all(isinstance(result, Completion) for result in made.values())
    return {str(key): result for key, result in made.items() if isinstance(result, Completion)}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("model") / "m", window=4096)


@pytest.fixture(scope="module")
def whole(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FinishedStress]:
    """All that vLLM can ask, at seed 5."""
    out = tmp_path_factory.mktemp("vllm") / "out"
    return out, suite(model, out, "vllm", seed=5)


def test_greedy_texts_are_those_of_engine_transformers(
    whole: tuple[Path, FinishedStress], model: Path, tmp_path: Path
) -> None:
    out, record = whole
    assert (record.status, record.compared) == ("complete", True)
    assert set(record.left_out) == {"interpolate", "lens", "quantize"}
    suite(model, tmp_path / "here", "transformers", "sampling", "formats", seed=5)
    parts = [path.parent.relative_to(out) for path in sorted(out.rglob("run.json"))]
    parts = [part for part in parts if not part.name.endswith("-shuffled")]
    assert len(parts) == 13
    for part in parts:
        one, two = load_run(out / part), load_run(tmp_path / "here" / part)
        assert one.record.identity.prompts == two.record.identity.prompts, part
        if part.name != DRAWN:
            assert answers(out / part) == answers(tmp_path / "here" / part), part


def test_draws_are_repeated_and_taken_up(
    whole: tuple[Path, FinishedStress], model: Path, tmp_path: Path
) -> None:
    first = answers(whole[0] / DRAWN)
    assert len({answer.text for answer in first.values()}) > len(first) / 2
    again = Path(shutil.copytree(whole[0], tmp_path / "again"))
    folder = RunFolder(again / DRAWN)
    lines = folder.completions.path.read_text().splitlines(keepends=True)
    folder.completions.path.write_text("".join(lines[:5]))
    folder.outcomes.path.write_text("")
    folder.write_record(folder.record().model_copy(update={"status": "running"}))
    record = suite(model, again, "vllm", DRAWN, seed=5)
    assert answers(again / DRAWN) == first
    assert record.findings["sampling/leak@8"].states == whole[1].findings["sampling/leak@8"].states
    suite(model, tmp_path / "other", "vllm", DRAWN, seed=6)
    assert answers(tmp_path / "other" / DRAWN) != first
