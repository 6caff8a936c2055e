"""Records of utility that were changed or cut: none of their figures is a comfortable one."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import made_utility
from tests.made_utility import Made
from tests.utility_records import instruction_ids, utility_record
from unlearnbench.cli.utility_table import metrics_record
from unlearnbench.errors import RunError
from unlearnbench.hashing import sha256_json
from unlearnbench.runs.run import load_run
from unlearnbench.runs.schema.utility import (
    ChoiceTable,
    Drift,
    InstructionTable,
    JudgedInstruction,
    Metric,
    Preferences,
    PreferenceVerdict,
    StoredAnswer,
    UtilityRecord,
)
from unlearnbench.runs.utility import write_utility
from unlearnbench.types import Setting
from unlearnbench.utility.derived import derived, least_composite, why_not_derived
from unlearnbench.utility.preferences import preference_metrics

IDS = instruction_ids(3)
GOOD = dict.fromkeys(IDS, "Take the second road on the left and ask again at the old bridge.")
ASKED = {"1": "Say hello.", "2": "Name a colour."}


def record(**of_model: object) -> UtilityRecord:
    """A model beside a base, with fields of its measurement changed."""
    made = utility_record(GOOD, GOOD)
    return made.model_copy(update={"model": made.model.model_copy(update=of_model)})


def table(gold: Mapping[str, int], letters: Mapping[str, tuple[float, ...]]) -> dict[str, object]:
    return {"x": ChoiceTable(source="s", data="d", shots=0, gold=gold, letters=letters)}


def others(*answered: str, data: str = sha256_json(ASKED)) -> dict[str, object]:
    answers = {row: StoredAnswer(text="Red.", fault=None) for row in answered}
    return {"x": InstructionTable(source="s", data=data, instructions=ASKED, answers=answers)}


PROSE = record().model.prose
FOUR = (-1.0, -2.0, -2.0, -2.0)
FAULTS: dict[str, dict[str, object]] = {
    "more probable than certain": {"prose": {**PROSE, next(iter(PROSE)): (1.0, 1.0)}},
    "a paragraph without tokens": {"prose": {**PROSE, next(iter(PROSE)): ()}},
    "no question of others": {"tables": table({}, {})},
    "letters that are NaN": {"tables": table({"a": 0}, {"a": (math.nan, -1.0)})},
    "no letters": {"tables": table({"a": 0}, {"a": ()})},
    "letters without the right one": {"tables": table({"a": 2}, {"a": (-1.0, -1.0)})},
    "letters of no question": {"tables": table({"a": 0}, {"b": FOUR})},
    "an answer of others is missing": {"instructions": others("1")},
    "all answers of others are missing": {"instructions": others()},
    "other instructions": {"instructions": others("1", "2", data="0" * 64)},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_changed_measurement_has_no_figures(fault: str) -> None:
    with pytest.raises(RunError, match="rows are missing, or are no numbers"):
        derived(record(**FAULTS[fault]), Path("utility.json"))


def test_rows_of_others_that_are_whole_have_figures() -> None:
    whole = record(tables=table({"a": 0, "b": 1}, {"a": FOUR}), instructions=others("1", "2"))
    metrics = derived(whole, Path("utility.json")).metrics
    assert (metrics["choice.x"].low, metrics["choice.x"].high) == (0.5, 1.0)
    assert metrics["x.ngram_entropy"].n == 2


@pytest.mark.parametrize("of_token", [-5.0, math.nan, None])
def test_a_changed_drift_has_no_figures(of_token: float | None) -> None:
    """A divergence below 0, one that is no number, and a paragraph without any."""
    row = () if of_token is None else (of_token, of_token)
    same = {name: (0.0, 0.0) for name in PROSE}
    drift = Drift(kl={**same, next(iter(PROSE)): row}, jsd=same, refused=None)
    with pytest.raises(RunError, match="rows are missing, or are no numbers"):
        derived(record().model_copy(update={"drift": drift}), Path("utility.json"))
    kept = drift.model_copy(update={"kl": same})
    metrics = derived(record().model_copy(update={"drift": kept}), Path("utility.json")).metrics
    assert metrics["drift.kl"].value == 0.0


def test_figures_that_were_not_derived_are_called_so() -> None:
    """A row cut from every kind, and a composite written by hand."""
    whole = record()
    assert why_not_derived(whole) is None
    short = {
        name: dict(list(getattr(whole.model, name).items())[:-1])
        for name in ("letters", "choices", "answers", "prose")
    }
    written = {"composite": Metric(low=1.0, high=1.0, interval=None, n=4)}
    cut = record(**short).model_copy(update={"metrics": written})
    assert "not derived again" in str(why_not_derived(derived(cut, Path("utility.json"))))
    assert metrics_record(cut)["not_derived"] is not None


def test_a_base_asked_in_another_way_gives_no_composite() -> None:
    def with_settings(base: Mapping[str, Setting | None]) -> UtilityRecord:
        made = record(settings={"prompt_format": "chat", "dtype": "float32"})
        assert made.base is not None
        return made.model_copy(update={"base": made.base.model_copy(update={"settings": base})})

    same = with_settings({"prompt_format": "chat", "dtype": "float32"})
    other = with_settings({"prompt_format": "raw", "dtype": "float32"})
    assert "composite" in derived(same, Path("utility.json")).metrics
    assert "composite" not in derived(other, Path("utility.json")).metrics


def test_an_instruction_that_was_not_judged_or_not_answered_is_open() -> None:
    """Of three one is won, one has no verdicts, and one has verdicts but no answer."""
    won = JudgedInstruction(
        model_first=PreferenceVerdict(verdict="first", fault=None, reply="A"),
        base_first=PreferenceVerdict(verdict="second", fault=None, reply="B"),
    )
    said = Preferences(judge="j", identity="0", rows={IDS[0]: won, IDS[2]: won})
    made = utility_record({**GOOD, IDS[2]: None}, GOOD)
    assert made.base is not None
    rate = preference_metrics(said, made.model, made.base)["win_rate"]
    assert (rate.low, rate.high, rate.n, rate.n_open) == (1 / 3, 1.0, 3, 2)


def test_a_composite_that_was_edited_is_derived_again(
    scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    """What a campaign and a sweep show of a run follows from its rows, not from its figure."""
    folder = Path(shutil.copytree(scripted_runs["limited"], tmp_path / "run"))
    assert least_composite(load_run(folder)) is None
    fingerprint = load_run(folder).record.identity.checkpoint
    whole = made_utility.record(Made("lost", answers=0.5), fingerprint)
    nice = Metric(low=1.0, high=1.0, interval=None, n=4)
    edited = {
        "base": made_utility.measurement(Made("base"), "0" * 64),
        "metrics": {**whole.metrics, "composite": nice},
        "base_metrics": whole.metrics,
    }
    write_utility(whole.model_copy(update=edited), folder / "utility.json")
    left = least_composite(load_run(folder))
    assert left is not None
    assert left < 0.9
