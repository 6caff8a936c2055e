"""The prompts of runs and of training: their identity, and what cannot be asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import models
from tests.conftest import write_benchmark
from tests.conversations import (
    ASKS,
    EACH,
    IN_PARTS,
    NO_SYSTEM,
    SAID,
    tokenizer_with,
)
from unlearnbench import load_run, rejudge, score
from unlearnbench.benchmark import load_benchmark
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers import dates
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.loading import load_tokenizer
from unlearnbench.engines.transformers.prompts import Prompter, encode
from unlearnbench.engines.transformers.run_prompts import RunPrompts
from unlearnbench.errors import EngineError, RunError
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.folder import RunFolder
from unlearnbench.training.encode import Encoder, TrainingQuestion
from unlearnbench.types import Fact
from unlearnbench.types.options import EngineOptions, RunOptions

OPTIONS = EngineOptions(dtype="float32")


@pytest.mark.parametrize(
    "template", [SAID + ASKS, IN_PARTS, EACH + "<{{ m.role }}>{{ m.content }}<end>{% endfor %}"]
)
def test_a_training_prompt_is_the_prompt_that_is_asked(template: str, tmp_path: Path) -> None:
    made = tokenizer_with(template)
    benchmark = load_benchmark(str(write_benchmark(tmp_path / "tiny")))
    plan = make_plan(benchmark, get_profile("standard"), "chat")
    asked = plan.probes[0]
    fact = Fact("f", "forget", "t", asked.question, "Tokyo")
    row = Encoder(made)(TrainingQuestion("f", fact, asked.question, "Tokyo"))
    assert list(row.prompt) == encode(made, asked)
    assert str(made.decode(row.answer)) == "Tokyo<end>"


def changed_model(base: Path, folder: Path, template: str) -> Path:
    shutil.copytree(base, folder)
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    return folder


def test_the_token_ids_are_part_of_a_run(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    first = score(
        str(tiny_llama),
        str(benchmark_folder),
        engine_options=OPTIONS,
        run_options=RunOptions(tmp_path / "run"),
    )
    asked = first.record.identity.prompts
    engine = TransformersEngine(str(tiny_llama), OPTIONS)
    assert asked == engine.prompts_fingerprint(first.probes)
    assert asked != engine.prompts_fingerprint(first.probes[:-1])
    assert asked != engine.prompts_fingerprint(first.probes[::-1])
    judged = rejudge(tmp_path / "run", "rules", run_options=RunOptions(tmp_path / "judged"))
    assert judged.record.identity.prompts == asked


def test_a_run_of_other_token_ids_is_not_resumed(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    def again() -> None:
        score(
            str(tiny_llama),
            str(benchmark_folder),
            engine_options=OPTIONS,
            run_options=RunOptions(tmp_path / "run"),
        )

    again()
    folder = RunFolder(tmp_path / "run")
    stored: Mapping[str, Any] = folder.record().to_disk()
    for prompts, shown in (("0" * 64, "000000000000…"), (None, "None")):
        identity = {k: v for k, v in stored["identity"].items() if k != "prompts"}
        changed = identity if prompts is None else {**identity, "prompts": prompts}
        folder.record_path.write_text(json.dumps({**stored, "identity": changed}))
        with pytest.raises(RunError, match=f"prompts: the folder has {shown}, asked for"):
            again()
        assert load_run(tmp_path / "run").n_open == 0


def test_one_prompt_that_cannot_be_asked_leaves_its_fact_open(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    refuses = (
        "{% if 'forget 2' in messages[-1].content and 'Way 7' in messages[-1].content %}"
        "{{ raise_exception('not this one') }}{% endif %}"
    )
    model = changed_model(tiny_llama, tmp_path / "model", refuses + models.CHAT)
    run = score(
        str(model),
        str(benchmark_folder),
        engine_options=OPTIONS,
        run_options=RunOptions(tmp_path / "run"),
    )
    assert run.n_open == 2
    assert {failure.key.fact for failure in run.failures} == {"forget-2"}
    assert all("not this one" in failure.error for failure in run.failures)
    assert run.scores["forget.worst_case"].n_open == 1


def test_no_prompt_that_can_be_asked_ends_the_run(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    model = changed_model(tiny_llama, tmp_path / "model", "{{ raise_exception('not for you') }}")
    with pytest.raises(EngineError, match=r"model: not one of 163 prompts .*not for you"):
        score(
            str(model),
            str(benchmark_folder),
            engine_options=OPTIONS,
            run_options=RunOptions(tmp_path / "run"),
        )
    assert not (tmp_path / "run").exists()


def test_a_dated_template_is_in_the_settings(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    dated = changed_model(tiny_llama, tmp_path / "model", "{{ strftime_now('%d') }}" + models.CHAT)
    for model, expected in ((dated, dates.PINNED), (tiny_llama, None)):
        kept = RunOptions(tmp_path / f"run-{expected}")
        run = score(str(model), str(benchmark_folder), engine_options=OPTIONS, limit=1,
                    profile="quick", run_options=kept)  # fmt: skip
        assert run.record.generator.settings.get("date") == expected
        assert run.record.identity.model_dump().get("date") == expected


def test_a_local_judge_without_a_system_turn_is_asked(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    score(str(tiny_llama), str(benchmark_folder), engine_options=OPTIONS, limit=1, profile="quick",
          run_options=RunOptions(tmp_path / "run"))  # fmt: skip
    judge = changed_model(tiny_llama, tmp_path / "judge", NO_SYSTEM + models.CHAT)
    judged = rejudge(
        tmp_path / "run", f"local:{judge}", run_options=RunOptions(tmp_path / "judged")
    )
    assert judged.n_open == len(judged.probes)
    assert not any("system role" in failure.error for failure in judged.failures)


@pytest.mark.model
def test_the_prompts_of_smollm2_are_what_they_always_were(tmp_path: Path) -> None:
    made = load_tokenizer(resolve("smollm2-135m"))
    benchmark = load_benchmark(str(write_benchmark(tmp_path / "tiny")))
    asked = RunPrompts(Prompter(made), 49152, "smollm2-135m")
    plans = {f: make_plan(benchmark, get_profile("standard"), f) for f in ("chat", "raw")}
    found = {name: asked.fingerprint(plan.probes) for name, plan in plans.items()}
    assert found == {
        "chat": "6909cf00c75c62a28d2d91ac606fc00aaee1d52827eb45b1a13939b12d5169fe",
        "raw": "54ea6daf69e60edf0c61c4300bab72ad2515653b5dea974a207f93261bd48706",
    }
