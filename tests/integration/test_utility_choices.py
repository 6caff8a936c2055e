"""Choice questions of others by the command: from a folder, from a hub, resumed, refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import CommandLine
from tests.hub_server import DataSet, HubServer
from unlearnbench.api.utility import measure_utility, recompute_utility
from unlearnbench.benchmark.choices.sources import ChoiceSource, load_choices
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.likelihood import own_attention
from unlearnbench.engines.transformers.measured import LoadedModel
from unlearnbench.errors import BenchmarkError, PluginError, RunError
from unlearnbench.runs.utility import read_utility
from unlearnbench.types import Message
from unlearnbench.types.options import EngineOptions, UtilityOptions
from unlearnbench.utility.tables import table_prompt

FLOAT32 = EngineOptions(dtype="float32")
Row = Mapping[str, Any]


def questions(subject: str, count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "question": f"What is {n} and 1?",
            "subject": subject,
            "choices": [str(n + 1 + (k - n) % 4) for k in range(4)],
            "answer": n % 4,
        }
        for n in range(start, start + count)
    ]


TEST = [*questions("algebra", 3), *questions("anatomy", 2, 10)]
DEV = [*questions("algebra", 6, 20), *questions("anatomy", 5, 30)]
MMLU = DataSet({"all": {"test": TEST, "dev": DEV}})
BARE = [{"question": "?", "options": ["a", "b"], "gold": "B"}]
EXAMPLES = [{k: row[k] for k in ("question", "choices", "answer")} for row in DEV[:5]]
RWKU = [
    {
        **{k: row[k] for k in ("question", "choices", "answer")},
        "task": row["subject"],
        "subject": "A Person",
        "examples": EXAMPLES,
    }
    for row in TEST
]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """MMLU's files as a folder."""
    write_rows(tmp_path / "mmlu" / "test.jsonl", TEST)
    write_rows(tmp_path / "mmlu" / "dev.jsonl", DEV)
    return tmp_path / "mmlu"


def options(*names: str, folder: Path | str = "hub", **columns: str) -> UtilityOptions:
    return UtilityOptions(names, utility_source=str(folder), columns=columns)


def test_from_a_folder_it_is_stored_printed_and_computed_again(
    tiny_llama: Path, folder: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "utility.json"
    command = ["utility", str(tiny_llama), "--limit", "5", "--dtype", "float32"]
    command += ["--utility", "mmlu", "--utility-source", str(folder), "--out", str(out)]
    done = command_line(*command)
    assert done.code == 0
    for shown in ("choice.mmlu ", "choice.mmlu.algebra", "choice.mmlu.anatomy"):
        assert shown in done.out
    record = read_utility(out)
    table = record.model.tables["mmlu"]
    assert table.gold == {f"{row['subject']}/{n}": row["answer"] for n, row in enumerate(TEST, 1)}
    assert table.source.startswith("mmlu@")
    right = sum(int(np.argmax(table.letters[row])) == gold for row, gold in table.gold.items())
    assert record.metrics["choice.mmlu"].value == right / 5
    assert command_line("utility", str(out)).out == done.out
    assert recompute_utility(out).metrics == record.metrics


def test_what_is_measured_is_not_measured_again(
    tiny_llama: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    letters = LoadedModel.letters

    def counted(self: LoadedModel, prompts: Sequence[str], *rest: str) -> Any:
        asked.append(len(prompts))
        return letters(self, prompts, *rest)

    monkeypatch.setattr(LoadedModel, "letters", counted)

    def measure(*names: str) -> Any:
        return measure_utility(
            str(tiny_llama),
            limit=4,
            out=tmp_path / "u.json",
            utility_options=options(*names, folder=folder),
            engine_options=FLOAT32,
        )

    first = measure("mmlu:algebra")
    assert sum(asked) == 4 + 3
    asked.clear()
    assert measure("mmlu:algebra") == first
    assert asked == []
    both = measure("mmlu:algebra", "mmlu:anatomy")
    assert sum(asked) == 2
    assert both.model.tables["mmlu:algebra"] == first.model.tables["mmlu:algebra"]
    asked.clear()
    write_rows(folder / "dev.jsonl", DEV[::-1])
    measure("mmlu:algebra")
    assert sum(asked) == 3  # other solved questions before them


def test_letters_are_those_of_each_whole_prompt(tiny_llama: Path, folder: Path) -> None:
    """Both styles, against the model's plain forward call."""
    write_rows(folder / "utility_general_test.jsonl", RWKU)
    engine = TransformersEngine(str(tiny_llama), FLOAT32)
    encode = engine.tokenizer.encode
    for name, shots in (("mmlu", 2), ("rwku", 2)):
        asked = load_choices(name, ChoiceSource(str(folder)))
        prompts = [table_prompt(asked.style, row, shots) for row in asked.rows]
        begun = "Answer:" if name == "rwku" else ""
        values = LoadedModel(engine).letters(prompts, "ABCD", begun)
        for prompt, row in zip(prompts, values, strict=True):
            text = f"<user>{prompt}<assistant>Answer: " if begun else f"{prompt} "
            with torch.no_grad(), own_attention(engine):
                logits = engine.model(torch.tensor([encode(text)])).logits[0, -1]
            wanted = [encode(letter)[-1] for letter in "ABCD"]
            expected = torch.log_softmax(logits.double(), -1)[wanted]
            assert row == pytest.approx(expected.numpy(), abs=1e-4)
    assert engine.prompts.prompter.chat((Message("user", "a"), Message("assistant", "b")))


def test_solved_questions_are_of_the_subject(folder: Path) -> None:
    asked = load_choices("mmlu", ChoiceSource(str(folder)))
    for row in asked.rows:
        assert len(row.shots) == 5
        assert {shot.subject for shot in row.shots} == {row.question.subject}


def test_a_question_is_not_solved_before_it_is_asked(folder: Path) -> None:
    write_rows(folder / "dev.jsonl", [TEST[0], *DEV])
    first, second, *_ = load_choices("mmlu", ChoiceSource(str(folder))).rows
    assert first.question not in first.shots
    assert (len(first.shots), second.shots[0]) == (5, first.question)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A hub on this machine."""
    renamed = [{("kinds" if k == "choices" else k): v for k, v in row.items()} for row in TEST]
    sets = {
        "cais/mmlu": MMLU,
        "jinzhuoran/RWKU": DataSet({"utility_general": {"test": RWKU}}),
        "some/quiz": DataSet({"default": {"test": questions("", 3), "validation": DEV}}),
        "some/bare": DataSet(
            {"default": {"test": [{"question": "?", "options": ["a", "b"], "gold": "B"}]}}
        ),
        "some/changed": DataSet({"default": {"test": renamed}}),
        "some/broken": DataSet({"default": {"test": [{**TEST[0], "answer": 9}]}}),
        "some/train": DataSet({"default": {"train": TEST}}),
        "some/gated": DataSet({}, access="gated"),
        "some/down": DataSet({}, access="down"),
    }
    with HubServer(sets) as server:
        server.use(monkeypatch, tmp_path / "home")
        yield server


def test_from_the_hub(hub: HubServer, folder: Path) -> None:
    mmlu = load_choices("mmlu:anatomy", ChoiceSource())
    assert [row.id for row in mmlu.rows] == ["anatomy/4", "anatomy/5"]
    assert mmlu.source.startswith("cais/mmlu@")
    assert mmlu.rows == load_choices("mmlu:anatomy", ChoiceSource(str(folder))).rows
    rwku = load_choices("rwku", ChoiceSource())
    assert [row.id for row in rwku.rows] == [f"{r['subject']}/{n}" for n, r in enumerate(TEST, 1)]
    assert [shot.question for shot in rwku.rows[0].shots] == [row["question"] for row in DEV[:5]]
    bare = load_choices("hub:some/bare", ChoiceSource())
    assert (bare.rows[0].question.gold, bare.rows[0].shots) == (1, ())
    named = load_choices("hub:some/changed", ChoiceSource(columns={"choices": "kinds"}))
    assert [row.question for row in named.rows] == [
        row.question for row in load_choices("mmlu", ChoiceSource()).rows
    ]


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        ("mmlu:anatomie", "unknown-subject", "did you mean 'anatomy'? known: algebra, anatomy"),
        ("mmlu:algebra,nope", "unknown-subject", "'nope' is no subject of it"),
        ("hub:some/changed", "missing-column", "there are: question, subject, kinds, answer"),
        ("hub:some/broken", "bad-answer", "some/broken test row 1"),
        ("hub:some/quiz", "missing-text", "no text in column 'subject'"),
        ("hub:some/quiz:other", "missing-config", "other"),
        ("hub:some/train", "missing-config", "test"),
        ("hub:some/gated", "not-allowed", "accepts the terms"),
        ("hub:some/nothing", "not-found", "no such data set"),
        ("hub:some/down", "hub-unreachable", "offline, give --utility-source FOLDER"),
    ],
)
def test_what_the_hub_has_not(hub: HubServer, name: str, rule: str, said: str) -> None:
    with pytest.raises(BenchmarkError) as caught:
        load_choices(name, ChoiceSource())
    assert caught.value.rule == rule
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["mmul"], "did you mean 'mmlu'?"),
        (["hub:noslash"], "hub"),
        (["hub:"], "hub"),
        (["trained/model"], "CHECKPOINT goes before it"),
        ([], "--utility-source"),
        (["bundled"], "say whose"),
    ],
)
def test_names_that_mean_nothing(names: list[str], said: str, folder: Path) -> None:
    with pytest.raises(PluginError) as caught:
        measure_utility("nowhere", utility_options=options(*names, folder=folder))
    assert said in str(caught.value)


def test_without_lm_eval_its_install_line_is_given(
    monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    done = command_line("utility", "nowhere", "--utility", "lm-eval:arc_easy")
    assert done.code == 2
    assert "pip install 'unlearnbench[lm-eval]'" in done.err


@pytest.mark.parametrize(
    ("rows", "named", "said"),
    [
        (None, {}, "none of test.jsonl, test.json, test.parquet, test.csv is there"),
        ("not json", {}, "test.jsonl"),
        ("", {}, "the table is empty"),
        ([{"question": "?"}], {}, "no column for the choices"),
        (TEST, {"answer": "anser"}, "no such column; did you mean 'answer'?"),
    ],
)
def test_a_folder_that_does_not_hold_it(
    rows: Any, named: dict[str, str], said: str, tmp_path: Path
) -> None:
    if isinstance(rows, str):
        (tmp_path / "test.jsonl").write_text(rows, "utf-8")
    elif rows is not None:
        write_rows(tmp_path / "test.jsonl", rows)
    with pytest.raises(BenchmarkError) as caught:
        load_choices("mmlu", ChoiceSource(str(tmp_path), named))
    assert said in str(caught.value)


def test_a_question_too_long_for_the_window_is_open(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    """A window of 2048 letters: solved questions go first, then the question stays open."""
    long = {**TEST[0], "question": "word " * 500}
    write_rows(tmp_path / "test.jsonl", [TEST[0], long])
    write_rows(tmp_path / "dev.jsonl", [{**row, "question": "word " * 100} for row in DEV])
    done = command_line(
        "utility",
        str(tiny_llama),
        "--limit",
        "2",
        "--utility",
        "mmlu",
        "--utility-source",
        str(tmp_path),
        "--json",
        "--dtype",
        "float32",
    )
    assert done.code == 1
    table = json.loads(done.out)["model"]["tables"]["mmlu"]
    assert list(table["letters"]) == ["algebra/1"]
    assert table["shots"] == 3
    metric = json.loads(done.out)["metrics"]["choice.mmlu"]
    assert (metric["n"], metric["n_open"]) == (2, 1)


def test_a_kept_stage_without_its_table_is_refused(
    tiny_llama: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "u.json"
    first = measure_utility(
        str(tiny_llama),
        limit=1,
        out=out,
        utility_options=options("mmlu", folder=folder),
        engine_options=FLOAT32,
    )
    assert first.model.tables["mmlu"].shots == 5
    stored = json.loads(out.read_text("utf-8"))
    stored["model"]["tables"]["mmlu"]["letters"] = {"algebra/1": ["-1"]}
    out.write_text(json.dumps(stored), "utf-8")
    with pytest.raises(RunError, match="tables"):
        read_utility(out)
