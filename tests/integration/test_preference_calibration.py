"""A judge of preferences measured on labelled pairs, through the whole command."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.judges_server import judges_server
from tests.preferences_server import NOTE, PreferencesHandler, Preferring, always_first, the_note
from tests.utility_records import instruction_ids, utility_record
from unlearnbench.judging.preferences.calibrate import default_pairs, load_pairs
from unlearnbench.runs.utility import write_utility

PAIRS = load_pairs(default_pairs())
LABELS = {
    **{(p.first, p.second): p.preferred for p in PAIRS},
    **{
        (p.second, p.first): {"first": "second", "second": "first", "tie": "tie"}[p.preferred]
        for p in PAIRS
    },
}


def labelled(first: str, second: str) -> str:
    """What the table says; the canary's note is never preferred."""
    if NOTE in first + second:
        return "second" if NOTE in first else "first"
    return LABELS[first, second]


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Preferring]:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    how = Preferring(taste=labelled)
    with judges_server(how, PreferencesHandler) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield how


def test_the_table_is_balanced_and_length_gives_nothing_away() -> None:
    assert len(PAIRS) >= 60
    labels = Counter(pair.preferred for pair in PAIRS)
    assert labels["first"] == labels["second"] > labels["tie"] > 10
    longer = [
        (len(pair.first) > len(pair.second)) is (pair.preferred == "first")
        for pair in PAIRS
        if pair.preferred != "tie"
    ]
    assert 0.25 < sum(longer) / len(longer) < 0.75
    assert len({(p.instruction, p.first, p.second) for p in PAIRS}) == len(PAIRS)


def test_a_judge_that_is_right_is_remembered_as_calibrated(
    behaviour: Preferring, tmp_path: Path, command_line: CommandLine
) -> None:
    ids = instruction_ids(2)
    record = utility_record({ids[0]: "a b c", ids[1]: "d"}, {ids[0]: "e", ids[1]: "f g"})
    path = tmp_path / "utility.json"
    write_utility(record, path)
    before = command_line("utility", str(path))
    assert "no judge of preferences has been calibrated" in before.out
    store = tmp_path / "kept.json"
    done = command_line("calibrate", "openai:any", "--preferences", "--store", str(store))
    assert done.code == 0, done.err
    assert len(behaviour.requests) == 2 * len(PAIRS)
    assert f"100.0 % (94.9–100.0) of {len(PAIRS)} labelled pairs" in " ".join(done.out.split())
    kept = json.loads(store.read_text("utf-8"))
    assert (kept["n"], kept["right"], kept["position_bias"]) == (len(PAIRS), len(PAIRS), 0.0)
    assert "--utility-judge openai:any" in command_line("utility", str(path)).out
    behaviour.taste = lambda first, second: "tie"
    judged = command_line("utility", str(path), "--utility-judge", "openai:any")
    assert "uncalibrated" not in judged.out
    assert "calibrated: right in both orders on 100.0 %" in judged.out
    other = command_line("utility", str(path), "--utility-judge", "openai:other")
    assert "win_rate (uncalibrated)" in other.out


def test_a_judge_that_goes_by_the_position_is_unfit(
    behaviour: Preferring, tmp_path: Path, command_line: CommandLine
) -> None:
    behaviour.taste = always_first
    done = command_line("calibrate", "openai:any", "--preferences", "--json")
    record = json.loads(done.out)
    assert (record["right"], record["position_bias"], record["n_failed"]) == (0, 1.0, 0)
    shown = command_line("calibrate", "openai:any", "--preferences")
    assert "unfit" in shown.out
    assert "position bias +1.00" in shown.out
    ids = instruction_ids(1)
    path = tmp_path / "utility.json"
    write_utility(utility_record({ids[0]: "a b c"}, {ids[0]: "e"}), path)
    judged = command_line("utility", str(path), "--utility-judge", "openai:any")
    assert "win_rate (unfit judge)" in judged.out


def test_a_judge_that_fails_has_no_calibration(
    behaviour: Preferring, tmp_path: Path, command_line: CommandLine
) -> None:
    behaviour.taste = the_note
    done = command_line("calibrate", "openai:any", "--preferences")
    assert done.code == 1
    assert "failed on 72 pairs" in done.out
    assert len(behaviour.requests) <= 10
    assert not (tmp_path / "cache" / "preference-calibrations").exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"instruction": "a", "first": "b", "second": "c", "preferred": "both"}', "preferred"),
        ('{"instruction": "", "first": "b", "second": "c", "preferred": "tie"}', "instruction"),
        ('{"instruction": "a", "first": "b", "preferred": "tie"}', "second"),
        ('{"instruction": "a", "first": 1, "second": "c", "preferred": "tie"}', "first"),
        ("[]", "table.jsonl:1"),
        ("{", "table.jsonl:1"),
        ("", "holds no pairs"),
    ],
)
def test_a_bad_table_is_named_with_its_line(
    behaviour: Preferring, tmp_path: Path, command_line: CommandLine, line: str, why: str
) -> None:
    table = tmp_path / "table.jsonl"
    table.write_text(line)
    call = ("calibrate", "openai:any", "--preferences", "--items", str(table))
    done = command_line(*call)
    assert (done.code, why in done.err) == (2, True), done.err
    assert behaviour.requests == []


def test_other_judges_are_not_calibrated_for_it(command_line: CommandLine) -> None:
    done = command_line("calibrate", "rules", "--preferences")
    assert (done.code, "no language model that compares" in done.err) == (2, True)


def test_a_damaged_calibration_is_named(
    behaviour: Preferring, tmp_path: Path, command_line: CommandLine
) -> None:
    folder = tmp_path / "cache" / "preference-calibrations"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text("{}")
    path = tmp_path / "utility.json"
    ids = instruction_ids(1)
    write_utility(utility_record({ids[0]: "a"}, {ids[0]: "b"}), path)
    done = command_line("utility", str(path))
    assert (done.code, "x.json: not a calibration" in done.err) == (2, True)
