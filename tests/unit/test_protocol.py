"""Plans, prompts, answers, and the rules a benchmark's rows must keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_benchmark
from unlearnbench.benchmark import benchmark_names, editions, load_benchmark
from unlearnbench.errors import BenchmarkError
from unlearnbench.protocol.plan import BLOCK_PROBES, make_plan
from unlearnbench.protocol.profiles import PROFILES, get_profile
from unlearnbench.scoring.answers import cut_answer
from unlearnbench.scoring.findings import PARTIAL, left_unasked


def test_a_standard_plan_has_32_probes_a_forget_fact_and_7_a_retain_fact(
    benchmark_folder: Path,
) -> None:
    plan = make_plan(load_benchmark(str(benchmark_folder)), get_profile("standard"), "chat")
    assert len(plan.probes) == 4 * 32 + 5 * 7
    assert len({probe.key for probe in plan.probes}) == len(plan.probes)


def test_in_context_examples_are_retain_facts_shared_by_a_family(benchmark_folder: Path) -> None:
    benchmark = load_benchmark(str(benchmark_folder))
    plan = make_plan(benchmark, get_profile("standard"), "chat")
    families: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    for probe in plan.probes:
        if probe.key.context == "icr":
            assert len(set(probe.examples)) == 3
            assert all(name.startswith("retain-") for name in probe.examples)
            families.setdefault((probe.key.fact, probe.key.style), set()).add(probe.examples)
    assert all(len(draws) == 1 for draws in families.values())
    redrawn = make_plan(benchmark, get_profile("paper"), "chat")
    draws = {p.examples for p in redrawn.probes if p.key.context == "icr"}
    assert len(draws) > len({draw for family in families.values() for draw in family})
    assert all(p.text is not None and p.text.endswith("ANSWER:") for p in redrawn.probes)


def test_no_in_context_example_names_the_answer(benchmark_folder: Path) -> None:
    """A retain row that tells a forget answer would make a forgotten fact look known."""
    path = benchmark_folder / "retain.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["answer"], rows[1]["question"] = "Old Answerforgeta", "Is answerforgetb far away?"
    path.write_text("\n".join(map(json.dumps, rows)))
    benchmark = load_benchmark(str(benchmark_folder))
    shown = {"forget-0": set(), "forget-1": set(), "forget-2": set()}  # type: dict[str, set[str]]
    for seed in range(20):
        for probe in make_plan(benchmark, get_profile("standard"), "chat", seed).probes:
            shown.get(probe.key.fact, set()).update(probe.examples)
    everyone = {f"retain-{number}" for number in range(5)}
    assert shown["forget-0"] == everyone - {"retain-0"}
    assert shown["forget-1"] == everyone - {"retain-1"}
    assert shown["forget-2"] == everyone
    rows[2]["answer"] = rows[3]["answer"] = "answerforgeta"
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(BenchmarkError, match="forget-0 needs 3 that do not name its answer, 2"):
        make_plan(load_benchmark(str(benchmark_folder)), get_profile("standard"), "chat")


def test_a_limited_plan_asks_the_same_prompts(benchmark_folder: Path) -> None:
    benchmark = load_benchmark(str(benchmark_folder))
    full = make_plan(benchmark, get_profile("standard"), "chat")
    some = make_plan(benchmark, get_profile("standard"), "chat", limit=2)
    assert set(some.probes) < set(full.probes)
    assert {p.key.fact for p in some.probes} == {"forget-0", "forget-1", "retain-0", "retain-1"}


def test_quick_asks_a_part_of_what_standard_asks() -> None:
    """So its worst case can only be lower, which every table of it says."""
    wkf = load_benchmark("wkf")
    whole = set(make_plan(wkf, get_profile("standard"), "chat").probes)
    part = set(make_plan(wkf, get_profile("quick"), "chat").probes)
    assert part < whole
    assert "can be much higher" in (left_unasked("quick") or "")
    assert left_unasked("standard") is None
    assert left_unasked("somebody's") is None
    assert {name for name, p in PROFILES.items() if p.per_style is not None} == PARTIAL


def test_the_seed_changes_the_draw_and_the_fingerprint(benchmark_folder: Path) -> None:
    benchmark = load_benchmark(str(benchmark_folder))
    one, two = (make_plan(benchmark, get_profile("standard"), "chat", seed) for seed in (0, 1))
    assert one.fingerprint != two.fingerprint
    assert one.fingerprint == make_plan(benchmark, get_profile("standard"), "chat").fingerprint


def test_blocks_are_whole_facts(tmp_path: Path) -> None:
    benchmark = load_benchmark(str(write_benchmark(tmp_path, forget=26, retain=5)))
    blocks = make_plan(benchmark, get_profile("standard"), "chat").blocks()
    facts = [{probe.key.fact for probe in block} for block in blocks]
    assert len(blocks) > 2
    assert all(not a & b for i, a in enumerate(facts) for b in facts[i + 1 :])
    assert all(len(block) >= BLOCK_PROBES for block in blocks[:-1])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Paris\n\nQuestion: What is next?\nAnswer: Rome", "Paris"),
        (" Paris QUESTION: Who?", "Paris"),
        ("Question: Capital? Answer: Paris", "Question: Capital? Answer: Paris"),
        ("Paris. That is a good question: yes", "Paris. That is a good question: yes"),
        ("Paris\n4. Question: x", "Paris"),
        ("", ""),
    ],
)
def test_answers_end_where_the_model_asks_itself(text: str, answer: str) -> None:
    assert cut_answer(text) == answer


def _rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{kind}.jsonl").read_text().splitlines()]


def _set(field: str, value: object) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[1][field] = value

    return change


@pytest.mark.parametrize(
    ("kind", "change", "rule"),
    [
        ("forget", _set("colour", "red"), "unknown-key"),
        ("forget", _set("question", ""), "invalid-value"),
        ("forget", _set("id", "forget-0"), "duplicate-id"),
        ("forget", _set("paraphrases", []), "missing-paraphrases"),
        ("forget", _set("answer", "forget"), "answer-in-question"),
        ("forget", _set("tier", "topic"), "unknown-tier"),
        ("retain", _set("tier", "nowhere"), "unknown-tier"),
        ("retain", _set("question", "what is FORGET 0"), "retain-equals-forget"),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(
    benchmark_folder: Path, kind: str, change: Callable[[list[dict[str, Any]]], None], rule: str
) -> None:
    rows = _rows(benchmark_folder, kind)
    change(rows)
    text = "\n".join(json.dumps(row) for row in rows)
    (benchmark_folder / f"{kind}.jsonl").write_text(text, "utf-8")
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(str(benchmark_folder))
    assert caught.value.rule == rule
    assert caught.value.where == f"{kind}.jsonl:2"


def test_an_unknown_benchmark_gets_the_nearest_name() -> None:
    with pytest.raises(BenchmarkError, match="did you mean 'wkf'"):
        load_benchmark("wkff")


def test_wkf_is_complete() -> None:
    wkf = load_benchmark("wkf")
    assert len(wkf.split("forget")) >= 20
    assert len(wkf.split("retain")) >= 40
    assert all(len(f.paraphrases) == 15 for f in wkf.split("forget"))
    assert all(len(f.paraphrases) == 6 for f in wkf.split("retain"))
    for fact in wkf.facts:
        starts = [" ".join(p.text.lower().split()[:4]) for p in fact.paraphrases]
        assert max(starts.count(start) for start in starts) <= 3, fact.id


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda text: text + "colour = 1\n", "unknown-key"),
        (lambda text: text.replace('title = "Tiny"\n', ""), "missing-key"),
        (lambda text: text.replace('"0.1.0"', '"one"'), "invalid-value"),
        (lambda text: text.replace("[splits.forget]", "[splits.forgot]"), "invalid-value"),
        (lambda text: text.replace("= [", "= [["), "invalid-toml"),
        (lambda text: text.replace('"forget.jsonl"', '"gone.jsonl"'), "missing-file"),
    ],
)
def test_a_bad_declaration_is_named(
    benchmark_folder: Path, change: Callable[[str], str], rule: str
) -> None:
    path = benchmark_folder / "benchmark.toml"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(str(benchmark_folder))
    assert caught.value.rule == rule
    assert caught.value.where in ("benchmark.toml", "gone.jsonl")


def test_line_ends_do_not_change_the_fingerprint(benchmark_folder: Path) -> None:
    before = load_benchmark(str(benchmark_folder)).fingerprint
    for path in benchmark_folder.glob("*.jsonl"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert load_benchmark(str(benchmark_folder)).fingerprint == before


@pytest.mark.parametrize("line", ["{", "[1]", "\xff"])
def test_a_line_that_is_no_row_is_named(benchmark_folder: Path, line: str) -> None:
    path = benchmark_folder / "retain.jsonl"
    path.write_bytes(path.read_bytes() + line.encode("latin-1"))
    with pytest.raises(BenchmarkError, match=r"retain\.jsonl:6"):
        load_benchmark(str(benchmark_folder))


@pytest.mark.parametrize("name", benchmark_names())
def test_every_edition_of_a_benchmark_is_found_by_its_version(name: str) -> None:
    for version, folder in editions(name).items():
        loaded = load_benchmark(f"{name}@{version}")
        assert (loaded.id, loaded.version, loaded.folder) == (name, version, folder)
    assert load_benchmark(name).version == next(iter(editions(name)))


@pytest.mark.parametrize("name", ["wkf@0.0.1", "wkf@", "wkf@../lkf", "wkf@editions/0.4.0"])
def test_an_edition_that_does_not_ship_is_answered_with_those_that_do(name: str) -> None:
    with pytest.raises(BenchmarkError, match=r"unknown-edition.*there are .*0\.4\.0"):
        load_benchmark(name)
