"""Stored records: what goes onto disk comes back, and what is damaged or newer is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unlearnbench.errors import RunError
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.schema import (
    ArmRecord,
    Budget,
    DoorRecord,
    Figures,
    ModelRef,
    Net,
    Point,
    RelearnIdentity,
    RelearnRecord,
    RunIdentity,
    RunRecord,
    ScoreIdentity,
    StressIdentity,
    StressRecord,
    TrainingData,
    TrainingRecord,
)
from unlearnbench.submissions.doubts import PARTS

WHERE = Path("runs/one/run.json")
TIME = "2026-01-02T03:04:05+00:00"
SCORE = {"value": 0.5, "low": 0.5, "high": 0.5, "n": 2, "n_open": 0, "interval": [0.1, 0.9]}


def run_json(**changes: Any) -> dict[str, Any]:
    """`run.json` of a finished score run, version 3."""
    identity = {
        "benchmark": "tiny",
        "benchmark_version": "1.0.0",
        "benchmark_fingerprint": "b" * 64,
        "answers": "short",
        "profile": "standard",
        "profile_fingerprint": "f" * 64,
        "plan": "1" * 64,
        "seed": 0,
        "limit": None,
        "max_new_tokens": 50,
        "engine": "transformers",
        "checkpoint": "c" * 64,
        "prompt_format": "chat",
        "dtype": "bfloat16",
        "thinking": False,
        "think_tokens": 0,
        "judge": "rules",
        "judge_identity": "j" * 64,
    }
    generator = {
        "engine": "transformers",
        "checkpoint": "model-a",
        "fingerprint": "c" * 64,
        "prompt_format": "chat",
        "settings": {"batch_size": 96, "thinking": False, "rate": 1.0},
        "parameters": 135,
        "notes": ["read back"],
        "source": None,
        "surroundings": {**dict.fromkeys(PARTS, "a" * 64), "weights": "b" * 64, "template": None},
    }
    record: dict[str, Any] = {
        "schema_version": 3,
        "status": "complete",
        "identity": identity,
        "generator": generator,
        "judge": {"name": "rules", "identity": "j" * 64, "usage": None},
        "versions": {"torch": "2.13.0", "peft": None},
        "platform": "Linux x86_64, Python 3.11.7",
        "created": TIME,
        "finished": TIME,
        "seconds": 1.5,
        "scores": {"forget.worst_case": SCORE},
        "training": None,
    }
    return {**record, **changes}


def part_json(**changes: Any) -> dict[str, Any]:
    """`run.json` of a run below a relearning run, version 1."""
    identity = {
        "checkpoint": "c" * 64,
        "arm": "near",
        "step": "2",
        "plan": "1" * 64,
        "judge": "rules",
        "judge_identity": "j" * 64,
        "max_new_tokens": 50,
        "temperature": 0.0,
        "sampling_seed": 0,
    }
    kept = ("status", "generator", "versions", "training")
    record = {name: value for name, value in run_json().items() if name in kept}
    return {"schema_version": 1, **record, "identity": identity, **changes}


def same(left: object, right: object) -> bool:
    """Equal to the letter: false is not 0, 1.0 is not 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def test_a_run_goes_to_disk_and_back_to_the_letter(tmp_path: Path) -> None:
    record = RunRecord.from_disk(run_json(), WHERE)
    assert same(record.to_disk(), run_json())
    folder = RunFolder(tmp_path)
    folder.write_record(record)
    assert folder.record() == record


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text('aé\n"', max_size=8),
)
names = st.text("abcdefgh_", min_size=9, max_size=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(names, scalars), st.booleans())
def test_an_identity_keeps_every_field_it_was_made_with(extra: dict[str, Any], part: bool) -> None:
    data = part_json() if part else run_json()
    given_ = {**data["identity"], **extra}
    record = RunRecord.from_disk({**data, "identity": given_}, WHERE)
    assert isinstance(record.identity, ScoreIdentity) is not part
    assert same(record.to_disk()["identity"], given_)
    assert same(record.identity.model_dump(), given_)


def test_identities_differ_by_name() -> None:
    mine = RunRecord.from_disk(part_json(), WHERE).identity
    other = RunIdentity(**{**part_json()["identity"], "arm": "half", "date": "2026"})
    assert list(mine.differences(mine)) == []
    assert list(mine.differences(other)) == [
        "arm: the folder has near, asked for half",
        "date: the folder has None, asked for 2026",
    ]


def test_version_1_named_the_judge_of_a_part_in_its_identity() -> None:
    record = RunRecord.from_disk(part_json(), WHERE)
    assert (record.judge.name, record.judge.identity) == ("rules", "j" * 64)
    assert record.created is None
    with pytest.raises(RunError, match="part of a stress or relearning run"):
        record.check("shown", WHERE.parent)
    with pytest.raises(RunError, match="not a run of score"):
        record.score_identity  # noqa: B018


@pytest.mark.parametrize("version", [0, 4, 10**20, None, "1", True, 1.0, [1], {}])
def test_other_versions_are_refused(version: Any) -> None:
    with pytest.raises(RunError, match=r"runs/one/run\.json: schema_version .* reads 1 to 3"):
        RunRecord.from_disk(run_json(schema_version=version), WHERE)


DAMAGED = [
    ("status", "done"),
    ("identity.plan", None),
    ("identity.benchmark_version", 4),
    ("identity.batch_size", {"a": 1}),
    ("identity.max_new_tokens", "50"),
    ("generator", None),
    ("generator.settings.x", []),
    ("generator.notes", "none"),
    ("judge.name", None),
    ("judge.usage.calls", -1),
    ("versions.torch", 2),
    ("created", "yesterday"),
    ("finished", "2026-01-02T03:04:05"),
    ("seconds", "1"),
    ("scores.retain.mean", None),
    ("training.method", None),
]


@pytest.mark.parametrize(("field", "value"), DAMAGED)
def test_a_damaged_field_is_named(field: str, value: Any) -> None:
    data = run_json()
    part, _, name = field.partition(".")
    if part == "judge" and name.startswith("usage"):
        usage = {"calls": value, "input_tokens": 0, "output_tokens": 0, "dollars": None}
        data["judge"] = {**data["judge"], "usage": usage}
    elif part == "training":
        data["training"] = {"method": value}
    elif part == "generator" and name.startswith("settings"):
        data["generator"] = {**data["generator"], "settings": {"x": value}}
    elif name:
        data[part] = {**data[part], name: value}
    else:
        data[part] = value
    with pytest.raises(RunError, match=rf"^runs/one/run\.json: {field}.*; restore it"):
        RunRecord.from_disk(data, WHERE)


@pytest.mark.parametrize(
    ("purpose", "field"),
    [
        ("shown", "created"),
        ("judged again", "identity.answers"),
        ("submitted", "platform"),
        ("submitted", "finished"),
        ("submitted", "scores"),
    ],
)
def test_a_use_names_what_it_lacks(purpose: Any, field: str) -> None:
    data = run_json()
    if field.startswith("identity."):
        del data["identity"]["answers"]
    else:
        data[field] = None
    RunRecord.from_disk(run_json(), WHERE).check(purpose, WHERE.parent)
    with pytest.raises(RunError, match=rf"runs/one/run\.json: {field}: missing"):
        RunRecord.from_disk(data, WHERE).check(purpose, WHERE.parent)


shares = st.floats(0, 1)
facts = st.sampled_from(["a", "b", "c"])
states = st.dictionaries(facts, st.sampled_from([True, False, None]))
leaked = st.lists(facts, unique=True).map(tuple)
texts = st.text("ab \n“”", max_size=6)
figures = st.builds(
    Figures,
    low=shares,
    high=shares,
    n=st.integers(0, 40),
    n_open=st.integers(0, 40),
    interval=st.tuples(shares, shares),
)
details = st.dictionaries(
    facts,
    st.recursive(st.booleans() | st.floats(0, 9) | st.integers(), lambda inner: st.lists(inner)),
    max_size=2,
)
doors = st.builds(
    DoorRecord,
    ranked=st.booleans(),
    states=states,
    score=st.none() | figures,
    beyond=leaked,
    control=st.none(),
    probes=st.integers(0, 9),
    seconds=st.floats(0, 9),
    details=details,
    note=texts,
)
points = st.builds(
    Point,
    step=st.integers(0, 64),
    loss=st.none() | st.floats(allow_nan=False),
    net=st.builds(Net, value=st.floats(-1, 1), interval=st.tuples(shares, shares)),
    **dict.fromkeys(
        ("forget", "question", "cloze", "never", "shuffled", "retain", "fluency"), figures
    ),
    leaked=leaked,
    n_open=st.integers(0, 9),
)
ABOUT = {
    "checkpoint": "c",
    "base": None,
    "benchmark": "tiny",
    "benchmark_version": "1.0.0",
    "benchmark_fingerprint": "b" * 64,
    "profile": "quick",
    "limit": None,
    "judge": "rules",
    "judge_identity": "j" * 64,
}


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(facts, doors, max_size=2), st.booleans())
def test_a_stress_record_goes_to_disk_and_back(found: dict[str, DoorRecord], dated: bool) -> None:
    record = StressRecord(
        status="running",
        identity=StressIdentity(**ABOUT, seed=0, dtype="float32"),
        checkpoint="model",
        base=None,
        created=TIME if dated else None,
        findings=found,
        seconds={name: 1.0 for name in found},
    )
    data = json.loads(json.dumps(record.to_disk()))
    assert StressRecord.from_disk(data, WHERE) == record
    assert same(StressRecord.from_disk(data, WHERE).to_disk(), data)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(points, max_size=3))
def test_a_relearning_record_goes_to_disk_and_back(curve: list[Point]) -> None:
    arm = ArmRecord(
        benign=True,
        rows=8,
        left_out=0,
        scored=3,
        tokens_a_step=1.0,
        trained_tokens_a_step=1.0,
        seeds={},
    )
    for point in curve:
        arm = arm.with_point(0, point)
    record = RelearnRecord(
        status="open",
        identity=RelearnIdentity(**ABOUT, profile_fingerprint="p" * 64, lora=False),
        checkpoint="model",
        base=None,
        profile=Budget(name="quick", steps=(0, 2), seeds=(0,)),
        ceiling=None,
        first=curve[0] if curve else None,
        arms={"near": arm},
        seconds=1.0,
    )
    data = json.loads(json.dumps(record.to_disk()))
    assert RelearnRecord.from_disk(data, WHERE) == record
    steps = [point.step for point in record.points]
    assert steps == list(dict.fromkeys(point.step for point in curve))


def test_a_loss_that_diverged_is_kept() -> None:
    record = TrainingRecord(
        method="npo",
        parameters={"beta": 0.1},
        settings={"seed": 0, "packed": True},
        base=ModelRef(name="base", fingerprint="f" * 64),
        data=TrainingData(
            benchmark="tiny", version="1", fingerprint="b" * 64, forget_rows=8, retain_rows=8
        ),
        versions={"torch": None},
        device="cpu",
        steps=1,
        stopped="stop_loss",
        curves=({"step": 1.0, "loss": float("nan"), "lr": float("inf")},),
        seconds=1.0,
        peak_memory=10,
    )
    (entry,) = TrainingRecord.from_disk(record.to_disk(), WHERE).curves
    assert entry["loss"] != entry["loss"]
    assert entry["lr"] == float("inf")
