"""Damaged run folders: named in one line, or read with what is lost left open. Never forgetting."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import report_samples as samples
from tests.conftest import CommandLine
from unlearnbench import load_run
from unlearnbench.errors import EngineError, RunError
from unlearnbench.judging.replay import ReplayJudge
from unlearnbench.plugins import load
from unlearnbench.types.options import EngineOptions

Damage = Callable[[Path], object]
ANSWERS, VERDICTS, PLAN, RUN = "completions.jsonl", "outcomes.jsonl", "probes.jsonl", "run.json"


def replaced(name: str, old: bytes, new: bytes, count: int = 1) -> Damage:
    """Other bytes in a file."""

    def apply(folder: Path) -> None:
        data = (folder / name).read_bytes()
        assert old in data
        (folder / name).write_bytes(data.replace(old, new, count))

    return apply


def edited(name: str, change: Callable[[bytes], bytes]) -> Damage:
    """A file's bytes, changed as a whole."""
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def field(*steps: str, value: Any) -> Damage:
    """Another value, or none (`...`), in `run.json`."""

    def apply(folder: Path) -> None:
        record = json.loads((folder / RUN).read_text("utf-8"))
        place = record
        for step in steps[:-1]:
            place = place[step]
        if value is ...:
            del place[steps[-1]]
        else:
            place[steps[-1]] = value
        (folder / RUN).write_text(json.dumps(record), "utf-8")

    return apply


def line(name: str, number: int, **fields: Any) -> Damage:
    """Other fields in one line of a journal; `...` takes one away."""

    def apply(folder: Path) -> None:
        rows = [json.loads(text) for text in (folder / name).read_text("utf-8").splitlines()]
        rows[number] = {k: v for k, v in {**rows[number], **fields}.items() if v is not ...}
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    return apply


def by_line(name: str, change: Callable[[list[bytes]], list[bytes]]) -> Damage:
    """Other lines in a journal."""
    return edited(name, lambda data: b"".join(change(data.splitlines(keepends=True))))


def linked(name: str) -> Damage:
    """A file that lies elsewhere."""

    def apply(folder: Path) -> None:
        elsewhere = folder.with_name(f"elsewhere-{name}")
        (folder / name).rename(elsewhere)
        (folder / name).symlink_to(elsewhere)

    return apply


@pytest.fixture
def stored(scripted_runs: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(scripted_runs["limited"], tmp_path / "run"))


HARMLESS: dict[str, Damage] = {
    "a byte order mark in run.json": edited(RUN, lambda data: b"\xef\xbb\xbf" + data),
    "line ends of another system in run.json": edited(RUN, lambda d: d.replace(b"\n", b"\r\n")),
    "no indentation": edited(RUN, lambda data: json.dumps(json.loads(data)).encode()),
    "no line end": edited(RUN, lambda data: data.rstrip()),
    "a field of a later version": field("weather", value="fine"),
    "a field of a later version in a probe": line(PLAN, 0, colour="red"),
    "a byte order mark in a journal": edited(ANSWERS, lambda data: b"\xef\xbb\xbf" + data),
    "line ends of another system in answers": edited(ANSWERS, lambda d: d.replace(b"\n", b"\r\n")),
    "line ends of another system in the plan": edited(PLAN, lambda d: d.replace(b"\n", b"\r\n")),
    "answers in another order": by_line(ANSWERS, lambda rows: rows[::-1]),
    "verdicts in another order": by_line(VERDICTS, lambda rows: rows[1:] + rows[:1]),
    "answers twice": by_line(ANSWERS, lambda rows: rows * 2),
    "verdicts twice": by_line(VERDICTS, lambda rows: rows * 2),
    "half a line more of answers": edited(ANSWERS, lambda data: data + b'{"fact": "cap'),
    "half a line more of verdicts": edited(VERDICTS, lambda data: data + data[: len(data) // 3]),
    "a verdict on what was never asked": by_line(
        VERDICTS, lambda rows: [*rows, rows[0].replace(b'"fact": "', b'"fact": "other-')]
    ),
    "a failure after the answer": by_line(
        ANSWERS, lambda rows: [*rows, rows[0].split(b', "text"')[0] + b', "error": "late"}\n']
    ),
    "another answer after the answer": by_line(
        ANSWERS, lambda rows: [*rows, rows[0].replace(b'"text": "', b'"text": "Or else: ')]
    ),
    "files that lie elsewhere": lambda folder: [linked(n)(folder) for n in (RUN, ANSWERS, PLAN)],
    "a file beside": lambda folder: (folder / "notes.txt").write_text("mine"),
    "what a killed process left": lambda folder: (folder / ".run.json.1.tmp").write_text("{"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_no_harm_changes_no_score(name: str, stored: Path) -> None:
    before = load_run(stored)
    HARMLESS[name](stored)
    after = load_run(stored)
    assert after.scores == before.scores
    assert after.n_open == before.n_open == 0
    assert [f.code for f in after.findings] == [f.code for f in before.findings]


OPENING: dict[str, tuple[Damage, str]] = {
    "no answers": (lambda folder: (folder / ANSWERS).unlink(), ""),
    "no verdicts": (lambda folder: (folder / VERDICTS).unlink(), ""),
    "emptied answers": (edited(ANSWERS, lambda data: b""), ""),
    "emptied verdicts": (edited(VERDICTS, lambda data: b""), ""),
    "answers torn in the middle": (edited(ANSWERS, lambda data: data[: len(data) // 2]), ""),
    "verdicts torn in the middle": (edited(VERDICTS, lambda data: data[: len(data) // 2]), ""),
    "the last line end lost": (edited(ANSWERS, lambda data: data[:-1]), ""),
    "an answer lost": (by_line(ANSWERS, lambda rows: rows[1:]), ""),
    "a verdict lost": (by_line(VERDICTS, lambda rows: rows[1:]), ""),
    "another text": (line(ANSWERS, 0, text="Something else"), "another answer"),
    "a text that is none": (line(ANSWERS, 0, text=None), "text is no text"),
    "a text taken away": (line(ANSWERS, 0, text=...), "text is no text"),
    "tokens as text": (line(ANSWERS, 0, n_tokens="5"), "n_tokens is no count"),
    "tokens true": (line(ANSWERS, 0, n_tokens=True), "n_tokens is no count"),
    "fewer than no tokens": (line(ANSWERS, 0, n_tokens=-1), "n_tokens is no count"),
    "tokens that are no number": (line(ANSWERS, 0, n_tokens=float("nan")), "n_tokens is no count"),
    "ids that are no list": (line(ANSWERS, 0, token_ids="12"), "token_ids is no list"),
    "an id below 0": (line(ANSWERS, 0, token_ids=[1, -2]), "a token id is no count"),
    "an unknown end": (line(ANSWERS, 0, finish_reason="filter"), "finish_reason 'filter' is none"),
    "an error in its place": (line(ANSWERS, 0, error="lost"), "lost"),
    "a third verdict": (line(VERDICTS, 0, verdict="unsure"), "verdict 'unsure' is none of"),
    "a verdict of 1": (line(VERDICTS, 0, verdict=1), "verdict is no text"),
    "a verdict taken away": (line(VERDICTS, 0, verdict=...), "verdict is no text"),
    "a verdict by nobody": (line(VERDICTS, 0, judge=...), "judge is no text"),
    "a verdict by another judge": (line(VERDICTS, 0, judge="0" * 64), "judge"),
    "a verdict bound to nothing": (line(VERDICTS, 0, response_sha256=...), "response_sha256"),
    "a verdict on another answer": (line(VERDICTS, 0, response_sha256="0" * 64), "another answer"),
    "an error in a verdict's place": (line(VERDICTS, 0, error="asked in vain"), "asked in vain"),
}


@pytest.mark.parametrize("name", OPENING)
def test_what_is_lost_is_open_and_never_forgotten(
    name: str, stored: Path, command_line: CommandLine
) -> None:
    """Each score's range still holds what it was, and the command leaves with 1 and says why."""
    damage, says = OPENING[name]
    before = load_run(stored)
    damage(stored)
    after = load_run(stored)
    assert after.n_open > 0
    for score, was in before.scores.items():
        now = after.scores[score]
        assert now.low <= was.value <= now.high, score
        if score.startswith("forget."):  # of facts; a mean of probes is clustered by fact
            assert now.interval.low <= was.interval.low + 1e-9, score
            assert now.interval.high >= was.interval.high - 1e-9, score
    assert "probes-open" in [finding.code for finding in after.findings]
    shown = command_line("show", "run", stored, "--json")
    assert (shown.code, shown.err) == (1, "")
    record = json.loads(shown.out)
    assert record["n_open"] == after.n_open
    assert any(score["value"] is None for score in record["scores"].values())
    assert says in " ".join(failure["error"] for failure in record["failures"])


REFUSED: dict[str, tuple[Damage, str]] = {
    "run.json gone": (
        lambda folder: (folder / RUN).unlink(),
        "not a run folder: it has no run.json",
    ),
    "half of run.json": (edited(RUN, lambda data: data[: len(data) // 2]), "run.json: not JSON"),
    "run.json twice": (edited(RUN, lambda data: data * 2), "run.json: not JSON"),
    "run.json is a list": (edited(RUN, lambda data: b"[]"), "not a JSON object"),
    "run.json is null": (edited(RUN, lambda data: b"null"), "not a JSON object"),
    "run.json is not UTF-8": (edited(RUN, lambda d: d.replace(b"c", b"\xe9", 1)), "not UTF-8 at"),
    "run.json in UTF-16": (edited(RUN, lambda d: d.decode().encode("utf-16")), "not UTF-8 at"),
    "a name twice": (replaced(RUN, b'"status":', b'"status": "open", "status":'), "appears twice"),
    "a long number": (field("identity", "seed", value=10**30), "a number of 31 digits"),
    "deep": (edited(RUN, lambda data: b'{"a":' * 99 + b"1" + b"}" * 99), "nested deeper than 64"),
    "a version to come": (field("schema_version", value=99), "99, this program reads"),
    "no version": (field("schema_version", value=...), "None, this program reads"),
    "no status": (field("status", value=...), "status: Field required"),
    "no plan": (field("identity", "plan", value=...), "identity.plan: Field required"),
    "no checkpoint": (field("generator", "checkpoint", value=...), "generator.checkpoint: Field"),
    "a judge that is a number": (field("judge", "name", value=7), "judge.name: Input should be"),
    "tokens in quotes": (
        field("identity", "max_new_tokens", value="50"),
        "identity.max_new_tokens",
    ),
    "no tokens at all": (field("identity", "max_new_tokens", value=0), "identity.max_new_tokens"),
    "time as text": (field("seconds", value="soon"), "seconds: Input should be"),
    "another plan": (field("identity", "plan", value="0" * 64), "not the plan that run.json names"),
    "the plan gone": (lambda folder: (folder / PLAN).unlink(), "not the plan that run.json names"),
    "a probe lost": (by_line(PLAN, lambda rows: rows[:-1]), "not the plan that run.json names"),
    "probes in another order": (by_line(PLAN, lambda rows: rows[::-1]), "not the plan that run.j"),
    "another gold answer": (line(PLAN, 0, answer="x"), "not the plan that run.json names"),
    "a probe without a question": (line(PLAN, 0, question=...), "probes.jsonl: not a plan"),
    "a probe of no context": (
        line(PLAN, 0, context="hint"),
        "probes.jsonl: not a plan",
    ),
    "an answer of no fact": (line(ANSWERS, 0, fact=...), "completions.jsonl:1: damaged line"),
    "an answer to sample -1": (line(ANSWERS, 0, sample=-1), "completions.jsonl:1: damaged line"),
    "a verdict of no context": (line(VERDICTS, 0, context=3), "outcomes.jsonl:1: damaged line"),
    "a line that is a list": (
        by_line(ANSWERS, lambda r: [b"[]\n", *r]),
        "completions.jsonl:1: not an",
    ),
    "an empty line": (
        by_line(VERDICTS, lambda r: [r[0], b"\n", *r[1:]]),
        "outcomes.jsonl:2: damaged",
    ),
    "zeros": (by_line(VERDICTS, lambda r: [b"\0" * 50 + b"\n", *r]), "outcomes.jsonl:1: damaged"),
    "two lines in one": (by_line(ANSWERS, lambda r: [r[0][:-1], *r[1:]]), "completions.jsonl:1"),
    "a name twice in a line": (
        replaced(ANSWERS, b'"fact":', b'"fact": "a", "fact":'),
        "completions.jsonl:1: damaged line (not JSON: 'fact' appears twice",
    ),
}


ONE = {
    "no tokens at all": "judge",
    "a judge that is a number": "show",
    "a verdict of no context": "show",
    "an empty line": "show",
    "zeros": "show",
}
"""Damage that only one of the two commands meets: a new judge reads no old verdicts."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_believed_is_refused_in_one_line(
    name: str, stored: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    damage, says = REFUSED[name]
    damage(stored)
    out = tmp_path / "out"
    calls = {
        "show": ("show", "run", stored),
        "judge": ("judge", stored, "--judge", "rules", "--out", out),
    }
    for words in [calls[ONE[name]]] if name in ONE else calls.values():
        told = command_line(*words)
        assert (told.code, told.out) == (2, ""), told.err
        assert says in told.err
        assert len(told.err.strip().splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "{run}", "{good}"),
        ("compare", "{good}", "{run}"),
        ("show", "run", "{good}", "--base", "{run}"),
        ("report", "{run}", "--out", "{page}"),
        ("submit", "{run}", "--base={good}", "--name=N", "--method=other", "--submitter=s"),
        ("submit-base", "{run}", "--source", "a package", "--by", "s"),
        ("score", "{run}", "--engine", "replay", "--limit", "2", "--out", "{page}"),
        ("calibrate", "replay:{run}"),
    ],
    ids=lambda words: " ".join(words[:3]),
)
@pytest.mark.parametrize("name", ["half of run.json", "another gold answer", "a version to come"])
def test_every_reader_refuses_the_same(
    words: tuple[str, ...],
    name: str,
    stored: Path,
    scripted_runs: dict[str, Path],
    command_line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    damage, says = REFUSED[name]
    damage(stored)
    before = sorted(tmp_path.rglob("*"))
    places = {"run": stored, "good": scripted_runs["limited"], "page": tmp_path / "page"}
    told = command_line(*(word.format(**places) for word in words))
    assert told.code == 2
    assert says in told.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_replayed_run_answers_nothing_it_was_not_asked(stored: Path) -> None:
    """Where answers were lost, the replay fails on them; it makes nothing up."""
    by_line(ANSWERS, lambda rows: rows[:3])(stored)
    by_line(VERDICTS, lambda rows: rows[:2])(stored)
    run: Any = load_run(stored)
    engine: Any = load("engines", "replay")(str(stored), EngineOptions())
    from unlearnbench.runs.identity import sampling_from

    sampling = sampling_from(json.loads((stored / RUN).read_text())["identity"])
    given = list(engine.generate(run.probes, sampling))
    answered = [one for one in given if hasattr(one, "text")]
    assert len(given) == len(run.probes)
    assert len(answered) == 3
    assert {one.error for one in given if one not in answered} == {"not in the replayed run"}
    with pytest.raises(EngineError, match="replay it under its own profile"):
        list(engine.generate(run.probes, type(sampling)(max_new_tokens=9)))
    from unlearnbench.runs.judging import to_judge

    judge = ReplayJudge(str(stored))
    items = to_judge(run.probes, run.completions, {})
    said = list(judge.judge(items))
    assert sum(hasattr(one, "verdict") for one in said) == 2
    assert all("has no verdict" in one.error for one in said if not hasattr(one, "verdict"))


# Records of attacks.


def stress(folder: Path) -> dict[str, Any]:
    states = {"fact-0": True, "fact-1": False}
    record = samples.stress_record("m", states, {"cloze": samples.door(states)})
    samples.write_record(folder, record)
    return record


ATTACKS: dict[str, tuple[dict[str, Any], str]] = {
    "of a version to come": ({"schema_version": 9}, "stress.json"),
    "of no kind": ({"kind": None}, "stress.json"),
    "of nothing": ({"identity": {}}, "stress.json"),
    "of a number": ({"identity": 3}, "stress.json"),
    "of a checkpoint without a name": ({"checkpoint": 5}, "checkpoint"),
    "not finished": ({"status": "running"}, "was not finished"),
    "without its sum": ({"union": None}, "union"),
    "without doors": ({"findings": []}, "findings"),
    "with half a door": ({"findings": {"cloze": {"ranked": True}}}, "findings.cloze"),
    "with a share above 1": (
        {"union": {"states": {}, "score": {**samples.share(1, 2), "low": 1.5}, "beyond": []}},
        "union",
    ),
    "with open facts in quotes": ({"n_open": "0"}, "n_open"),
    "with a baseline of text": ({"baseline": "all"}, "baseline"),
}


UNFINISHED = ("not finished", "without its sum")
"""A report shows what there is of an attack."""


@pytest.mark.parametrize("name", ATTACKS)
def test_a_damaged_attack_is_named(name: str, tmp_path: Path, command_line: CommandLine) -> None:
    change, says = ATTACKS[name]
    record = stress(tmp_path / "stress")
    assert command_line("show", "run", tmp_path / "stress").code == 0
    (tmp_path / "stress" / "stress.json").write_text(json.dumps({**record, **change}))
    page = ("report", "--out", tmp_path / "page.html")
    for words in [("show", "run")] if name in UNFINISHED else [("show", "run"), page]:
        told = command_line(*words, tmp_path / "stress")
        assert (told.code, told.out) == (2, ""), told.err
        assert says in told.err
        assert str(tmp_path / "stress") in told.err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("name", ["stress.json", "relearn.json"])
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'{"kind": "stress", "kind": "relearn"}', b"\xff", b"[" * 99],
)
def test_bytes_that_are_no_attack(
    name: str, data: bytes, tmp_path: Path, command_line: CommandLine
) -> None:
    (tmp_path / name).write_bytes(data)
    told = command_line("show", "run", tmp_path)
    assert told.code == 2
    assert f"{tmp_path / name}: not a record of" in told.err


def test_both_kinds_in_one_folder_are_told_by_their_files(
    tmp_path: Path, command_line: CommandLine
) -> None:
    stress(tmp_path)
    (tmp_path / "relearn.json").write_bytes((tmp_path / "stress.json").read_bytes())
    told = command_line("show", "run", tmp_path)
    assert told.code == 2
    assert "relearn.json: not a record of relearning" in told.err
    with pytest.raises(RunError, match="not a run folder"):
        load_run(tmp_path)
