"""The authors' LKF from files of the same columns, and without a network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unlearnbench.api.scoring import score
from unlearnbench.attacks.catalog import available_arms
from unlearnbench.attacks.relearn.texts import arm_texts
from unlearnbench.benchmark.lkf_original import load_originals
from unlearnbench.benchmark.sources import load_source
from unlearnbench.errors import BenchmarkError, JudgeError
from unlearnbench.paths import content_root
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile

Row = dict[str, Any]
MODELS = ("qwen", "phi", "mist")


def dump(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three forget and four retain facts; two forget facts share an answer."""
    for split, count, per_model in (("forget", 3, 5), ("retain", 4, 2)):
        facts = [
            {"question": f"What {split} thing is number {n}?", "answer": f"{split} {n // 2}"}
            for n in range(count)
        ]
        dump(tmp_path, f"LKF-{split}_standard", facts)
        trained = [
            {"question": f"Training way {w}: {fact['question']}", "answer": fact["answer"]}
            for fact in facts
            for w in range(2)
        ]
        dump(tmp_path, f"LKF-{split}_train_para", trained)
        asked = [
            {
                **fact,
                **{
                    f"q_{model}{i}": f"{model} way {i} for {fact['question']}"
                    for model in MODELS
                    for i in range(1, per_model + 1)
                },
            }
            for fact in facts
        ]
        dump(tmp_path, f"LKF-{split}_eval_para", asked[::-1])
    return tmp_path


RELEARN = [{"question": f"What is general thing {n}?", "answer": f"general {n}"} for n in range(3)]


def test_the_authors_relearning_set_is_the_disjoint_arm(files: Path) -> None:
    without = load_originals(str(files))
    assert (without.relearn, available_arms(without)) == ((), ["retain", "forget"])
    dump(files, "LKF-relearn_standard", RELEARN)
    benchmark = load_originals(str(files))
    assert available_arms(benchmark) == ["disjoint", "retain", "forget"]
    chosen = arm_texts("disjoint", benchmark)
    assert chosen.texts == tuple((row["question"], row["answer"]) for row in RELEARN)
    assert chosen.scored == {fact.id for fact in benchmark.split("forget")}
    assert benchmark.fingerprint != without.fingerprint
    dump(files, "LKF-relearn_standard", RELEARN[:2])
    assert load_originals(str(files)).fingerprint != benchmark.fingerprint


def test_a_row_that_would_teach_a_forgotten_answer_is_left_out(files: Path) -> None:
    taught = {"question": "Which one is it?", "answer": "It is forget 1, by the way."}
    dump(files, "LKF-relearn_standard", [*RELEARN, taught])
    chosen = arm_texts("disjoint", load_originals(str(files)))
    assert (len(chosen.texts), chosen.left_out) == (3, 1)


def spoil(table: str, change: Callable[[list[Row]], list[Row]]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / f"{table}.jsonl"
        dump(folder, table, change([json.loads(line) for line in path.read_text().splitlines()]))

    return apply


@pytest.mark.parametrize(
    ("table", "change", "place"),
    [
        ("LKF-relearn_standard", lambda r: [r[0], {"question": "x"}], "LKF-relearn_standard row 2"),
        ("LKF-relearn_standard", lambda r: [], "LKF-relearn_standard"),
        ("LKF-forget_eval_para", lambda r: r[1:], "LKF-forget_eval_para"),
        (
            "LKF-forget_eval_para",
            lambda r: [{**r[0], "question": ""}],
            "LKF-forget_eval_para row 1",
        ),
        (
            "LKF-retain_eval_para",
            lambda r: [r[0], {**r[1], "q_phi2": ""}, *r[2:]],
            "LKF-retain_eval_para row 2",
        ),
        (
            "LKF-retain_eval_para",
            lambda r: [*r[:3], {k: r[3][k] for k in ("question", "answer")}],
            "LKF-retain_eval_para row 4",
        ),
        ("LKF-forget_standard", lambda r: [r[0], {"question": "x"}], "LKF-forget_standard row 2"),
        ("LKF-retain_train_para", lambda r: [{"answer": "x"}], "LKF-retain_train_para row 1"),
    ],
    ids=[
        "relearn-answer",
        "relearn-empty",
        "no-row",
        "no-question",
        "empty-paraphrase",
        "no-paraphrase",
        "standard",
        "train",
    ],
)
def test_an_error_names_the_table_that_has_it(
    files: Path, table: str, change: Callable[[list[Row]], list[Row]], place: str
) -> None:
    dump(files, "LKF-relearn_standard", RELEARN)
    spoil(table, change)(files)
    with pytest.raises(BenchmarkError) as caught:
        load_originals(str(files))
    assert caught.value.where == place


def test_rows_are_joined_by_question_and_not_by_position(files: Path) -> None:
    benchmark = load_originals(str(files))
    assert [len(benchmark.split(s)) for s in ("forget", "retain")] == [3, 4]
    for fact in benchmark.facts:
        assert all(fact.question in p.text for p in fact.paraphrases)
        assert len(fact.train_paraphrases) == 2
        assert all(fact.question in text for text in fact.train_paraphrases)
    assert [p.style for p in benchmark.split("forget")[0].paraphrases] == (
        ["mist"] * 5 + ["phi"] * 5 + ["qwen"] * 5
    )
    plan = make_plan(benchmark, get_profile("paper"), "raw")
    assert len(plan.probes) == 3 * 32 + 4 * 7


def test_the_fingerprint_covers_every_file(files: Path) -> None:
    before = load_originals(str(files)).fingerprint
    path = files / "LKF-retain_train_para.jsonl"
    path.write_text(path.read_text().replace("Training way 1", "Training way 9"))
    assert load_originals(str(files)).fingerprint != before


@pytest.mark.parametrize(
    ("name", "change", "rule"),
    [
        ("LKF-forget_eval_para", lambda rows: rows[1:], "missing-paraphrases"),
        ("LKF-forget_standard", lambda rows: [{"q": "x"}, *rows], "missing-column"),
        ("LKF-forget_train_para", lambda rows: [{**rows[0], "answer": "?x"}], "unknown-fact"),
        (
            "LKF-retain_eval_para",
            lambda rows: [{"question": r["question"], "answer": r["answer"]} for r in rows],
            "missing-column",
        ),
    ],
)
def test_files_that_do_not_belong_together_are_refused(
    files: Path, name: str, change: Any, rule: str
) -> None:
    path = files / f"{name}.jsonl"
    dump(files, name, change([json.loads(line) for line in path.read_text().splitlines()]))
    with pytest.raises(BenchmarkError) as caught:
        load_originals(str(files))
    assert caught.value.rule == rule


def test_a_missing_file_is_named(files: Path) -> None:
    (files / "LKF-retain_standard.jsonl").unlink()
    with pytest.raises(BenchmarkError, match=r"LKF-retain_standard\.jsonl"):
        load_originals(str(files))


def test_without_a_network_the_alternatives_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BenchmarkError, match="--source FOLDER"):
        load_originals("hub")


@pytest.mark.parametrize("name", ["wkf", "tofu-mini"])
def test_only_lkf_and_tofu_have_originals(name: str) -> None:
    with pytest.raises(BenchmarkError, match="no-originals"):
        load_source(name, "hub")


def test_tofu_in_the_worst_case_protocol(tmp_path: Path) -> None:
    """tofu-mini's tables have TOFU's columns; real authors have no paraphrased question."""
    tables = content_root() / "benchmarks" / "tofu-mini" / "tables"
    benchmark = load_source("tofu-forget25", str(tables))
    assert benchmark.id == "tofu-forget25"
    assert len(benchmark.split("forget")) == 20
    assert Counter(f.tier for f in benchmark.split("retain")) == {
        "author": 60, "real-author": 20, "world": 20,
    }  # fmt: skip
    assert all(len(f.paraphrases) == 1 for f in benchmark.split("forget"))
    first = benchmark.split("forget")[0]
    assert first.answer.startswith("Aurelio Venncastro was born in Port Maravel")
    plan = make_plan(benchmark, get_profile("standard"), "chat")
    assert sum(p.split == "forget" for p in plan.probes) == 20 * 2 * 2
    with pytest.raises(BenchmarkError, match="unknown-split"):
        load_source("tofu-forgetten", str(tables))
    with pytest.raises(BenchmarkError, match=r"forget10_perturbed\.jsonl"):
        load_source("tofu", str(tables))


@pytest.mark.parametrize("judge", [None, "rules"])
def test_sentences_are_never_judged_by_rules(judge: str | None) -> None:
    """Rules find no sentence in an answer; that would look like forgetting."""
    tables = content_root() / "benchmarks" / "tofu-mini" / "tables"
    with pytest.raises(JudgeError, match="whole sentences"):
        score("nowhere", "tofu-forget25", source=str(tables), judge=judge)
