"""Tasks of the real lm-eval on tiny models: tasks made of local files, groups, faults."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CommandLine
from tests.hub_server import DataSet, HubServer
from tests.wmdp_samples import NAMES, wmdp_rows
from unlearnbench.api.utility import measure_utility
from unlearnbench.benchmark.choices.sources import ChoiceSource, load_choices
from unlearnbench.benchmark.harness import find_task
from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.benchmark.wmdp import PARTS, WMDP, load_wmdp
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.harness import run_task
from unlearnbench.engines.transformers.measured import LoadedModel
from unlearnbench.engines.transformers.next_tokens import text_distributions
from unlearnbench.errors import EngineError, PluginError, UnreadableError
from unlearnbench.runs.utility import read_utility
from unlearnbench.types.options import EngineOptions, UtilityOptions
from unlearnbench.utility.drift import bits_per_byte, perplexity
from unlearnbench.utility.tables import measure_table, table_metrics, table_prompt
from unlearnbench.wmdp.measure import measure_part
from unlearnbench.wmdp.scores import part_scores

pytestmark = [
    pytest.mark.lm_eval,
    pytest.mark.skipif(
        importlib.util.find_spec("lm_eval") is None,
        reason="lm-eval is not installed: make test-lm-eval",
    ),
]
FLOAT32 = EngineOptions(dtype="float32")
ROWS = [
    {
        "question": f"What is {n} and {n % 5}?",
        "subject": "sums",
        "choices": [str(n + n % 5 + (k - n) % 4) for k in range(4)],
        "answer": math.isqrt(n % 16),
    }
    for n in range(24)
]
TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: {kind}
doc_to_text: "{{{{prompt}}}}"
{target}
metric_list:
  - metric: {metric}
    aggregation: mean
    higher_is_better: true
metadata:
  version: 3.0
"""
CHOICE = {"kind": "multiple_choice", "metric": "acc"}
CHOICE |= {"target": "doc_to_choice: [A, B, C, D]\ndoc_to_target: answer"}
GENERATED = {"kind": "generate_until", "metric": "exact_match"}
GENERATED |= {"target": 'doc_to_target: "{{answer}}"\ngeneration_kwargs: {max_gen_toks: 4}'}


def write_task(folder: Path, name: str, **changed: str) -> str:
    """A task on the rows of `folder`, by its path."""
    words = {"name": name, "data": str(folder / "rows.jsonl"), **CHOICE, **changed}
    path = folder / f"{name}.yaml"
    path.write_text(TASK.format(**words), "utf-8")
    return f"lm-eval:{path}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Choice questions as files of MMLU's columns, and with their whole prompts for lm-eval."""
    for split, rows in (("test", ROWS), ("dev", ROWS[:1])):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{split}.jsonl").write_text(text, "utf-8")
    asked = load_choices("mmlu", ChoiceSource(str(tmp_path)))
    rows = [
        {"prompt": table_prompt("mmlu", row, 1), "answer": row.question.gold} for row in asked.rows
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    return tmp_path


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_letters_and_accuracy_are_those_of_lm_eval(
    folder: Path, seed: int, save_model: Callable[..., Path], tmp_path: Path
) -> None:
    """The same prompts, the same letters: the same accuracy."""
    model = save_model(tmp_path / "model", "llama", seed)
    engine = TransformersEngine(str(model), FLOAT32)
    (theirs,) = run_task(engine, find_task(write_task(folder, "sums"), None)).values()
    asked = load_choices("mmlu", ChoiceSource(str(folder)))
    table = measure_table(LoadedModel(engine), asked)
    ours = table_metrics("mmlu", table)["choice.mmlu"]
    assert theirs.metrics["acc"].value == pytest.approx(ours.value, abs=1e-9)
    assert ours.value is not None
    assert 0 < ours.value < 1
    error = math.sqrt(ours.value * (1 - ours.value) / (len(ROWS) - 1))
    assert theirs.metrics["acc"].stderr == pytest.approx(error, abs=1e-9)
    assert (theirs.n, theirs.version) == (24, "3.0")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_accuracy_on_wmdp_is_that_of_lm_eval(
    seed: int, save_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own tasks `wmdp_bio`, …, on rows of ours under the data set's name."""
    engine = TransformersEngine(str(save_model(tmp_path / "model", "llama", seed)), FLOAT32)
    found = []
    with HubServer({WMDP: DataSet({n: {"test": wmdp_rows(n)} for n in NAMES})}) as hub:
        hub.use(monkeypatch, tmp_path)
        for part in PARTS:
            (theirs,) = run_task(engine, find_task(f"lm-eval:wmdp_{part}", None)).values()
            (asked,) = load_wmdp("hub", [part])
            ours = part_scores(measure_part(LoadedModel(engine), asked))["accuracy"].value
            assert theirs.metrics["acc"].value == pytest.approx(ours, abs=1e-9)
            found.append(ours)
    assert any(0 < accuracy < 1 for accuracy in found)


def test_perplexity_and_bits_a_byte_are_those_of_lm_eval(tiny_llama: Path, tmp_path: Path) -> None:
    """Its functions to 1e-9 on the same log-probabilities, its own pass over the texts to 1e-5."""
    from lm_eval.api.metrics import bits_per_byte as theirs
    from lm_eval.api.metrics import weighted_perplexity

    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    texts = [row.text for row in load_utility_sets().prose[:3]]
    passes = text_distributions(engine, texts)
    rows = [logp[np.arange(len(ids)), ids].astype(float) for ids, logp in passes]
    for row, text in zip(rows, texts, strict=True):
        sums, size = float(row.sum()), len(text.encode())
        assert bits_per_byte(row, text) == pytest.approx(theirs([(sums, size)]), abs=1e-9)
        assert perplexity(row) == pytest.approx(weighted_perplexity([(sums, len(row))]), rel=1e-9)
    lines = "".join(json.dumps({"prompt": text}) + "\n" for text in texts)
    (tmp_path / "rows.jsonl").write_text(lines, "utf-8")
    rolling = {"kind": "loglikelihood_rolling", "metric": "bits_per_byte"}
    rolling |= {"target": 'doc_to_target: "{{prompt}}"'}
    path = write_task(tmp_path, "prose", **rolling).removeprefix("lm-eval:")
    changed = Path(path).read_text("utf-8").replace('doc_to_text: "{{prompt}}"', 'doc_to_text: ""')
    Path(path).write_text(changed.replace("aggregation: mean", "aggregation: bits_per_byte"))
    (result,) = run_task(engine, find_task(f"lm-eval:{path}", None)).values()
    total = -sum(row.sum() for row in rows) / sum(len(t.encode()) for t in texts) / math.log(2)
    assert result.metrics["bits_per_byte"].value == pytest.approx(total, abs=1e-5)


def test_it_is_run_on_the_loaded_model_which_is_left_as_it_was(
    folder: Path, tiny_llama: Path
) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    prompts = [
        table_prompt("mmlu", r, 1) for r in load_choices("mmlu", ChoiceSource(str(folder))).rows
    ]
    before = LoadedModel(engine).letters(prompts, "ABCD")
    attention, padding = engine.model.config._attn_implementation, engine.tokenizer.pad_token
    task = find_task(write_task(folder, "sums"), None)
    first = run_task(engine, task)
    assert run_task(engine, task) == first
    assert engine.model.config._attn_implementation == attention
    assert engine.tokenizer.pad_token == padding
    assert np.array_equal(LoadedModel(engine).letters(prompts, "ABCD"), before)
    engine.model.lm_head.weight.data.neg_()
    assert run_task(engine, task) != first


def test_the_command_stores_prints_and_resumes(
    folder: Path, tiny_llama: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = folder / "u.json"
    command = ["utility", str(tiny_llama), "--limit", "3", "--dtype", "float32", "--out", str(out)]
    command += ["--utility", write_task(folder, "sums")]
    done = command_line(*command)
    assert done.code == 0
    assert "lm-eval:sums.acc" in done.out
    result = read_utility(out).model.tasks["lm-eval:sums"]
    assert (result.n, result.harness.split()[0]) == (3, "lm-eval")
    monkeypatch.setattr(LoadedModel, "run_task", None)
    assert command_line(*command).out == done.out
    assert command_line("utility", str(out)).out == done.out


def test_a_group_gives_its_own_figure_and_its_members(folder: Path, tiny_llama: Path) -> None:
    for name in ("one", "two"):
        write_task(folder, name)
    group = "group: both\ntask: [one, two]\naggregate_metric_list:\n  - metric: acc\n"
    (folder / "both.yaml").write_text(group, "utf-8")
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    results = run_task(engine, find_task(f"lm-eval:{folder / 'both.yaml'}", None))
    assert set(results) == {"both", "one", "two"}
    assert [results[name].n for name in ("both", "one", "two")] == [48, 24, 24]
    assert results["both"].metrics["acc"].value == results["one"].metrics["acc"].value


def test_a_task_that_generates_is_run_by_no_settings_of_the_checkpoint(
    folder: Path, tiny_llama: Path
) -> None:
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    task = find_task(write_task(folder, "said", **GENERATED), 4)
    plain = run_task(engine, task)["said"]
    assert plain.n == 4
    engine.model.generation_config.max_length = 1
    engine.model.generation_config.suppress_tokens = list(range(256))
    assert run_task(engine, task)["said"] == plain


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("task: [", EngineError, "cannot be loaded"),
        ("nothing: here", EngineError, "cannot be loaded"),
        ("task: x\ndataset_path: json\n", EngineError, "cannot be loaded"),
        ("task: x\ndataset_path: nobody/nothing\ntest_split: t\n", EngineError, "cannot be loaded"),
        ("task: x\ndoc_to_text: !function gone.f\n", EngineError, "cannot be loaded"),
    ],
)
def test_a_file_that_is_no_task(
    text: str, error: type[Exception], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(error, match=said) as caught:
        find_task(f"lm-eval:{path}", None)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_missing_rows(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"gone\.yaml"):
        find_task(f"lm-eval:{tmp_path / 'gone.yaml'}", None)
    with pytest.raises(EngineError, match="cannot be loaded"):
        find_task(write_task(tmp_path, "sums"), None)


def test_a_column_that_the_task_wants_is_not_there(folder: Path) -> None:
    """lm-eval itself would count every document as answered wrongly."""
    rows = folder / "rows.jsonl"
    rows.write_text(rows.read_text("utf-8").replace('"answer"', '"gold"'), "utf-8")
    with pytest.raises(
        EngineError, match="document 1: gold answer 'answer' is no choice"
    ) as caught:
        find_task(write_task(folder, "sums"), None)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_an_unknown_task_is_answered_with_the_nearest(tiny_llama: Path) -> None:
    options = UtilityOptions(("lm-eval:wmdp_boi",))
    with pytest.raises(PluginError, match="did you mean wmdp_bio"):
        measure_utility(str(tiny_llama), utility_options=options)
