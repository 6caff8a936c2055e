"""All of TOFU's metrics of a small model against open-unlearning d3d7cf9."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest

from tests.models import END, VOCABULARY, build, tokenizer
from tests.parity.values import stored
from unlearnbench.benchmark.tofu import TofuSets, load_tofu
from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.likelihood import likelihoods
from unlearnbench.tofu import measure as measuring
from unlearnbench.tofu.measure import AnswerScorer, RetainLog, TofuResult, measure
from unlearnbench.tofu.memorization import exact_memorization, extraction_strength
from unlearnbench.types import Probe
from unlearnbench.types.options import EngineOptions, TofuOptions

FLOAT32 = EngineOptions(dtype="float32")
RELEASED = TofuOptions(released_strength=True)
CLOSE: Any = {"rel": 1e-5, "abs": 1e-6}
Engines = Callable[[str, int], TransformersEngine]


@cache
def first_rows() -> TofuSets:
    """The first twenty rows of each set of tofu-mini."""
    sets = load_tofu("tofu-mini", "forget25")
    names = ("forget", "retain", "real_authors", "world_facts", "holdout")
    return replace(sets, **{name: getattr(sets, name)[:20] for name in names})


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """The small llama of a seed, with a chat template or without."""

    @cache
    def engine(form: str, seed: int) -> TransformersEngine:
        folder = tmp_path_factory.mktemp(f"{form}-{seed}")
        build("llama", seed).save_pretrained(folder)
        words = tokenizer(chat=form == "chat")
        words.add_tokens([f"<{number}>" for number in range(END + 1, VOCABULARY)])
        words.save_pretrained(folder)
        return TransformersEngine(str(folder), FLOAT32)

    return engine


def with_space_in_prompt(score: AnswerScorer) -> AnswerScorer:
    """The raw prompt of others ends with the space, a token of its own here."""

    def scored(answers: Sequence[tuple[Probe, str]]) -> list[AnswerTokens]:
        return [
            AnswerTokens(t.labels[1:], t.predicted[1:], t.logprobs[1:], t.mean[1:], t.std[1:], True)
            for t in score(answers)
        ]

    return scored


def measured(engine: TransformersEngine, form: str, log: RetainLog | None) -> TofuResult:
    scorer: AnswerScorer = partial(likelihoods, engine, end_token=True)
    scorer = scorer if form == "chat" else with_space_in_prompt(scorer)
    return measure(first_rows(), engine, scorer, log, RELEASED)


def assert_same(ours: Mapping[str, float | None], theirs: Mapping[str, float]) -> None:
    """Every score that both have; theirs is not a number where nothing was generated."""
    shared = {name: value for name, value in theirs.items() if name in ours and value == value}
    assert len(shared) >= 13
    assert {name: ours[name] for name in shared} == pytest.approx(shared, **CLOSE)


@pytest.mark.parametrize("form", ["chat", "raw"])
def test_every_score(form: str, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "NEW_TOKENS", 24)
    theirs = stored(f"tofu_tiny_{form}")
    retain = measured(engines(form, 1), form, None)
    assert_same(retain.scores, theirs["open_unlearning_retain_model"])
    mine = measured(engines(form, 0), form, RetainLog(retain.ratios, retain.aucs, ""))
    assert_same(mine.scores, theirs["open_unlearning"])
    assert mine.scores["forget_quality"] is not None
    assert list(mine.ratios.values()) == pytest.approx(theirs["truth_ratio_rows"], **CLOSE)
    share = [1 / (1 + ratio) for ratio in mine.ratios.values()]
    newer = theirs["open_unlearning"]["forget.truth_ratio(prob_mean, OpenUnlearning)"]
    assert sum(share) / len(share) == pytest.approx(newer, **CLOSE)


def test_the_end_token_is_what_changed(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it every score is theirs with the end masked; world facts differ by a third."""
    monkeypatch.setattr(measuring, "NEW_TOKENS", 1)
    engine, theirs = engines("chat", 0), stored("tofu_tiny_chat")
    options = replace(RELEASED, end_token=False)
    without = measure(first_rows(), engine, partial(likelihoods, engine), None, options)
    masked = dict(theirs["open_unlearning_end_token_masked"])
    masked.pop("forget_quality")
    assert_same(without.scores, masked)
    counted = theirs["open_unlearning"]["world_facts.truth_ratio"]
    assert without.scores["world_facts.truth_ratio"] == pytest.approx(1.368 * counted, rel=1e-3)


@pytest.mark.model
def test_rows_of_a_real_model_without_a_template() -> None:
    """Their labels leave out the first word piece, since their prompt ends with the space that
    belongs to it.
    """
    engine = TransformersEngine("smollm2-135m", FLOAT32)
    rows = first_rows().forget[:8]
    asked = [
        (measuring._probe("forget", number, row.question, "raw"), row.answer)
        for number, row in enumerate(rows)
    ]
    found = with_space_in_prompt(partial(likelihoods, engine, end_token=True))(asked)
    theirs = stored("smollm2_rows")["raw"]
    assert [t.loss for t in found] == pytest.approx(theirs["avg_loss"], rel=1e-4)
    words = [t.without_end for t in found]
    assert list(map(exact_memorization, words)) == pytest.approx(theirs["exact memorization"])
    released = [extraction_strength(word, as_released=True) for word in words]
    assert released == pytest.approx(theirs["extraction strength"])
    for name, attack in measuring.ATTACKS.items():
        scores = [attack(t, row.answer) for t, row in zip(found, rows, strict=True)]
        if name != "zlib":  # their text lacks the word piece too
            key = f"MIA score {name} (sign of theirs turned)"
            assert scores == pytest.approx(theirs[key], rel=1e-4)
