"""Attack records of strangers: read into the class that wrote them, or refused by their place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import report_samples as samples
from tests.attack_samples import with_summary, with_union
from unlearnbench.submissions.attacks import read_attacks, unknown_field
from unlearnbench.submissions.untrusted import Refusal

ROWS = Path(__file__).parents[1] / "fixtures" / "stored" / "rows"
STORED = sorted(ROWS.glob("*/stress.json")) + sorted(ROWS.glob("*/relearn.json"))
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("path", STORED, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_records_of_earlier_rows_are_read(path: Path) -> None:
    attacks = read_attacks({path.name: path.read_bytes()})
    (record,) = attacks.records
    stored = json.loads(path.read_bytes())
    kept = record.to_disk()
    assert record.kind == path.stem
    assert unknown_field(stored, {**kept, "schema_version": 1}) is None
    part = "union" if record.kind == "stress" else "summary"
    assert json.loads(json.dumps(kept[part])) == stored[part]


def test_no_records_are_no_attacks() -> None:
    assert read_attacks({"submission.json": b"{}"}).records == []


def stress() -> dict[str, Any]:
    states: dict[str, bool | None] = {"fact-0": True, "fact-1": False}
    doors = {"formats/cloze": samples.door(states)}
    return with_union(samples.stress_record("model", states, doors))


def relearn() -> dict[str, Any]:
    points = [samples.point(step, step) for step in (0, 2)]
    record = samples.relearn_record("model", {"near": samples.arm(points)})
    return with_summary(record, samples.point(0, 0))


def put(*steps: str | int, value: object) -> Change:
    def change(record: dict[str, Any]) -> None:
        place: Any = record
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = value

    return change


def drop(*steps: str | int) -> Change:
    def change(record: dict[str, Any]) -> None:
        place: Any = record
        for step in steps[:-1]:
            place = place[step]
        del place[steps[-1]]

    return change


BOTH: dict[str, tuple[Change, str]] = {
    "another kind": (put("kind", value="score"), "not a record of"),
    "no kind": (drop("kind"), "not a record of"),
    "a kind that is a list": (put("kind", value=["stress", "relearn"]), "not a record of"),
    "no version": (drop("schema_version"), "schema_version None"),
    "a newer version": (put("schema_version", value=99), "schema_version 99"),
    "version true": (put("schema_version", value=True), "schema_version True"),
    "version 1.0": (put("schema_version", value=1.0), "schema_version 1.0"),
    "a version in quotes": (put("schema_version", value="1"), "schema_version '1'"),
    "a long version": (put("schema_version", value="x" * 9999), "schema_version 'xxx"),
    "no identity": (drop("identity"), "identity: "),
    "an identity that is a list": (put("identity", value=[]), "identity: "),
    "no checkpoint": (drop("identity", "checkpoint"), "identity.checkpoint"),
    "a checkpoint of null": (put("identity", "checkpoint", value=None), "identity.checkpoint"),
    "a checkpoint that is a number": (put("identity", "checkpoint", value=7), "identity.checkp"),
    "a judge that is an object": (put("identity", "judge", value={}), "identity.judge"),
    "a limit in quotes": (put("identity", "limit", value="2"), "identity.limit"),
    "a limit of 0.5": (put("identity", "limit", value=0.5), "identity.limit"),
    "no status": (drop("status"), "status"),
    "a status of its own": (put("status", value="perfect"), "status"),
    "open facts below 0": (put("n_open", value=-1), "n_open"),
    "open facts true": (put("n_open", value=True), "n_open"),
    "open facts in quotes": (put("n_open", value="0"), "n_open"),
    "an extra field": (put("rank", value=1), "rank: no such field"),
    "training that is text": (put("training", value="much"), "training"),
}
STRESS: dict[str, tuple[Change, str]] = {
    "no union": (drop("union"), "union"),
    "a union of null": (put("union", value=None), "union"),
    "no baseline": (drop("baseline"), "baseline"),
    "findings that are a list": (put("findings", value=[]), "findings"),
    "a door that is null": (put("findings", "formats/cloze", value=None), "findings.formats/cloze"),
    "a state of 1": (put("baseline", "states", "fact-0", value=1), "baseline.states.fact-0"),
    "a state in words": (put("union", "states", "fact-0", value="no"), "union.states.fact-0"),
    "states that are a list": (put("baseline", "states", value=["fact-0"]), "baseline.states"),
    "ranked in words": (
        put("findings", "formats/cloze", "ranked", value="yes"),
        "findings.formats/cloze.ranked",
    ),
    "no ranked": (drop("findings", "formats/cloze", "ranked"), "findings.formats/cloze.ranked"),
    "a share above 1": (put("union", "score", "high", value=1.5), "union.score.high"),
    "a share in quotes": (put("union", "score", "low", value="0"), "union.score.low"),
    "an interval of one": (put("union", "score", "interval", value=[0.1]), "union.score.interval"),
    "an extra field of a door": (
        put("findings", "formats/cloze", "hidden", value=True),
        "findings.formats/cloze.hidden: no such field",
    ),
    "an extra field of a score": (
        put("union", "score", "best", value=0.0),
        "union.score.best: no such field",
    ),
    "a seed of null": (put("identity", "seed", value=None), "identity.seed"),
}
RELEARN: dict[str, tuple[Change, str]] = {
    "no summary": (drop("summary"), "summary"),
    "no first point": (drop("first"), "first"),
    "a first point of null": (put("first", value=None), "first"),
    "arms that are a list": (put("arms", value=[]), "arms"),
    "an arm that is a list": (put("arms", "near", value=[1]), "arms.near"),
    "an arm without points": (drop("arms", "near", "seeds"), "arms.near.seeds"),
    "points that are text": (put("arms", "near", "seeds", "0", value="none"), "arms.near.seeds.0"),
    "a point of null": (put("arms", "near", "seeds", "0", 1, value=None), "arms.near.seeds.0.1"),
    "a step of 2.0": (put("arms", "near", "seeds", "0", 1, "step", value=2.0), "arms.near"),
    "a negative step": (put("arms", "near", "seeds", "0", 1, "step", value=-2), "arms.near"),
    "a point without forget": (drop("arms", "near", "seeds", "0", 1, "forget"), "arms.near"),
    "a difference of 2": (put("first", "net", "value", value=2.0), "first.net.value"),
    "a fact that is a number": (put("first", "leaked", value=[7]), "first.leaked.0"),
    "an extra field of a point": (
        put("arms", "near", "seeds", "0", 1, "note", value=""),
        "arms.near.seeds.0.1.note: no such field",
    ),
    "a profile without seeds": (put("profile", "seeds", value=[]), "profile.seeds"),
    "LoRA in words": (put("identity", "lora", value="no"), "identity.lora"),
    "a worst arm of text": (put("summary", "worst_benign", value="near"), "summary.worst_benign"),
}
CASES = [
    *(("stress", name, *case) for name, case in {**BOTH, **STRESS}.items()),
    *(("relearn", name, *case) for name, case in {**BOTH, **RELEARN}.items()),
]


@pytest.mark.parametrize(
    ("kind", "name", "change", "says"), CASES, ids=lambda x: "" if callable(x) else x[:40]
)
def test_a_record_of_another_shape_is_refused(
    kind: str, name: str, change: Change, says: str
) -> None:
    record = copy.deepcopy(stress() if kind == "stress" else relearn())
    assert read_attacks({f"{kind}.json": json.dumps(record).encode()}).records
    change(record)
    with pytest.raises(Refusal) as refused:
        read_attacks({f"{kind}.json": json.dumps(record).encode()})
    assert refused.value.code == "attack"
    assert refused.value.where == f"{kind}.json"
    assert says in refused.value.what
    assert len(refused.value.what) <= 200


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-json"),
        (b"[]", "attack"),
        (b"null", "attack"),
        (b'"stress"', "attack"),
        (b"{}", "attack"),
        (b'{"kind": "stress", "n_open": NaN}', "not-json"),
        (b'{"kind": "stress", "n_open": Infinity}', "not-json"),
        (b'{"kind": "stress", "n_open": 1e999}', "not-json"),
        (b'{"kind": "stress", "n_open": ' + b"9" * 99 + b"}", "not-json"),
        (b'{"kind": "stress", "kind": "stress"}', "not-json"),
        (b'{"kind": ' + b"[" * 50 + b"]" * 50 + b"}", "too-deep"),
        (b'{"kind": "\xff"}', "not-utf-8"),
    ],
)
def test_bytes_that_are_no_record(data: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_attacks({"stress.json": data})
    assert refused.value.code == code
