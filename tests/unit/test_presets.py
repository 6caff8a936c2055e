"""What a preset sets, and which questions are trained on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unlearnbench.api.training import check_training
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.errors import TrainingError
from unlearnbench.plugins import available
from unlearnbench.training.encode import collect
from unlearnbench.training.settings import TrainSettings, preset_settings
from unlearnbench.types.options import TrainOptions


@pytest.mark.parametrize("method", available("methods"))
def test_the_papers_preset_is_one_for_all_methods(method: str) -> None:
    """32 rows a step on training paraphrases; a method's weights stay its own but for two."""
    settings, parameters = check_training(method, TrainOptions(preset="paper"))
    assert settings.batch_size * settings.accumulation == 32
    assert (settings.lr, settings.epochs, settings.weight_decay) == (8e-6, 10.0, 0.01)
    assert (settings.warmup_epochs, settings.questions) == (1.0, "paraphrases")
    plain, _ = check_training(method, TrainOptions())
    assert (settings.lambda_f, settings.lambda_r) == (plain.lambda_f, plain.lambda_r)
    assert getattr(parameters, "layout", "authors") == "authors"


def test_what_is_said_beside_a_preset_holds() -> None:
    options = TrainOptions(preset="paper", lr=1e-5, settings={"lambda_f": "1", "lambda_r": "1"})
    settings, parameters = check_training("jensun", options)
    assert (settings.lr, settings.lambda_f, settings.lambda_r) == (1e-5, 1.0, 1.0)
    assert parameters.layout == "authors"


def test_presets_of_a_model_are_for_its_method_alone() -> None:
    assert preset_settings("smollm2-135m", "jensun")["max_steps"] == 400
    assert preset_settings("smollm2-135m", "npo") == {}
    assert preset_settings(None, "jensun") == {}
    with pytest.raises(TrainingError, match="did you mean 'paper'"):
        preset_settings("papers", "jensun")


@pytest.fixture(scope="module")
def wkf() -> Benchmark:
    return load_benchmark("wkf")


def test_paraphrases_alone(wkf: Benchmark) -> None:
    refusals = ("No idea",)
    everything = collect(wkf, refusals)
    alone = collect(wkf, refusals, "paraphrases")
    originals = {fact.question for fact in wkf.facts}
    for side in ("forget", "retain", "refused"):
        whole, some = getattr(everything, side), getattr(alone, side)
        assert [q for q in whole if q.question not in originals] == list(some)
        assert len(some) < len(whole)


def test_a_fact_without_paraphrases_is_named(wkf: Benchmark) -> None:
    first, *others = wkf.facts
    bare = replace(wkf, facts=(replace(first, train_paraphrases=()), *others))
    assert len(collect(bare).forget) < len(collect(wkf).forget)
    with pytest.raises(TrainingError, match=f"{first.id}: no training paraphrase"):
        collect(bare, questions="paraphrases")


def test_questions_are_one_of_two() -> None:
    with pytest.raises(TrainingError, match="questions=some: one of all, paraphrases"):
        check_training("jensun", TrainOptions(settings={"questions": "some"}))
    assert TrainSettings().questions == "all"
