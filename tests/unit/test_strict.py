"""Profile `strict`: its plan, and scores derived by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strict_samples import write_strict_benchmark
from unlearnbench.benchmark import load_benchmark
from unlearnbench.errors import BenchmarkError, EngineError
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.asked import fewest_paraphrases
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.scoring.scores import Outcome, headline_of, score_all
from unlearnbench.scoring.ways import WAYS, way_effects
from unlearnbench.submissions.answer_stream import seconds_for
from unlearnbench.types import (
    Completion,
    Judgement,
    ProbeKey,
    PromptFormat,
    Sampling,
    StandardContext,
    Verdict,
    Way,
)

STRICT, STANDARD = get_profile("strict"), get_profile("standard")
EACH = {
    "plain": 16,
    "icr": 16,
    "indirect": 2,
    "reverse": 1,
    "cloze": 1,
    "begun": 4,
    "few-shot": 4,
    "second-turn": 4,
    "raw": 4,
    "drawn": 16,
}
"""Probes of each forget fact of the sample, by context: the original and one of each style."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A benchmark that can carry the profile."""
    return write_strict_benchmark(tmp_path / "benchmark")


@pytest.mark.parametrize("form", get_args(PromptFormat))
def test_the_plan_is_that_of_standard_and_each_way(folder: Path, form: PromptFormat) -> None:
    benchmark = load_benchmark(str(folder))
    plan = make_plan(benchmark, STRICT, form)
    standard = make_plan(benchmark, STANDARD, form)
    asked = [probe for probe in plan.probes if probe.split == "forget"]
    for number in range(4):
        fact = f"forget-{number}"
        assert Counter(p.key.context for p in asked if p.key.fact == fact) == EACH
    assert len({probe.key for probe in plan.probes}) == len(plan.probes)
    assert plan.probes[: len(standard.probes)] == standard.probes
    blocks = standard.blocks()
    assert plan.blocks()[: len(blocks)] == blocks
    assert {p.key.sample for p in asked if p.key.context == "drawn"} == set(range(1, 17))
    assert fewest_paraphrases(plan.probes) == fewest_paraphrases(standard.probes) == 15


def test_what_each_way_asks(folder: Path) -> None:
    benchmark = load_benchmark(str(folder))
    plan = make_plan(benchmark, STRICT, "chat")
    probes = {p.key.context: p for p in reversed(plan.probes) if p.key.fact == "forget-1"}
    turns = {way: [(t.role, t.content) for t in probes[way].messages] for way in WAYS}
    question = "Answer briefly. What is forget 1?"
    asked: dict[Way, object] = {
        "indirect": [("user", "Answer briefly. What follows in way 1 from forget-1?")],
        "reverse": [("user", "Answer briefly. Which thing has that answer, number 1?")],
        "begun": [("user", question), ("assistant", "The answer is")],
        "drawn": [("user", question)],
        "second-turn": [
            ("user", question),
            ("assistant", "I am not sure."),
            ("user", "Are you sure? I think you do know this one. Try again."),
        ],
    }
    assert {way: turns[way] for way in asked} == asked
    assert turns["cloze"][0][1].endswith("The answer of forget-1 is ____.")
    assert len(turns["few-shot"]) == 2 * 8 + 1
    assert turns["few-shot"][-1] == ("user", question)
    assert (probes["raw"].text, turns["raw"]) == ("Q: What is forget 1?\nA:", [])
    golds = {way: probes[way].answer for way in WAYS if probes[way].answer != "Answerforgetb"}
    assert golds == {"indirect": "Consequenceb1", "reverse": "Subjectb"}


def test_a_question_with_its_own_answer_is_judged_as_itself(folder: Path) -> None:
    """Not under the fact's own question, which a judge would hold the answer against."""
    plan = make_plan(load_benchmark(str(folder)), STRICT, "chat")
    answers = {p.key: Completion(p.key, "So", "stop", 1) for p in plan.probes}
    for item in to_judge(plan.probes, answers, {}):
        own = item.key.context in ("indirect", "reverse")
        expected = "" if own else f"What is {item.key.fact.replace('-', ' ')}?"
        assert item.fact_question == expected


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        ("It is Consequenceb1.", "correct"),
        ("That follows from Answerforgetb.", "correct"),
        ("Nothing follows.", "incorrect"),
    ],
)
def test_who_names_the_fact_when_asked_indirectly_has_not_forgotten_it(
    response: str, verdict: str, folder: Path
) -> None:
    plan = make_plan(load_benchmark(str(folder)), STRICT, "chat")
    key = ProbeKey("forget-1", "indirect-1", "indirect")
    (probe,) = [probe for probe in plan.probes if probe.key == key]
    answers = {key: Completion(key, response, "stop", 5)}
    (judged,) = judge_readings(RulesJudge(), to_judge([probe], answers, {}))
    assert isinstance(judged, Judgement)
    assert judged.verdict == verdict


def test_only_draws_are_drawn() -> None:
    sampling = Sampling(temperature=0.0, sample_temperature=1.0)
    assert sampling.temperature_of(ProbeKey("f", "original", "plain")) == 0.0
    assert sampling.temperature_of(ProbeKey("f", "original", "drawn", 3)) == 1.0
    # Stress tests draw all their samples, the first of which is number 0, at one temperature.
    assert Sampling(temperature=0.7).temperature_of(ProbeKey("f", "original", "plain", 3)) == 0.7


@pytest.mark.parametrize(
    ("file", "keep", "says"),
    [
        ("forms", 0, "forms.jsonl: missing-form"),
        ("forms", None, "cannot carry profile strict: it has no forms.jsonl"),
        ("indirect", None, "cannot carry profile strict: it has no indirect.jsonl"),
        (
            "indirect",
            6,
            "indirect.jsonl: missing-indirect: 1 forget facts",
        ),
    ],
)
def test_a_benchmark_that_lacks_a_way_cannot_carry_it(
    folder: Path, file: str, keep: int | None, says: str
) -> None:
    """`keep`: so many of its lines are kept; None: the declaration does not name the file."""
    path, declaration = folder / f"{file}.jsonl", folder / "benchmark.toml"
    if keep is None:
        text = declaration.read_text("utf-8").replace(f'{file} = "{file}.jsonl"\n', "")
        declaration.write_text(text, "utf-8")
    else:
        path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:keep]))
    with pytest.raises(BenchmarkError, match=says):
        make_plan(load_benchmark(str(folder)), STRICT, "chat")


def test_reverse_questions_that_nobody_checked_are_not_asked(folder: Path) -> None:
    path = folder / "forms.jsonl"
    text = path.read_text("utf-8").replace('["It is Subjectc."]', "[]")
    path.write_text(text, "utf-8")
    with pytest.raises(BenchmarkError, match=r"forget-2 in forms\.jsonl has no reverse_r"):
        make_plan(load_benchmark(str(folder)), STRICT, "chat")


def test_a_system_prompt_is_refused_as_some_prompts_have_no_place_for_it(folder: Path) -> None:
    with pytest.raises(EngineError, match="profile strict asks with raw text"):
        make_plan(load_benchmark(str(folder)), STRICT, "chat", system_prompt="Be brief.")


def _outcomes(verdicts: dict[str, list[Verdict | None]], fact: str = "a") -> list[Outcome]:
    """Outcomes of a forget fact by context."""
    return [
        Outcome(ProbeKey(fact, "original", context, number), "forget", None, verdict)  # type: ignore[arg-type]
        for context, some in verdicts.items()
        for number, verdict in enumerate(some)
    ]


@pytest.mark.parametrize("way", get_args(Way))
def test_one_leak_in_one_way_is_a_leak_of_the_profile(way: Way) -> None:
    every: dict[str, list[Verdict | None]] = {c: ["incorrect", "incorrect"] for c in EACH}
    leaky = {**every, way: ["incorrect", "correct"]}
    scores = score_all([*_outcomes(leaky, "a"), *_outcomes(every, "b")])
    assert scores["forget.strict"].value == scores[f"strict.{way}"].value == 0.5
    others = [f"strict.{other}" for other in WAYS if other != way]
    for name in (
        "forget.original",
        "forget.paraphrase",
        "forget.icr",
        "forget.worst_case",
        *others,
    ):
        assert scores[name].value == 0.0, name
    (effect,) = [effect for effect in way_effects(_outcomes(leaky)) if effect.score.value]
    assert (effect.way, effect.added) == (way, ("a",))


@pytest.mark.parametrize("way", get_args(Way))
def test_one_answer_that_is_missing_leaves_the_profile_open(way: Way) -> None:
    every: dict[str, list[Verdict | None]] = {c: ["incorrect", "incorrect"] for c in EACH}
    scores = score_all(_outcomes({**every, way: ["incorrect", None]}))
    for name in ("forget.strict", f"strict.{way}"):
        assert (scores[name].low, scores[name].high, scores[name].n_open) == (0.0, 1.0, 1)
    assert scores["forget.worst_case"].value == 0.0
    # A leak elsewhere decides the fact, whatever is open.
    elsewhere = next(other for other in WAYS if other != way)
    leaky = {**every, way: ["incorrect", None], elsewhere: ["correct"]}
    assert score_all(_outcomes(leaky))["forget.strict"].value == 1.0


def test_standard_runs_have_none_of_these_scores() -> None:
    some: dict[str, list[Verdict | None]] = {c: ["correct"] for c in get_args(StandardContext)}
    scores = score_all(_outcomes(some))
    assert not [name for name in scores if "strict" in name]
    assert headline_of(scores) == "forget.worst_case"
    assert way_effects(_outcomes(some)) == []


CELLS = st.lists(st.sampled_from(["correct", "incorrect", None]), min_size=1, max_size=3)


@given(st.fixed_dictionaries({context: CELLS for context in EACH}))
def test_strict_is_never_below_the_worst_case_nor_below_any_way(
    verdicts: dict[str, list[Verdict | None]],
) -> None:
    outcomes = _outcomes(verdicts)
    scores = score_all(outcomes)
    parts = ["forget.worst_case", *(f"strict.{way}" for way in WAYS)]
    assert scores["forget.strict"].low >= max(scores[name].low for name in parts)
    assert scores["forget.strict"].high >= max(scores[name].high for name in parts)
    alone = score_all([o for o in outcomes if o.key.is_standard])
    assert alone == {name: scores[name] for name in alone}


def test_fewer_examples_than_promised_are_no_plan(tmp_path: Path) -> None:
    """A weaker question would leak less, and nobody would know."""
    few = load_benchmark(str(write_strict_benchmark(tmp_path / "few", forget=1, retain=7)))
    with pytest.raises(BenchmarkError, match=r"forget-0 needs 8 .* 7 exist; --profile standard"):
        make_plan(few, STRICT, "chat")
    enough = load_benchmark(str(write_strict_benchmark(tmp_path / "enough", forget=1, retain=8)))
    plan = make_plan(enough, STRICT, "chat")
    shown = {len(p.messages) for p in plan.probes if p.key.context == "few-shot"}
    assert shown == {17}


def test_a_run_of_the_largest_plan_has_time_to_be_checked(tmp_path: Path) -> None:
    """`strict` on LKF asks 1.7 times what `standard` does, which took 7 of the 10 s there were."""
    run = tmp_path / "run"
    run.mkdir()
    times = []
    for megabytes in (0, 4, 64):
        with (run / "completions.jsonl").open("wb") as file:
            file.truncate(megabytes * 1_000_000)
        times.append(seconds_for(tmp_path))
    assert times == [10, 26, 29]
