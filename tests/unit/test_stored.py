"""Everything that an older version stored still opens, with equal scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unlearnbench.errors import RunError
from unlearnbench.runs.attacks import read_finished, read_relearn, read_stress
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.run import load_run
from unlearnbench.runs.schema import (
    Figures,
    FinishedRelearn,
    FinishedStress,
    RelearnRecord,
    ScoreIdentity,
    StressRecord,
    TrainingRecord,
)
from unlearnbench.runs.stored import load_answered, load_finished, load_judged
from unlearnbench.submissions.read import claimed_record, read_claim
from unlearnbench.submissions.schema import OTHER, Attestation, BaseClaim, Submission
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.utility_claim import UtilityClaim
from unlearnbench.training.record import read_record

STORED = Path(__file__).parents[1] / "fixtures" / "stored"
RUNS = sorted(STORED.glob("run-*"))
PARTS = sorted(path.parent for path in STORED.glob("*/*/run.json"))
STRESSED = sorted(STORED.glob("stress-*"))
RELEARNT = sorted(STORED.glob("relearn-*"))
TRAINED = sorted(STORED.glob("training-*"))


def stored(path: Path) -> dict[str, Any]:
    """The JSON object of a file as it stands there."""
    return dict(json.loads(path.read_text("utf-8")))


def test_there_is_one_of_each_shape() -> None:
    assert {path.name for path in RUNS} >= {"run-first", "run-usage", "run-2", "run-3"}
    counts = [len(paths) for paths in (RUNS, PARTS, STRESSED, RELEARNT, TRAINED)]
    assert counts == [7, 7, 4, 3, 2]


@pytest.mark.parametrize("folder", RUNS, ids=lambda p: p.name)
def test_a_run_opens_with_equal_scores(folder: Path) -> None:
    data, run = stored(folder / "run.json"), load_judged(folder)
    assert run.n_open == 0
    scores = {name: Figures.of(score) for name, score in run.scores.items()}
    kept = {name: Figures.model_validate(score) for name, score in data["scores"].items()}
    assert {name: scores[name] for name in kept} == kept
    assert set(scores) - set(kept) <= {"fluency"}
    assert load_finished(folder).record == run.record


@pytest.mark.parametrize("folder", [*RUNS, *PARTS], ids=lambda p: str(p.relative_to(STORED)))
def test_an_identity_stays_as_it_was_stored(folder: Path) -> None:
    record = RunFolder(folder).record()
    identity = json.dumps(stored(folder / "run.json")["identity"], sort_keys=True)
    assert json.dumps(record.to_disk()["identity"], sort_keys=True) == identity
    assert isinstance(record.identity, ScoreIdentity) is (folder in RUNS)
    assert record.judge.identity == record.identity.judge_identity


@pytest.mark.parametrize("folder", PARTS, ids=lambda p: str(p.relative_to(STORED)))
def test_a_part_of_an_attack_opens_and_is_no_score_run(folder: Path) -> None:
    assert load_run(folder).n_open == 0
    with pytest.raises(RunError, match="part of a stress or relearning run"):
        load_judged(folder)


def test_the_first_runs_do_not_say_in_what_form_answers_are() -> None:
    with pytest.raises(RunError, match=r"run\.json: identity\.answers: missing"):
        load_answered(STORED / "run-first")
    load_answered(STORED / "run-usage")


def test_what_was_spent_and_trained_is_read() -> None:
    usage = load_judged(STORED / "run-usage").record.judge.usage
    assert usage is not None
    assert (usage.calls, usage.dollars, usage.models) == (4, 0.01, {})
    training = load_judged(STORED / "run-training").record.training
    assert training is not None
    assert (training.method, training.steps, training.same_data) == ("npo", 2, True)


@pytest.mark.parametrize("folder", RUNS, ids=lambda p: p.name)
def test_only_the_newest_runs_say_what_surrounded_the_weights(folder: Path) -> None:
    data, record = stored(folder / "run.json"), load_judged(folder).record
    known = record.generator.surroundings
    assert (known is None) is (data["schema_version"] < 3)
    if known is not None:
        assert known.model_dump() == data["generator"]["surroundings"]


@pytest.mark.parametrize("folder", STRESSED, ids=lambda p: p.name)
def test_a_stress_record_opens_and_adds_up(folder: Path) -> None:
    from unlearnbench.attacks.stress.union import union_of

    record, data = read_finished(folder, "stress"), stored(folder / "stress.json")
    assert isinstance(record, FinishedStress)
    assert union_of(record.baseline, record.findings) == record.union
    for field in ("identity", "findings", "union", "seconds", "n_open"):
        assert record.to_disk()[field] == data[field]
    assert (record.date is None) is (data["schema_version"] == 1)
    by_vllm = data["schema_version"] == 3
    assert (record.identity.engine, record.compared) == (
        ("vllm", True) if by_vllm else (None, None)
    )
    assert set(record.left_out) == ({"interpolate", "lens", "quantize"} if by_vllm else set())
    assert read_stress(folder) == StressRecord.from_disk(record.to_disk(), folder)


@pytest.mark.parametrize("folder", RELEARNT, ids=lambda p: p.name)
def test_a_relearning_record_opens_and_adds_up(folder: Path) -> None:
    from unlearnbench.attacks.relearn.summary import summarise

    record, data = read_finished(folder, "relearn"), stored(folder / "relearn.json")
    assert isinstance(record, FinishedRelearn)
    assert summarise(record.arms, record.ceiling, record.first) == record.summary
    for field in ("identity", "profile", "arms", "seconds", "n_open"):
        assert record.to_disk()[field] == data[field]
    known = data["summary"]
    assert {name: record.to_disk()["summary"][name] for name in known} == known
    assert (record.date is None) is (data["schema_version"] == 1)
    assert read_relearn(folder) == RelearnRecord.from_disk(record.to_disk(), folder)


@pytest.mark.parametrize("folder", TRAINED, ids=lambda p: p.name)
def test_a_training_record_opens(folder: Path) -> None:
    record, data = read_record(folder), stored(folder / "unlearning.json")
    assert record is not None
    assert {name: record.to_disk()[name] for name in data if name != "schema_version"} == {
        name: value for name, value in data.items() if name != "schema_version"
    }
    assert (record.created is None) is (data["schema_version"] == 1)
    assert TrainingRecord.from_disk(record.to_disk(), folder) == record


CLAIMS = STORED / "claims"
SENT: dict[str, type[Submission | BaseClaim]] = {
    "submission.json": Submission,
    "submission-2.json": Submission,
    "base.json": BaseClaim,
}


@pytest.mark.parametrize("name", SENT)
def test_a_claim_of_a_run_opens(name: str) -> None:
    data = stored(CLAIMS / name)
    claim = read_claim((CLAIMS / name).read_bytes(), name, SENT[name])
    record = claimed_record(claim.run)
    assert record.scores is not None
    worst = record.scores["forget.worst_case"].value
    assert worst == data["run"]["scores"]["forget.worst_case"]["value"]
    assert claim.run.model_dump(mode="json", exclude_unset=True) == data["run"]


def test_a_first_utility_opens() -> None:
    data = stored(CLAIMS / "utility.json")
    assert data["schema_version"] == 1
    claim = read_claim((CLAIMS / "utility.json").read_bytes(), "utility.json", UtilityClaim)
    assert claim.to_disk() == {**data, "schema_version": UtilityClaim.VERSION, "settings": None}
    assert claim.measured.answers.keys() == data["answers"].keys()


def test_a_first_submission_names_the_base_whose_run_it_brought() -> None:
    data = stored(CLAIMS / "submission.json")
    assert data["schema_version"] == 1
    claim = read_claim((CLAIMS / "submission.json").read_bytes(), "submission.json", Submission)
    assert claim.schema_version == Submission.VERSION == 2
    assert claim.base == data["base"]["identity"]["checkpoint"]
    assert (claim.method, claim.note) == (data["method"], "")
    again = Submission.from_sent(claim.to_disk(), "submission.json")
    assert again == claim


@pytest.mark.parametrize("method", ["refusal tuning", "Jensun", "", "jensun\u200b"])
def test_a_first_submission_s_own_method_is_called_other(method: str) -> None:
    data = {**stored(CLAIMS / "submission.json"), "method": method}
    data["run"]["training"]["method"] = method
    claim = Submission.from_sent(data, "submission.json")
    assert claim.run.training is not None
    assert (claim.method, claim.run.training.method) == (OTHER, OTHER)


@pytest.mark.parametrize("run", [None, [], {}, {"training": "much"}])
def test_a_first_submission_without_a_run_is_refused(run: Any) -> None:
    with pytest.raises(Refusal, match=r"submission\.json, run"):
        Submission.from_sent({**stored(CLAIMS / "submission.json"), "run": run}, "submission.json")


@pytest.mark.parametrize("base", [None, 7, [], {}, {"identity": 1}, {"identity": {}}])
def test_a_first_submission_without_a_base_is_refused(base: Any) -> None:
    data = {**stored(CLAIMS / "submission.json"), "base": base}
    with pytest.raises(Refusal) as refused:
        Submission.from_sent(data, "submission.json")
    assert (refused.value.code, refused.value.where) == ("schema", "submission.json, base")


def test_an_attestation_opens() -> None:
    data = (CLAIMS / "attestation.json").read_bytes()
    attestation = read_claim(data, "attestation.json", Attestation)
    assert (attestation.kind, attestation.run) == ("attacked", None)


@pytest.mark.parametrize(
    ("name", "file"),
    [("run-3", "run.json"), ("stress-3", "stress.json"), ("relearn-2", "relearn.json")],
)
def test_a_newer_version_is_refused(name: str, file: str, tmp_path: Path) -> None:
    data = stored(STORED / name / file)
    newest = int(data["schema_version"])
    (tmp_path / file).write_text(json.dumps({**data, "schema_version": newest + 1}), "utf-8")
    read = {
        "run.json": lambda: RunFolder(tmp_path).record(),
        "stress.json": lambda: read_stress(tmp_path),
        "relearn.json": lambda: read_relearn(tmp_path),
    }
    with pytest.raises(RunError, match=rf"{file}: schema_version {newest + 1}, .* 1 to {newest}"):
        read[file]()


FIELDS = [
    ("stress-2", "stress.json", name)
    for name in ("status", "identity", "checkpoint", "base", "findings", "seconds")
] + [
    ("relearn-2", "relearn.json", name)
    for name in ("status", "identity", "profile", "ceiling", "first", "arms", "seconds")
]


@pytest.mark.parametrize(("folder", "file", "field"), FIELDS)
def test_a_missing_field_is_named(folder: str, file: str, field: str, tmp_path: Path) -> None:
    data = stored(STORED / folder / file)
    del data[field]
    (tmp_path / file).write_text(json.dumps(data), "utf-8")
    read = read_stress if file == "stress.json" else read_relearn
    with pytest.raises(RunError, match=rf"{file}: {field}: Field required"):
        read(tmp_path)


@pytest.mark.parametrize("version", ["1-first", "2"])
def test_a_report_dates_attacks_by_their_records(version: str) -> None:
    """Never by the time of a file, which copying changes."""
    from unlearnbench.reporting.load import collect_runs
    from unlearnbench.reporting.tables import run_rows

    folders = [STORED / f"{kind}-{version}" for kind in ("stress", "relearn")]
    (checkpoint,) = collect_runs(folders, lambda run: {})
    dates = {row.heading: row.cells[2] for row in run_rows(checkpoint)}
    expected = "unknown" if version == "1-first" else "2026-11-26"
    assert dates == {"stress": expected, "relearn": expected}
