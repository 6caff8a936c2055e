"""Each check finds its fault, and the shipped benchmarks pass them all."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import CommandLine, write_benchmark
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.quality.breaches import every_text, overlap, telling_words
from unlearnbench.benchmark.quality.facts import check_facts
from unlearnbench.benchmark.quality.meaning import similarities
from unlearnbench.benchmark.quality.paraphrases import check_paraphrases, mean_overlap
from unlearnbench.errors import BenchmarkError
from unlearnbench.paths import content_root
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types import Fact, Paraphrase


def fact(name: str = "one", **changes: object) -> Fact:
    """A sound fact, changed."""
    texts = (
        "Which town did the river drown in spring?",
        "Name the place that was under water.",
        "By the flood of that April, what settlement was lost?",
    )
    sound = Fact(
        id=name,
        split="forget",
        topic="floods",
        question="What town was flooded?",
        answer="Veld",
        paraphrases=tuple(Paraphrase("wording", text) for text in texts),
        train_paraphrases=("Tell us where the water came in.",),
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


def rules(*facts: Fact) -> set[str]:
    return {f.rule for f in (*check_paraphrases(facts), *check_facts(facts))}


def said(*texts: str) -> tuple[Paraphrase, ...]:
    return tuple(Paraphrase("wording", text) for text in texts)


def test_a_sound_fact_passes() -> None:
    assert rules(fact()) == set()


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (
            [fact(paraphrases=said(*(f"What town was flooded {w}?" for w in "abc")))],
            "equal-starts",
        ),
        ([fact(paraphrases=said("Big dam burst?", "Burst, big dam?"))], "alike"),
        ([fact(paraphrases=said("Which town was lost?", "Which town was lost!"))], "alike"),
        ([fact(train_paraphrases=("What towns was flooded?",))], "trained-wording"),
        ([fact(), fact("two", answer="Oss")], "shared-wording"),
        ([fact(), fact("two")], "repeated-answer"),
        ([fact(), fact("two", answer="Oss", aliases=("Veld",))], "sibling-alias"),
        ([fact(), fact("two", split="retain", tier="topic")], "retain-answers-forget"),
    ],
)
def test_each_fault_is_found(facts: list[Fact], rule: str) -> None:
    assert rule in rules(*facts)


def test_overlap_by_hand() -> None:
    # {river, rose} and {river, fell}: one of three words in common.
    assert overlap(telling_words("the river rose"), telling_words("a river fell")) == pytest.approx(
        1 / 3
    )
    texts = said("river rose", "river fell", "dam burst")
    assert mean_overlap(fact(paraphrases=texts)) == pytest.approx((1 / 3) / 3)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("name", ["lkf", "wkf"])
def test_shipped_benchmarks_pass(name: str, command_line: CommandLine) -> None:
    done = command_line("show", "benchmark", name, "--check", "--json")
    assert done.code == 0, done.out[-3000:] + done.err
    assert json.loads(done.out)["check"]["findings"] == []


@pytest.mark.model
def test_another_question_is_found_unless_reviewed(
    tmp_path: Path, command_line: CommandLine
) -> None:
    folder = write_benchmark(tmp_path / "b", forget=1, retain=3)
    check = ("show", "benchmark", folder, "--check")
    path = folder / "forget.jsonl"
    row = json.loads(path.read_text())
    row["paraphrases"][0]["text"] = "How do I bake rye bread at home?"
    path.write_text(json.dumps(row))
    found = command_line(*check)
    assert found.code == 1
    assert "other-meaning: forget-0: 'How do I bake rye bread" in found.out
    reviewed = {"fact": "forget-0", "text": "How do I bake rye bread at home?"}
    (folder / "reviewed.jsonl").write_text(json.dumps(reviewed))
    kept = command_line(*check)
    assert "bake rye bread" not in kept.out
    (folder / "reviewed.jsonl").write_text(json.dumps({**reviewed, "text": "gone"}))
    stale = command_line(*check)
    assert "stale-review" in stale.out


@pytest.mark.model
def test_half_precision_only_finds_candidates() -> None:
    pairs = [(one, text) for one in (fact(),) for text in every_text(one)]
    exact, rough = similarities(pairs), similarities(pairs, "bfloat16")
    assert exact[0] == pytest.approx(1, abs=1e-4)
    assert rough == pytest.approx(exact, abs=0.02)
    assert similarities([]) == []


@pytest.mark.model
def test_what_a_check_prints(benchmark_folder: Path, command_line: CommandLine) -> None:
    for split in ("forget", "retain"):
        path = benchmark_folder / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        rows[0]["paraphrases"][0]["text"] = f"What did they call {split} 0 in Kalgoor in 1911?"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    shown = command_line("show", "benchmark", benchmark_folder, "--check")
    assert shown.code == 1
    clue = "'What did they call forget 0 in Kalgoor in 1911?'"
    assert f"added-clue: forget-0: Kalgoor, 1911 in {clue}" in shown.out
    assert "added-clue: retain-0" not in shown.out
    assert "of facts that are not to be forgotten (see --json): added-clue 1" in shown.out
    record = json.loads(
        command_line("show", "benchmark", benchmark_folder, "--check", "--json").out
    )
    notes = [note for note in record["check"]["notes"] if note["rule"] == "added-clue"]
    assert [note["fact"] for note in notes] == ["retain-0"]


@pytest.mark.parametrize(
    ("name", "rows", "rule"),
    [
        ("syntax", [{"id": "a", "topic": "t", "question": "Who?", "answer": "x"}], "missing-rows"),
        ("syntax", [{"id": "a", "topic": "t", "question": "Who?"}] * 2, "missing-key"),
        (
            "syntax",
            [{"id": "a", "topic": "t", "question": "Is it answerforgeta?", "answer": "x"}] * 2,
            "answer-in-relearning",
        ),
        ("prose", [{"id": "a", "topic": "t", "text": "AnswerForgetB!"}], "answer-in-relearning"),
        ("half", [{"fact": "forget-0"}, {"fact": "forget-0"}], "duplicate-id"),
        ("half", [{"fact": "retain-0"}, {"fact": "forget-0"}], "unknown-fact"),
    ],
)  # fmt: skip
def test_relearning_sets_are_checked(
    benchmark_folder: Path, name: str, rows: list[dict[str, str]], rule: str
) -> None:
    kind = {"syntax": "pairs"}.get(name, name)
    count = 1 if name == "prose" else 2
    with (benchmark_folder / "benchmark.toml").open("a") as file:
        file.write(f'[relearn.{name}]\nfile = "r.jsonl"\nkind = "{kind}"\nrows = {count}\n')
    (benchmark_folder / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(str(benchmark_folder))
    assert caught.value.rule == rule


def test_lkf_has_what_its_card_says() -> None:
    lkf = load_benchmark("lkf")
    forget, retain, never = (lkf.split(s) for s in ("forget", "retain", "never"))
    assert Counter(f.topic for f in forget) == dict.fromkeys(
        ["challenger", "dreyfus", "franklin", "gunpowder", "halifax"], 20
    )
    assert Counter(f.tier for f in retain) == {"topic": 100, "field": 100, "general": 200}
    assert len(never) == 60
    assert {part.name: len(part.pairs + part.texts + part.half) for part in lkf.relearn} == {
        "disjoint": 220, "syntax": 100, "near": 50, "near-miss": 100, "prose": 40, "half": 50,
    }  # fmt: skip
    for fact in (*forget, *never):
        assert Counter(p.style for p in fact.paraphrases) == dict.fromkeys(lkf.styles, 5)
    assert all(len(f.train_paraphrases) == 5 and f.source for f in forget)
    assert all(len(f.paraphrases) == 6 and len(f.train_paraphrases) == 2 for f in retain)
    half = next(part.half for part in lkf.relearn if part.name == "half")
    assert Counter(f.topic for f in forget if f.id in half) == dict.fromkeys(
        ["challenger", "dreyfus", "franklin", "gunpowder", "halifax"], 10
    )
    topics = [part for part in lkf.relearn if part.name == "disjoint"]
    assert len(topics[0].pairs) == 22 * 10
    plan = make_plan(lkf, get_profile("standard"), "chat")
    assert Counter(p.split for p in plan.probes) == {"forget": 3200, "retain": 2800}


@pytest.mark.parametrize("name", ["lkf", "wkf"])
@pytest.mark.parametrize("split", ["forget", "retain", "never", "forms"])
def test_datasets_opens_the_files(name: str, split: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    path = content_root() / "benchmarks" / name / f"{split}.jsonl"
    table = datasets.load_dataset("json", data_files=str(path), cache_dir=str(tmp_path))["train"]
    assert len(table) == len(path.read_text("utf-8").splitlines())


def test_wkf_has_what_its_card_says() -> None:
    wkf = load_benchmark("wkf")
    assert [len(wkf.split(s)) for s in ("forget", "retain", "never")] == [40, 120, 20]
    assert {part.name: len(part.pairs + part.texts + part.half) for part in wkf.relearn} == {
        "disjoint": 220, "syntax": 40, "near": 20, "near-miss": 40, "prose": 20, "half": 20,
    }  # fmt: skip
    assert {form.fact for form in wkf.forms} == {f.id for f in wkf.split("forget")}
    assert all(len(f.train_paraphrases) == 10 for f in wkf.split("forget"))
    assert all(len(f.train_paraphrases) == 8 for f in wkf.split("retain"))
