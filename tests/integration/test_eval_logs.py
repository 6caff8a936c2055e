"""OpenUnlearning's `TOFU_EVAL.json`, written, read back, damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from unlearnbench.api.tofu import score_tofu
from unlearnbench.benchmark.tofu import load_tofu
from unlearnbench.errors import BenchmarkError, RunError, UnlearnbenchError
from unlearnbench.tofu.record import TofuRecord, read_retain_log
from unlearnbench.types.options import EngineOptions, TofuOptions

THEIRS = TofuOptions(released_strength=True)
SETS = load_tofu("tofu-mini", "forget25")
Log = dict[str, Any]


@pytest.fixture(scope="module")
def written(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TofuRecord, Path]:
    path = tmp_path_factory.mktemp("eval") / "TOFU_EVAL.json"
    record = score_tofu(
        str(tiny_llama),
        eval_log=path,
        tofu_options=THEIRS,
        engine_options=EngineOptions(dtype="float32"),
    )
    return record, path


NAMES = {
    "forget.probability": "forget_Q_A_Prob",
    "forget.rouge_l_recall": "forget_Q_A_ROUGE",
    "forget.truth_ratio": "forget_Truth_Ratio",
    "retain.probability": "retain_Q_A_Prob",
    "retain.rouge_l_recall": "retain_Q_A_ROUGE",
    "retain.truth_ratio": "retain_Truth_Ratio",
    "real_authors.probability": "ra_Q_A_Prob_normalised",
    "real_authors.rouge_l_recall": "ra_Q_A_ROUGE",
    "real_authors.truth_ratio": "ra_Truth_Ratio",
    "world_facts.probability": "wf_Q_A_Prob_normalised",
    "world_facts.rouge_l_recall": "wf_Q_A_ROUGE",
    "world_facts.truth_ratio": "wf_Truth_Ratio",
    "forget.exact_memorization": "exact_memorization",
    "forget.extraction_strength": "extraction_strength",
    "forget.auc.loss": "mia_loss",
    "forget.auc.zlib": "mia_zlib",
    "forget.auc.min_k": "mia_min_k",
    "forget.auc.min_k_plus_plus": "mia_min_k_plus_plus",
    "model_utility": "model_utility",
    "forget_quality": "forget_quality",
    "privleak": "privleak",
}


def test_every_score_stands_under_their_name(written: tuple[TofuRecord, Path]) -> None:
    record, path = written
    log = json.loads(path.read_text())
    theirs = {ours: log[theirs]["agg_value"] for ours, theirs in NAMES.items()}
    assert {name for name, value in theirs.items() if value is None} == {
        "forget_quality",
        "privleak",
    }
    measured = {name: value for name, value in record.scores.items() if value is not None}
    assert {name: theirs[name] for name in measured} == pytest.approx(measured, rel=1e-12)
    assert set(record.scores) == set(NAMES)
    beside = {"forget_Q_A_PARA_Prob", "retain_Q_A_PARA_Prob", "ra_Q_A_Prob", "wf_Q_A_Prob"}
    beside |= {f"{short}_Q_A_PERT_Prob" for short in ("forget", "retain", "ra", "wf")}
    assert set(log) == set(NAMES.values()) | beside


def test_rows_have_the_fields_that_their_code_reads(written: tuple[TofuRecord, Path]) -> None:
    record, path = written
    log = json.loads(path.read_text())
    first = {name: metric["value_by_index"]["0"] for name, metric in log.items() if _rows(metric)}
    assert set(first["forget_Q_A_Prob"]) == {"prob", "avg_loss"}
    assert len(first["forget_Q_A_PERT_Prob"]["avg_loss"]) == 5
    assert set(first["forget_Truth_Ratio"]) == {"score"}
    assert first["forget_Truth_Ratio"]["score"] == record.truth_ratios["forget-0000"]
    figures = {"rouge1_recall", "rougeL_f1", "rougeL_recall"}
    texts = {"input", "ground_truth", "generation"}
    assert set(first["forget_Q_A_ROUGE"]) == figures | texts
    assert first["forget_Q_A_ROUGE"]["ground_truth"] == SETS.forget[0].answer
    attack = log["mia_loss"]
    assert attack["agg_value"] == attack["auc"]
    assert len(attack["holdout"]["value_by_index"]) == len(SETS.holdout)
    # Theirs is lower for likelier members: the mean loss itself.
    losses = log["forget_Q_A_Prob"]["value_by_index"]
    scores = attack["forget"]["value_by_index"]
    assert scores["3"]["score"] == pytest.approx(losses["3"]["avg_loss"])


def _rows(metric: Log) -> bool:
    return "value_by_index" in metric


def test_their_log_of_a_retain_model_serves_as_ours(
    written: tuple[TofuRecord, Path], tiny_llama: Path
) -> None:
    record, path = written
    log = read_retain_log(path, SETS, TofuOptions())
    assert log.ratios == record.truth_ratios
    assert log.aucs == {"min_k": record.aucs["min_k"]}
    assert "of these questions" in log.note
    again = score_tofu(
        str(tiny_llama), retain_log=path, engine_options=EngineOptions(dtype="float32")
    )
    assert again.scores["forget_quality"] == pytest.approx(1.0)
    assert again.scores["privleak"] == pytest.approx(0.0)
    assert again.notes == [log.note]


def test_what_a_log_lacks_is_said(written: tuple[TofuRecord, Path], tmp_path: Path) -> None:
    log = json.loads(written[1].read_text())
    del log["forget_Q_A_ROUGE"], log["mia_min_k"]
    path = tmp_path / "TOFU_EVAL.json"
    path.write_text(json.dumps(log))
    read = read_retain_log(path, SETS, TofuOptions())
    assert read.aucs == {}
    assert "cannot be told" in read.note
    assert "no privleak" in read.note
    log["mia_min_k"] = {"agg_value": 1.0}
    path.write_text(json.dumps(log))
    read = read_retain_log(path, SETS, TofuOptions())
    assert (read.aucs, "leaves no privleak" in read.note) == ({}, True)


def _swap_gold(log: Log) -> None:
    rows = log["forget_Q_A_ROUGE"]["value_by_index"]
    rows["3"]["ground_truth"], rows["4"]["ground_truth"] = "Nobody.", "Nobody else."


def _of_another_aggregator(log: Log) -> None:
    metric = log["forget_Truth_Ratio"]
    for row in metric["value_by_index"].values():
        row["score"] = 1 / (1 + row["score"])
    values = [row["score"] for row in metric["value_by_index"].values()]
    metric["agg_value"] = sum(values) / len(values)


DAMAGES: dict[str, tuple[Callable[[Log], Any], type[UnlearnbenchError], str]] = {
    "without ratios": (lambda log: log.pop("forget_Truth_Ratio"), RunError, "no value_by_index"),
    "one row short": (
        lambda log: log["forget_Truth_Ratio"]["value_by_index"].pop("19"),
        RunError,
        "cannot be compared",
    ),
    "a gap": (
        lambda log: log["forget_Truth_Ratio"]["value_by_index"].pop("4"),
        RunError,
        "from 0 up",
    ),
    "a text for a number": (
        lambda log: log["forget_Truth_Ratio"]["value_by_index"]["4"].update(score="0.5"),
        RunError,
        "no ratio",
    ),
    "not a number": (
        lambda log: log["forget_Truth_Ratio"]["value_by_index"]["4"].update(score=float("nan")),
        RunError,
        "no ratio",
    ),
    "negative": (
        lambda log: log["forget_Truth_Ratio"]["value_by_index"]["4"].update(score=-0.5),
        RunError,
        "no ratio",
    ),
    "a row that is null": (
        lambda log: log["forget_Truth_Ratio"]["value_by_index"].update({"4": None}),
        RunError,
        "from 0 up",
    ),
    "a list": (
        lambda log: log["forget_Truth_Ratio"].update(value_by_index=[1, 2]),
        RunError,
        "no value_by_index",
    ),
    "another figure": (
        lambda log: log["forget_Truth_Ratio"].update(agg_value=0.5),
        RunError,
        "another aggregator",
    ),
    "another aggregator": (_of_another_aggregator, RunError, "another aggregator"),
    "a loss too few": (
        lambda log: log["forget_Q_A_PARA_Prob"]["value_by_index"].pop("19"),
        RunError,
        "cannot be compared",
    ),
    "a loss without a row": (
        lambda log: log["forget_Q_A_PARA_Prob"]["value_by_index"].pop("4"),
        RunError,
        "cannot be compared",
    ),
    "one gold answer of all": (
        lambda log: log["forget_Q_A_ROUGE"].update(
            value_by_index={"0": log["forget_Q_A_ROUGE"]["value_by_index"]["0"]}
        ),
        RunError,
        "forget_Q_A_ROUGE has 1 rows",
    ),
    "no AUC": (
        lambda log: log["mia_min_k"].update(agg_value=-3.0),
        RunError,
        "AUC of min_k is -3.0",
    ),
    "other questions": (_swap_gold, BenchmarkError, "row 3 answers 'Nobody.'"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_log_is_refused(
    name: str, written: tuple[TofuRecord, Path], tmp_path: Path
) -> None:
    damage, error, words = DAMAGES[name]
    log = json.loads(written[1].read_text())
    damage(log)
    path = tmp_path / "TOFU_EVAL.json"
    path.write_text(json.dumps(log))
    with pytest.raises(error, match=words):
        read_retain_log(path, SETS, TofuOptions())


def test_a_log_of_another_split_is_refused(written: tuple[TofuRecord, Path]) -> None:
    fewer = replace(SETS, forget=SETS.forget[:10])
    with pytest.raises(BenchmarkError, match="20 forget questions, the forget set 10"):
        read_retain_log(written[1], fewer, TofuOptions())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "--released-strength"),
        (("--released-strength", "--no-end-token"), "--end-token"),
        (("--released-strength", "--truth-ratio", "arithmetic"), "--truth-ratio geometric"),
    ],
)
def test_figures_of_other_definitions_are_not_written_as_theirs(
    flags: tuple[str, ...],
    words: str,
    tiny_llama: Path,
    tmp_path: Path,
    command_line: CommandLine,
) -> None:
    done = command_line("tofu", tiny_llama, "-q", "--eval-log", tmp_path / "log.json", *flags)
    assert done.code == 2
    assert words in done.err
    assert list(tmp_path.iterdir()) == []


def test_an_open_question_leaves_no_log(
    written: tuple[TofuRecord, Path],
    tiny_llama: Path,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from unlearnbench.engines.transformers.engine import TransformersEngine

    real = TransformersEngine.generate

    def all_but_one(self: TransformersEngine, probes: Any, sampling: Any) -> Any:
        return (r for r in real(self, probes, sampling) if r.key.fact != "retain-0002")

    monkeypatch.setattr(TransformersEngine, "generate", all_but_one)
    path = tmp_path / "TOFU_EVAL.json"
    done = command_line("tofu", tiny_llama, "-q", "--released-strength", "--eval-log", path)
    assert done.code == 1
    assert "no place for an open question" in done.out.replace("\n", " ")
    assert not path.exists()
