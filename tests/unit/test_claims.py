"""Claims on disk: what ships reads back byte for byte, and anything else is refused by place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unlearnbench.runs.schema import ScoreIdentity
from unlearnbench.submissions.published import PUBLISHED, json_schema
from unlearnbench.submissions.read import read_claim
from unlearnbench.submissions.schema import BaseClaim, Claim, ClaimedIdentity, Submission
from unlearnbench.submissions.untrusted import Refusal

ROOT = Path(__file__).parents[2] / "leaderboard"
SHIPPED = sorted((ROOT / "submissions").glob("*/submission.json"))
BASES = sorted((ROOT / "bases").glob("*/base.json"))


@pytest.mark.parametrize("path", [*SHIPPED, *BASES], ids=lambda p: p.parent.name)
def test_a_claim_that_ships_reads_back_to_the_letter(path: Path) -> None:
    shape = BaseClaim if path in BASES else Submission
    data = path.read_bytes()
    claim = read_claim(data, path.name, shape)
    text = json.dumps(claim.to_disk(), indent=1, ensure_ascii=False) + "\n"
    assert text.encode() == data
    assert shape.from_disk(claim.to_disk(), path) == claim


def test_there_are_claims_that_ship() -> None:
    assert (len(SHIPPED), len(BASES)) == (13, 3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_schemas_name_nothing_of_ours(name: str) -> None:
    text = json.dumps(json_schema(name))
    assert "ClaimedIdentity" not in text
    assert json.loads(text) == json.loads((ROOT / "schema" / f"{name}.schema.json").read_text())


def test_a_claimed_identity_is_part_of_a_run_s() -> None:
    """The fields have one meaning: what a run calls `plan` is what its claim calls so."""
    assert set(ClaimedIdentity.model_fields) <= set(ScoreIdentity.model_fields)


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "submissions/jensun/submission.json").read_text())
    return found


Change = Callable[[dict[str, Any]], object]


def put(*steps: str, value: object) -> Change:
    def change(claim: dict[str, Any]) -> None:
        for step in steps[:-1]:
            claim = claim[step]
        claim[steps[-1]] = value

    return change


def drop(*steps: str) -> Change:
    def change(claim: dict[str, Any]) -> None:
        for step in steps[:-1]:
            claim = claim[step]
        del claim[steps[-1]]

    return change


WORST = ("run", "scores", "forget.worst_case")
DAMAGED: dict[str, tuple[Change, str]] = {
    "no version": (drop("schema_version"), "schema_version"),
    "a newer version": (put("schema_version", value=3), "schema_version"),
    "version 0": (put("schema_version", value=0), "schema_version"),
    "a negative version": (put("schema_version", value=-1), "schema_version"),
    "a version in quotes": (put("schema_version", value="1"), "schema_version"),
    "version true": (put("schema_version", value=True), "schema_version"),
    "version 1.0": (put("schema_version", value=1.0), "schema_version"),
    "a version without end": (put("schema_version", value="9" * 5000), "schema_version"),
    "no run": (drop("run"), "run"),
    "a run of null": (put("run", value=None), "run"),
    "a run that is a list": (put("run", value=[]), "run"),
    "a base that is a name": (put("base", value="smollm2-135m"), "base"),
    "a base that is a path": (put("base", value="../bases/mine"), "base"),
    "a base that is a run": (put("base", value={"identity": {}}), "base"),
    "a base of null": (put("base", value=None), "base"),
    "no base": (drop("base"), "base"),
    "a base and a line break": (put("base", value="a" * 64 + "\n"), "base"),
    "no identity": (drop("run", "identity"), "run.identity"),
    "an identity that is a number": (put("run", "identity", value=7), "run.identity"),
    "an extra key": (put("trust", value="attacked"), "trust"),
    "an extra key in the run": (put("run", "rank", value=1), "run.rank"),
    "an extra key in the identity": (put("run", "identity", "x", value=1), "run.identity.x"),
    "an extra key in a score": (put(*WORST, "x", value=1), "run.scores.forget.worst_case.x"),
    "a fingerprint that is short": (
        put("run", "identity", "checkpoint", value="abc"),
        "run.identity.checkpoint",
    ),
    "a fingerprint in capitals": (
        put("run", "identity", "plan", value="A" * 64),
        "run.identity.plan",
    ),
    "a seed that is a float": (put("run", "identity", "seed", value=0.0), "run.identity.seed"),
    "a seed that is true": (put("run", "identity", "seed", value=True), "run.identity.seed"),
    "a negative seed": (put("run", "identity", "seed", value=-1), "run.identity.seed"),
    "a huge seed": (put("run", "identity", "seed", value=2**70), "run.identity.seed"),
    "no new tokens": (
        put("run", "identity", "max_new_tokens", value=0),
        "run.identity.max_new_tokens",
    ),
    "an unknown format": (
        put("run", "identity", "prompt_format", value="xml"),
        "run.identity.prompt_format",
    ),
    "a score of NaN": (put(*WORST, "value", value=float("nan")), "run.scores"),
    "a score below 0": (put(*WORST, "low", value=-0.1), "run.scores"),
    "a score that is a whole number in quotes": (put(*WORST, "high", value="1"), "run.scores"),
    "an interval of one": (put(*WORST, "interval", value=[0.1]), "run.scores"),
    "an interval of three": (put(*WORST, "interval", value=[0.1, 0.2, 0.3]), "run.scores"),
    "an interval beyond 1": (put(*WORST, "interval", value=[0.1, 1.2]), "run.scores"),
    "a count of facts below 0": (put(*WORST, "n", value=-1), "run.scores"),
    "scores that are a list": (put("run", "scores", value=[]), "run.scores"),
    "parameters below 1": (put("run", "parameters", value=0), "run.parameters"),
    "parameters beyond all models": (put("run", "parameters", value=10**15), "run.parameters"),
    "training that is text": (put("run", "training", value="much"), "run.training"),
    "settings that nest": (put("run", "settings", value={"a": {"b": 1}}), "run.settings"),
    "a version of a library that is a list": (
        put("run", "versions", value={"torch": []}),
        "run.versions",
    ),
    "a day that is none": (put("created", value="2026-02-30T00:00:00+00:00"), "created"),
    "the year 9999": (put("run", "created", value="9999-12-31T00:00:00+00:00"), "run.created"),
    "a method that does not ship": (put("method", value="refusal"), "method"),
    "a method in capitals": (put("method", value="JensUn"), "method"),
    "a method by its module": (put("method", value="os:system"), "method"),
    "a note that is too long": (put("note", value="x" * 301), "note"),
    "a note of null": (put("note", value=None), "note"),
    "surroundings of nothing": (put("run", "surroundings", value={}), "run.surroundings"),
    "a name of a list": (put("name", value=["x"]), "name"),
    "a name of spaces": (put("name", value=" x"), "name"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_claim_is_refused_by_its_place(name: str, good: dict[str, Any]) -> None:
    change, place = DAMAGED[name]
    claim = copy.deepcopy(good)
    change(claim)
    with pytest.raises(Refusal) as refused:
        Submission.from_sent(claim, "submission.json")
    assert refused.value.code == "schema"
    assert refused.value.where.startswith(f"submission.json, {place}"), refused.value


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-json"),
        (b"null", "schema"),
        (b"7", "schema"),
        (b"[]", "schema"),
        (b'"claim"', "schema"),
        (b"{}", "schema"),
        (b"[" * 5000, "too-deep"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, "too-deep"),
        (b'{"schema_version": NaN}', "not-json"),
        (b'{"schema_version": -Infinity}', "not-json"),
        (b'{"schema_version": 1e999}', "not-json"),
        (b'{"schema_version": ' + b"9" * 100 + b"}", "not-json"),
        (b'{"schema_version": 1, "schema_version": 1}', "not-json"),
        (b'{"name": "\xff"}', "not-utf-8"),
        (b'{"name": "\\ud800"}', "not-json"),
        (b'{"name": "x"} trailing', "not-json"),
        (b"{'name': 'x'}", "not-json"),
    ],
)
@pytest.mark.parametrize("shape", PUBLISHED.values(), ids=PUBLISHED)
def test_bytes_that_are_no_claim(data: bytes, code: str, shape: type[Claim]) -> None:
    with pytest.raises(Refusal) as refused:
        read_claim(data, "claim.json", shape)
    assert refused.value.code == code
