"""Attacks with their answers: an honest one is derived again, every forged one is refused."""

from __future__ import annotations

import gzip
import json
import resource
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests import scripted_attacks
from tests.conftest import ABOUT
from tests.forgeries.attack_changes import lines
from tests.forgeries.attacks import MUTATIONS
from tests.forgeries.forgery import Forgery, seal
from tests.scripted import ScriptedEngine
from tests.scripted_attacks import Attacker
from unlearnbench.api.attestations import attest
from unlearnbench.api.submissions import listed_judges, submit, verify
from unlearnbench.attacks.catalog import SCALES
from unlearnbench.attacks.stress.planned import StressInputs, first_replies
from unlearnbench.attacks.stress.plans import PLANS, RANKED, doors_of, folder_of
from unlearnbench.attacks.stress.quantizers import QUANTIZERS
from unlearnbench.attacks.stress.variants import QUANTISED, plan_baseline
from unlearnbench.benchmark import load_benchmark
from unlearnbench.errors import SubmissionError
from unlearnbench.leaderboard.trust import levels
from unlearnbench.runs.run import load_run
from unlearnbench.runs.schema import utc_now
from unlearnbench.submissions.attack_answers import attack_answers
from unlearnbench.submissions.attack_checks import check_attacks
from unlearnbench.submissions.attacks import read_attacks
from unlearnbench.submissions.layout import ATTACK_FILES
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.verify import Checked, attacked_row
from unlearnbench.types import Completion, Probe, Sampling
from unlearnbench.types.options import About, EngineOptions


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A suite of every stress test, and relearning runs of two arms and of all benign ones."""
    out, attacker = tmp_path_factory.mktemp("attacks"), Attacker()
    return {
        "stress": attacker.stress(out / "stress"),
        "relearn": attacker.relearn(out / "relearn", "disjoint", "half"),
        "benign": attacker.relearn(out / "benign"),
    }


@pytest.fixture(scope="module")
def good(
    scripted_runs: dict[str, Path],
    bases: Path,
    folders: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A submission with attacks."""
    attacks = [folders["stress"], folders["relearn"]]
    return submit(
        scripted_runs["forgets-a"],
        "knows-all-wkf",
        About(*ABOUT),
        attacks=attacks,
        out=tmp_path_factory.mktemp("good") / "attacked",
        bases=bases,
    )


@pytest.fixture(scope="module")
def row(good: Path, bases: Path) -> Checked:
    """The submission, read."""
    (found,) = verify([good], bases=bases)
    assert found.ok, found.reasons
    assert found.checked is not None
    return found.checked


def refusals(folder: Path, row: Checked) -> list[Refusal]:
    """What is wrong with the attacks in a folder."""
    data = {path.name: path.read_bytes() for path in folder.iterdir()}
    try:
        attacks = read_attacks(data)
    except Refusal as reason:
        return [reason]
    return list(check_attacks(attacks, attacked_row(row, row.claim.created), listed_judges()))


def test_an_honest_one_stands(good: Path, row: Checked) -> None:
    assert set(ATTACK_FILES) <= {path.name for path in good.iterdir()}
    assert row.attacks.derived == {"stress", "relearn"}
    began = time.process_time()
    assert refusals_of(good, row) == []
    assert time.process_time() - began < 5


def refusals_of(good: Path, row: Checked) -> list[Refusal]:
    data = {name: (good / name).read_bytes() for name in ATTACK_FILES}
    target = attacked_row(row, row.claim.created)
    return list(check_attacks(read_attacks(data), target, listed_judges()))


class Quiet(ScriptedEngine):
    """Knows no forget fact, whatever its name."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        for result, probe in zip(super().generate(block, sampling), block, strict=True):
            yield replace(result, text="No idea") if probe.split == "forget" else result


@pytest.mark.parametrize(
    ("kind", "quiet", "words"),
    [
        ("stress", "forgets-a", "5 of 40 facts are otherwise than in the row's own run"),
        ("relearn", "forgets-a", "5 of 40 facts are otherwise than in the row's own run"),
        ("relearn", "knows-all", "40 of 40 facts are otherwise than in the accepted run"),
    ],
    ids=["stress", "relearn", "base"],
)
def test_attacks_on_another_model_than_the_one_that_was_scored(
    kind: str, quiet: str, words: str, row: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose answers make a record that adds up."""

    def engine(name: str, options: EngineOptions) -> ScriptedEngine:
        return (Quiet if name.startswith(quiet) else ScriptedEngine)(name, options)

    monkeypatch.setattr(scripted_attacks, "ScriptedEngine", engine)
    attacker = Attacker()
    made = (
        attacker.stress(tmp_path / "made", "formats")
        if kind == "stress"
        else attacker.relearn(tmp_path / "made", "disjoint")
    )
    data = {f"{kind}.json": (made / f"{kind}.json").read_bytes()}
    data[f"{kind}.jsonl.gz"] = attack_answers(made)
    target = attacked_row(row, utc_now())
    (reason,) = check_attacks(read_attacks(data), target, listed_judges())
    assert reason.code == "attack"
    assert words in reason.what


def test_the_same_answers_are_the_same_bytes(folders: dict[str, Path], good: Path) -> None:
    for kind in ("stress", "relearn"):
        assert attack_answers(folders[kind]) == (good / f"{kind}.jsonl.gz").read_bytes()


def test_a_line_says_what_was_asked_and_answered(good: Path) -> None:
    first = json.loads(gzip.decompress((good / "stress.jsonl.gz").read_bytes()).splitlines()[0])
    assert first["run"] == "baseline"
    assert (first["phrasing"], first["context"], first["sample"]) == ("original", "plain", 0)
    assert set(first) == {
        "verdict", "raw", "run", "fact", "phrasing", "context", "sample", "text", "finish_reason",
        "n_tokens",
    }  # fmt: skip


@pytest.mark.parametrize("forgery", MUTATIONS, ids=lambda forgery: forgery.name)
def test_forged(forgery: Forgery, good: Path, row: Checked, tmp_path: Path) -> None:
    folder = tmp_path / "row"
    folder.mkdir()
    for name in ATTACK_FILES:
        shutil.copy(good / name, folder / name)
    forgery.change(folder)
    leave_changed(folder, good)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = refusals(folder, row)
    assert [reason.code for reason in found][:1] == [forgery.code], found
    assert forgery.words in str(found[0])
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def leave_changed(folder: Path, good: Path) -> None:
    """Remove the attack that was not touched: it was found good before."""
    for kind in ("stress", "relearn"):
        names = [name for name in ATTACK_FILES if name.startswith(kind)]
        if all(same(folder / name, good / name) for name in names):
            for name in names:
                (folder / name).unlink()


def same(one: Path, other: Path) -> bool:
    return one.is_file() and one.read_bytes() == other.read_bytes()


def test_forgeries_are_named_once() -> None:
    names = [forgery.name for forgery in MUTATIONS]
    assert len(names) == len(set(names)) >= 150


@pytest.mark.parametrize("forgery", MUTATIONS[:: len(MUTATIONS) // 6], ids=lambda f: f.name)
def test_a_forged_attack_refuses_its_row(
    forgery: Forgery, good: Path, bases: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "row"
    shutil.copytree(good, folder)
    forgery.change(folder)
    seal(folder)
    (found,) = verify([folder], bases=bases)
    assert [reason.code for reason in found.reasons][:1] == [forgery.code], found.reasons
    assert levels(found, []) == ["claimed"]


def board(good: Path, tmp_path: Path) -> Path:
    """The submission in a board's folder of its own."""
    return Path(shutil.copytree(good, tmp_path / "board" / "submissions" / "attacked"))


def test_attacked_takes_every_benign_arm_and_every_door(
    good: Path, bases: Path, folders: dict[str, Path], tmp_path: Path
) -> None:
    (found,) = verify([good], bases=bases)
    assert levels(found, []) == ["logged"], "five benign arms are missing"
    folder = board(good, tmp_path)
    others = attest(folder, [folders["benign"]], "B. Person", bases=bases)
    assert others.attacks.derived == {"relearn"}
    assert levels(found, [others]) == ["logged", "attacked"]


def test_a_record_without_answers_is_told(
    good: Path, bases: Path, folders: dict[str, Path], tmp_path: Path
) -> None:
    """It is shown, may lower a row, and never makes it `attacked`."""
    folder = board(good, tmp_path)
    for kind in ("stress", "relearn"):
        (folder / f"{kind}.jsonl.gz").unlink()
    seal(folder)
    (found,) = verify([folder], bases=bases)
    assert found.ok, found.reasons
    assert found.checked is not None
    assert found.checked.attacks.derived == frozenset()
    assert len(found.checked.attacks.records) == 2
    others = attest(folder, [folders["benign"]], "B. Person", bases=bases)
    assert levels(found, [others]) == ["logged"]


def test_an_older_version_of_the_judge_is_told_too(
    good: Path, row: Checked, tmp_path: Path
) -> None:
    """Answers under another version of the rules are judged anew; a told record stays as it is."""
    for kind in ("stress", "relearn"):
        shutil.copy(good / f"{kind}.json", tmp_path)
        path = tmp_path / f"{kind}.json"
        record = json.loads(path.read_text())
        record["identity"]["judge_identity"] = "0" * 64
        path.write_text(json.dumps(record))
    assert refusals(tmp_path, row) == []


TOLD = [f for f in MUTATIONS if "answers" not in f.name and f.code in ("attack", "times")]
DERIVED_ONLY = {
    "a fluent baseline", "a finding of one's own", "leak@k lowered", "a note of one's own",
    "details of one's own", "another distance in the note", "stress: old judge",
    "relearn: old judge", "a forged answer with its verdict", "retain kept", "fluency kept",
    "never-known facts known", "stress: no record", "relearn: no record",
    "an arm left out with its answers", "a step dropped with its answers", "nothing leaked",
    "a baseline that forgot",
}  # fmt: skip
"""Forgeries that only the answers show, or that need them."""


@pytest.mark.parametrize(
    "forgery", [f for f in TOLD if f.name not in DERIVED_ONLY], ids=lambda f: f.name
)
def test_a_forged_record_without_answers(
    forgery: Forgery, good: Path, row: Checked, tmp_path: Path
) -> None:
    for kind in ("stress", "relearn"):
        shutil.copy(good / f"{kind}.json", tmp_path)
    forgery.change(tmp_path)
    found = refusals(tmp_path, row)
    assert [reason.code for reason in found][:1] == [forgery.code], found


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("formats/role", "its answers are not there any more"),
        ("baseline", "its answers are not there any more"),
        ("quantize/int8/outcomes.jsonl", "probes are open"),
    ],
)
def test_submit_refuses_an_attack_without_its_answers(
    part: str, says: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "stress"
    shutil.copytree(folders["stress"], copy)
    path = copy / part
    shutil.rmtree(path) if path.is_dir() else path.write_bytes(b"")
    with pytest.raises(SubmissionError, match=f"{says}.*run the same stress or relearn command"):
        attack_answers(copy)


def test_a_test_that_does_not_ship_is_not_submitted(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    record = json.loads((folders["stress"] / "stress.json").read_text())
    record["findings"]["mine/door"] = record["findings"]["formats/role"]
    (tmp_path / "stress.json").write_text(json.dumps(record))
    with pytest.raises(SubmissionError, match=r"mine/door: not a stress test that ships.*--only"):
        attack_answers(tmp_path)


@pytest.mark.parametrize("name", ["wkf", "lkf", "tofu-mini"])
def test_doors_are_known_without_planning(name: str) -> None:
    small = replace(SCALES["quick"], limit=1)
    benchmark = load_benchmark(name)
    inputs = StressInputs(benchmark, small, "chat")
    asked = plan_baseline(inputs).probes
    replies = {(p.key.fact, p.question): "" for p in asked if not p.examples}
    for test, plan in PLANS.items():
        planned = plan(replace(inputs, replies=replies))
        assert [run.door for run in planned] == doors_of(test, benchmark, small)
        assert [run.folder for run in planned] == [folder_of(run.door) for run in planned]
    assert set(RANKED) < set(PLANS)
    assert tuple(QUANTIZERS) == QUANTISED


def test_a_second_turn_follows_the_first_reply(folders: dict[str, Path]) -> None:
    replies = first_replies(load_run(folders["stress"] / "baseline"))
    run = load_run(folders["stress"] / "formats" / "second-turn")
    for probe in run.probes:
        assert probe.messages[1].content == replies[probe.key.fact, probe.question].strip()


def test_answers_of_a_leak_cannot_be_cut_out(good: Path, row: Checked, tmp_path: Path) -> None:
    """Each probe of each run, one at a time."""
    for place in (0, 1, 399, 400, 2000):
        for name in ATTACK_FILES:
            shutil.copy(good / name, tmp_path / name)
        lines("stress", lambda found, place=place: found[:place] + found[place + 1 :])(tmp_path)  # type: ignore[misc]
        assert [r.code for r in refusals(tmp_path, row)] == ["unplanned"]


def test_the_doors_are_those_that_the_suite_has() -> None:
    """As an earlier row's own suite recorded them."""
    row = Path(__file__).parents[1] / "fixtures" / "stored" / "rows" / "jensun-4-rows"
    findings = json.loads((row / "stress.json").read_text("utf-8"))["findings"]
    benchmark, scale = load_benchmark("wkf@0.4.0"), SCALES["quick"]
    ranked = [door for test in RANKED for door in doors_of(test, benchmark, scale)]
    assert [name for name, found in findings.items() if found["ranked"]] == ranked
