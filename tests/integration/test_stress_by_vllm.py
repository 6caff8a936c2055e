"""`stress --engine vllm`, with a module in vLLM's place; the real one: `make test-vllm`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fake_vllm import FakeVllm
from tests.models import END
from unlearnbench.api import attacks
from unlearnbench.attacks.stress import asked_by
from unlearnbench.cli.main import main
from unlearnbench.engines.vllm import twin
from unlearnbench.errors import EngineError, PluginError, RunError, UnlearnbenchError
from unlearnbench.runs.attacks import read_finished
from unlearnbench.runs.run import load_run
from unlearnbench.runs.schema import FinishedStress
from unlearnbench.types import Failure
from unlearnbench.types.options import EngineOptions, RunOptions

WORDS = [ord("a") - 33, ord("b") - 33]

ASKED = {"sampling", "formats"}
WEIGHTS = {"interpolate", "lens", "quantize"}


def typed(monkeypatch: pytest.MonkeyPatch, command: str) -> int:
    """A command line's exit code."""
    monkeypatch.setattr(sys, "argv", ["unlearnbench", *command.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeVllm:
    made = FakeVllm([*WORDS, END])
    made.install(monkeypatch)
    return made


def stress(checkpoint: Path, out: Path, *only: str, **rest: Any) -> FinishedStress:
    options = EngineOptions(dtype="float32", engine_set=rest.pop("engine_set", {}))
    kinds = {"engine": "vllm", "limit": 2, "only": only, "engine_options": options, **rest}
    return attacks.stress(str(checkpoint), "wkf", run_options=RunOptions(out), **kinds).record


def test_what_only_asks_is_asked_and_the_rest_is_named(
    fake: FakeVllm,
    tiny_llama: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    record = stress(tiny_llama, out, engine_set={"enforce_eager": "true"}, base=str(tiny_llama))
    assert set(record.seconds) == ASKED
    assert set(record.left_out) == WEIGHTS
    assert all("--engine transformers" in why for why in record.left_out.values())
    assert (record.status, record.compared) == ("complete", True)
    fields = record.identity.model_dump()
    assert (fields["engine"], fields["vllm"]) == ("vllm", "0.32.0")
    assert fields["vllm_arguments"] == "enforce_eager=True"
    assert read_finished(out, "stress") == record
    for part in ("baseline", "sampling", "formats/prefilled", "formats/second-turn"):
        run = load_run(out / part)
        assert run.record.generator.engine == "vllm"
        assert run.record.identity.model_dump()["engine"] == "vllm"
    assert typed(monkeypatch, f"show run {out}") == 0
    text = capsys.readouterr().out
    assert "engine vllm" in text
    assert "all doors but quantize" in text
    assert "left out: quantize needs the weights in this process" in text


def test_draws_have_seeds_of_their_own_and_greedy_questions_none(
    fake: FakeVllm, tiny_llama: Path, tmp_path: Path
) -> None:
    stress(tiny_llama, tmp_path / "out", "sampling", seed=3)
    drawn = [how for how in fake.asked if how.temperature]
    assert {how.temperature for how in drawn} == {1.0}
    # Two forget facts and two that nobody knows.
    assert len(drawn) == len({how.seed for how in drawn}) == 4 * 8
    assert all(how.seed is None for how in fake.asked if not how.temperature)
    first = [how.seed for how in drawn]
    fake.asked.clear()
    stress(tiny_llama, tmp_path / "again", "sampling", seed=3)
    assert [how.seed for how in fake.asked if how.temperature] == first
    fake.asked.clear()
    stress(tiny_llama, tmp_path / "other", "sampling", seed=4)
    assert not set(first) & {how.seed for how in fake.asked}


def test_a_lost_draw_is_open_and_asked_again(
    fake: FakeVllm, tiny_llama: Path, tmp_path: Path
) -> None:
    out, drawing = tmp_path / "out", []

    def lose(result: Any) -> Any:
        """Every third draw comes back without a token."""
        if fake.asked[-1].temperature:
            drawing.append(result)
            if len(drawing) % 3 == 0:
                result.outputs = [SimpleNamespace(token_ids=[], logprobs=[], finish_reason="stop")]
        return result

    fake.alter = lose
    record = stress(tiny_llama, out, "sampling")
    door = record.findings["sampling/leak@8"]
    assert (record.status, record.n_open) == ("open", 2)
    assert set(door.states.values()) == {None}
    assert door.score is not None and (door.score.low, door.score.high) == (0.0, 1.0)
    lost = [r for r in load_run(out / "sampling").completions.values() if isinstance(r, Failure)]
    assert lost and all("gave no answer back" in failure.error for failure in lost)
    fake.alter = lambda result: result
    record = stress(tiny_llama, out, "sampling")
    assert (record.status, record.n_open) == ("complete", 0)
    fake.asked.clear()
    stress(tiny_llama, out, "sampling")
    assert fake.asked == []


def test_answers_that_the_second_turn_needs_come_later(
    fake: FakeVllm, tiny_llama: Path, tmp_path: Path
) -> None:
    """A suite whose first answers failed goes on when they are there."""
    count = []

    def lose(result: Any) -> Any:
        count.append(result)
        result.finished = len(count) != 1
        return result

    fake.alter = lose
    record = stress(tiny_llama, tmp_path / "out", "formats")
    door = record.findings["formats/second-turn"]
    assert record.status == "open"
    assert (list(door.states.values()), door.probes) == ([None, None], 0)
    record = stress(tiny_llama, tmp_path / "out", "formats")
    assert record.status == "complete"
    assert len(record.findings["formats/second-turn"].states) == 2


def test_a_suite_that_goes_on_in_the_other_engine(
    fake: FakeVllm, tiny_llama: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stress(tiny_llama, out, "sampling")
    with pytest.raises(RunError, match=r"another suite; .*engine: the folder has vllm"):
        stress(tiny_llama, out, "lens", engine="transformers")
    with pytest.raises(RunError, match="vllm_arguments: the folder has None"):
        stress(tiny_llama, out, "formats", engine_set={"enforce_eager": "1"})
    own = stress(tiny_llama, tmp_path / "own", "lens", engine="transformers")
    assert own.compared is None
    assert not {"engine", "vllm"} & set(own.identity.model_dump())


def test_whether_the_model_was_compared_is_one_for_all_doors(
    fake: FakeVllm, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    stress(tiny_llama, out, "sampling")
    monkeypatch.setattr(twin, "reason_not_compared", lambda *_: "no memory")
    with pytest.raises(RunError, match="compared: the folder has True, asked for False"):
        stress(tiny_llama, out, "formats")
    assert stress(tiny_llama, tmp_path / "new", "sampling").compared is False


def test_a_test_that_does_not_say_needs_the_weights() -> None:
    unknown: Any = SimpleNamespace(name="theirs", needs_base=False)
    asking: Any = SimpleNamespace(name="asking", needs_base=False, needs_weights=False)
    based: Any = SimpleNamespace(name="based", needs_base=True, needs_weights=False)
    tests = [unknown, asking, based]
    assert asked_by.left_out(tests, has_base=True, has_weights=True) == {}
    assert set(asked_by.left_out(tests, has_base=True, has_weights=False)) == {"theirs"}
    assert asked_by.left_out(tests, has_base=False, has_weights=True) == {
        "based": asked_by.NEEDS_BASE
    }


@pytest.mark.parametrize(
    ("rest", "kind", "says"),
    [
        ({"only": ["lens"]}, PluginError, "stress test lens needs the weights"),
        ({"only": ["sampling", "quantize"]}, PluginError, "stress test quantize needs the weights"),
        ({"engine": "vlm"}, PluginError, "--engine vlm: unknown; transformers or vllm"),
        ({"engine": "replay"}, PluginError, "stress tests ask a checkpoint; transformers or vllm"),
        ({"engine": "endpoint:http://x"}, PluginError, "stress tests ask a checkpoint"),
        ({"engine_set": {"max_models_len": "5"}}, EngineError, "did you mean 'max_model_len'"),
        (
            {"engine": "transformers", "engine_set": {"max_model_len": "5"}},
            EngineError,
            "add --engine vllm",
        ),
    ],
    ids=["weights", "one of two", "misspelt", "replay", "server", "argument", "not for it"],
)
def test_refused_before_anything_is_read(
    fake: FakeVllm, tmp_path: Path, rest: Any, kind: type[UnlearnbenchError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        stress(tmp_path / "no such model", tmp_path / "out", **rest)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("stress m --engine vllm --only lens", "stress test lens needs the weights"),
        ("stress m --engine vllm --dry-run", "only engine transformers can be planned for"),
        ("stress m --engine vllm --executor ray", "--executor ray: workers of stress tests hold"),
        ("tofu m --engine vllm", "tofu need the weights, or how likely each word"),
        ("tofu m --engine-set max_model_len=5", "run in engine transformers"),
        ("relearn m --engine vllm", "run in engine transformers"),
    ],
)
def test_refused_in_one_line(
    fake: FakeVllm,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    says: str,
) -> None:
    assert typed(monkeypatch, command) == 2
    error = capsys.readouterr().err.strip()
    assert says in error
    assert "\n" not in error


def test_other_calls_refuse_its_arguments(tmp_path: Path) -> None:
    options = EngineOptions(engine_set={"max_model_len": "5"})
    with pytest.raises(EngineError, match="relearn needs the weights themselves"):
        attacks.relearn("m", "wkf", engine_options=options)


def test_records_of_before_read_as_asked_by_transformers() -> None:
    stored = Path(__file__).parents[1] / "fixtures" / "stored" / "stress-2"
    assert json.loads((stored / "stress.json").read_text())["schema_version"] == 2
    record = read_finished(stored, "stress")
    assert isinstance(record, FinishedStress)
    assert (record.left_out, record.compared, record.identity.engine) == ({}, None, None)
