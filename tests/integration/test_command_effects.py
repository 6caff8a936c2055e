"""What commands leave on disk and print: each option's effect, shapes of JSON, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT, CommandLine, Printed
from tests.scripted import ScriptedEngine
from unlearnbench import load_run
from unlearnbench.plugins import BUILTIN
from unlearnbench.types import Completion, Failure, Probe, Sampling

Score = Callable[..., Printed]


class FailsOnSome(ScriptedEngine):
    """Cannot answer what is asked after in-context examples."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Any]:
        """A failure, or the answer."""
        for result in super().generate(block, sampling):
            lost = result.key.context == "icr"
            yield Failure(result.key, "generate", "out of breath") if lost else result


class Breaks(ScriptedEngine):
    """Ends the command by an error, which its checkpoint names, after the first answer."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        """One answer."""
        yield next(super().generate(block, sampling))
        errors: Mapping[str, BaseException] = {
            "bug": ZeroDivisionError("a slip"),
            "keys": KeyboardInterrupt(),
            "memory": MemoryError("can't allocate memory"),
            "disk": OSError(28, "No space left on device"),
        }
        raise errors[self._name]


@pytest.fixture
def score(
    command_line: CommandLine,
    benchmark_folder: Path,
    scripted: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Score:
    """`score` with an engine that needs no model, on a small benchmark."""
    monkeypatch.chdir(tmp_path)
    engines: Any = BUILTIN["engines"]
    for name in ("FailsOnSome", "Breaks"):
        monkeypatch.setitem(engines, name, f"{__name__}:{name}")

    def call(*words: object, checkpoint: str = "forgets-a", engine: str = "scripted") -> Printed:
        given = ("--benchmark", benchmark_folder, "--engine", engine)
        return command_line("score", checkpoint, *given, *words)

    return call


def stored(folder: str | Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((Path(folder) / "run.json").read_text("utf-8"))
    return record


def lines(folder: str | Path, name: str = "completions.jsonl") -> int:
    return len((Path(folder) / name).read_text("utf-8").splitlines())


IDENTITY: list[tuple[tuple[str, ...], str, object, int]] = [
    ((), "limit", None, 4 * 32 + 5 * 7),
    (("--limit", "2"), "limit", 2, 2 * 32 + 2 * 7),
    (("--limit", "99"), "limit", 99, 4 * 32 + 5 * 7),
    (("--seed", "3"), "seed", 3, 4 * 32 + 5 * 7),
    (("--profile", "standard"), "profile", "standard", 4 * 32 + 5 * 7),
    (("--profile", "paper"), "profile", "paper", 4 * 32 + 5 * 7),
    (("--judge", "rules"), "judge", "rules", 4 * 32 + 5 * 7),
    (("--gen", "max_new_tokens=7"), "max_new_tokens", 7, 4 * 32 + 5 * 7),
    (("--gen", "max_new_tokens=50"), "max_new_tokens", 50, 4 * 32 + 5 * 7),
    (("--gen", "temperature=0.5"), "gen", {"temperature": 0.5}, 4 * 32 + 5 * 7),
]


@pytest.mark.parametrize(("words", "field", "value", "probes"), IDENTITY)
def test_an_option_of_score_is_part_of_the_run(
    words: tuple[str, ...], field: str, value: object, probes: int, score: Score
) -> None:
    plain, other = score("--out", "plain", "-q"), score(*words, "--out", "other", "-q", "--json")
    assert (plain.code, other.code, other.err) == (0, 0, "")
    assert stored("other")["identity"][field] == value
    assert lines("other", "probes.jsonl") == lines("other") == probes
    changed = stored("other")["identity"] != stored("plain")["identity"]
    usual = words in ((), ("--profile", "standard"), ("--judge", "rules"))
    assert changed is not (usual or words == ("--gen", "max_new_tokens=50"))
    record = json.loads(other.out)
    assert record["identity"] == stored("other")["identity"]
    assert record["n_probes"] == probes


SHAPE = {
    *("run", "status", "identity", "generator", "scores", "styles", "corrected", "findings"),
    *("base", "n_probes", "n_open", "n_cut", "failures", "ways", "utility"),
}


def test_the_shape_of_a_run_in_json(score: Score, command_line: CommandLine) -> None:
    printed = score("--json", "--out", "run")
    record = json.loads(printed.out)
    assert set(record) == SHAPE
    assert (record["run"], record["status"], record["n_open"]) == ("run", "complete", 0)
    assert "answers" in printed.err and "verdicts" in printed.err
    for name, found in record["scores"].items():
        assert set(found) == {"value", "low", "high", "n", "n_open", "interval"}, name
        assert found["low"] <= found["value"] <= found["high"]
        assert found == stored("run")["scores"][name]
    for finding in record["findings"]:
        assert set(finding) == {"code", "severity", "text"}
    again = json.loads(command_line("show", "run", "run", "--json").out)
    assert again == record


def test_quiet_leaves_the_result_alone(score: Score) -> None:
    loud, quiet = score("--out", "loud"), score("--out", "quiet", "--quiet")
    assert loud.err != "" == quiet.err
    assert loud.out.replace("loud", "quiet") == quiet.out
    assert "forget.worst_case" in quiet.out


def test_a_run_is_resumed_or_made_anew(score: Score) -> None:
    first = json.loads(score("--json", "-q").out)["run"]
    assert Path(first).parent == Path("runs")
    begun = (stored(first)["created"], lines(first))
    again = json.loads(score("--json", "-q").out)["run"]
    assert again == first
    assert (stored(first)["created"], lines(first)) == begun
    anew = json.loads(score("--json", "-q", "--no-resume").out)["run"]
    assert anew == f"{first}.2"
    assert stored(anew)["identity"] == stored(first)["identity"]
    assert json.loads(score("--seed", "1", "--json", "-q").out)["run"] not in (first, anew)
    refused = score("--no-resume", "--out", first)
    assert (refused.code, "holds a run already" in refused.err) == (2, True)
    other = score("--seed", "2", "--out", first)
    assert other.code == 2
    assert "seed: the folder has 0, asked for 2" in other.err
    assert len(list(Path("runs").iterdir())) == 3


def test_a_base_is_shown_and_must_have_been_asked_alike(score: Score) -> None:
    assert score("--out", "base", "-q", checkpoint="knows-all").code == 0
    record = json.loads(score("--out", "run", "--base", "base", "--json", "-q").out)
    assert (record["base"]["run"], record["base"]["checkpoint"]) == ("base", "knows-all")
    assert record["base"]["worst_case"]["value"] == 1.0
    assert record["base"]["worst_case_of_known"]["n"] == 4
    text = score("--out", "run", "--base", "base", "-q").out
    assert "forget facts that the base knew" in text
    for words, says in ((("--seed", "1"), "its seed is 0, not 1"), (("--limit", "1"), "its limit")):
        refused = score(*words, "--out", "other", "--base", "base")
        assert (refused.code, says in refused.err) == (2, True), refused.err
        assert not Path("other").exists()


def test_open_probes_end_with_1(score: Score, command_line: CommandLine) -> None:
    printed = score("--out", "run", "--json", "-q", engine="FailsOnSome", checkpoint="knows-all")
    assert printed.code == 1
    record = json.loads(printed.out)
    assert (record["status"], record["n_open"]) == ("open", 4 * 16)
    assert {failure["error"] for failure in record["failures"]} == {"out of breath"}
    assert {failure["stage"] for failure in record["failures"]} == {"generate"}
    assert record["scores"]["forget.icr"]["value"] is None
    assert record["scores"]["forget.worst_case"]["value"] == 1.0
    for words in (("show", "run", "run"), ("report", "run"), ("judge", "run", "--judge", "rules")):
        assert command_line(*words, "-q").code == 1, words
    refused = command_line(
        *("submit", "run", "--base", "run", "--name", "N", "--method", "other", "--submitter", "s")
    )
    assert (refused.code, "64 probes are open; resume it" in refused.err) == (2, True)
    proposed = command_line("submit-base", "run", "--source", "a package", "--by", "Me")
    assert (proposed.code, "64 probes are open; resume it" in proposed.err) == (2, True)
    assert not Path("bases").exists()
    assert not Path("submissions").exists()
    healed = score("--out", "run", "-q", checkpoint="knows-all")
    assert healed.code == 0
    assert lines("run") == 4 * 32 + 5 * 7 + 4 * 16  # each failure was asked again


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("bug", 3, "this is a bug in unlearnbench. The results so far are in run"),
        ("keys", 130, "interrupted. The results so far are in run"),
        ("memory", 2, "out of memory (can't allocate memory); use a smaller --batch-size"),
        ("disk", 2, "No space left on device"),
    ],
)
def test_how_a_command_ends_that_did_not_get_to_its_end(
    kind: str, code: int, says: str, score: Score
) -> None:
    printed = score("--out", "run", "-q", checkpoint=kind, engine="Breaks")
    assert printed.code == code, printed.err
    assert says in printed.err.strip().splitlines()[-1]
    assert ("Traceback" in printed.err) == (code == 3)
    assert printed.out == ""
    assert stored("run")["status"] == "running"
    assert load_run("run").n_open > 0


# Judging again.


def test_what_judge_leaves_and_prints(score: Score, command_line: CommandLine) -> None:
    score("--out", "run", "-q")
    planned = command_line("judge", "run", "--judge", "rules", "--dry-run", "--json")
    estimate = json.loads(planned.out)
    assert (planned.code, estimate["calls"], estimate["dollars"]) == (0, 0, 0.0)
    assert estimate["verdicts"] == lines("run")
    told = command_line("judge", "run", "--judge", "rules", "--dry-run")
    assert f"judge rules: {lines('run')} verdicts" in told.out
    assert "about 0.0000 US dollars" in told.out
    assert not Path("runs").exists()  # nobody was asked
    judged = command_line("judge", "run", "--judge", "rules", "--out", "again", "--json", "-q")
    record = json.loads(judged.out)
    assert (judged.code, judged.err, record["run"], set(record)) == (0, "", "again", SHAPE)
    assert record["scores"] == stored("run")["scores"]
    assert "answers replayed from run" in record["generator"]["notes"]
    anew = command_line("judge", "run", "--judge", "rules", "--out", "again", "--no-resume")
    assert (anew.code, "holds a run already" in anew.err) == (2, True)
    jobs = command_line("judge", "run", "--judge", "rules", "--batch", "--out", "jobs")
    assert (jobs.code, "--batch: " in jobs.err) == (2, True)
    assert not Path("jobs").exists()
    replayed = command_line("judge", "run", "--judge", "replay:run", "--json", "-q")
    assert replayed.code == 0
    assert Path(json.loads(replayed.out)["run"]).parent == Path("runs")


def test_a_run_is_replayed_under_its_own_settings_alone(score: Score) -> None:
    score("--out", "run", "-q", "--limit", "2")
    again = score("--limit", "2", "--out", "again", "-q", checkpoint="run", engine="replay")
    assert again.code == 0
    assert stored("again")["scores"] == stored("run")["scores"]
    more = score("--out", "more", "-q", "--json", checkpoint="run", engine="replay")
    assert more.code == 1
    assert {f["error"] for f in json.loads(more.out)["failures"]} == {"not in the replayed run"}
    for words, says in (
        (("--system-prompt", "Hello"), "was not asked with this one"),
        (("--no-chat-template",), "was not asked that way"),
        (("--gen", "max_new_tokens=9"), "replay it under its own profile and --gen settings"),
    ):
        refused = score(*words, "--limit", "2", "--out", "x", checkpoint="run", engine="replay")
        assert (refused.code, says in refused.err) == (2, True), refused.err


# Showing.


def test_what_show_run_adds(score: Score, command_line: CommandLine) -> None:
    score("--out", "run", "-q")
    plain = command_line("show", "run", "run").out
    leaks = command_line("show", "run", "run", "--leaks").out
    assert leaks.startswith(plain)
    assert "● answered" in leaks and "● answered" not in plain
    matrix = json.loads(command_line("show", "run", "run", "--leaks", "--json").out)
    assert list(matrix) == [f"forget-{number}" for number in range(4)]
    assert {len(probes) for probes in matrix.values()} == {32}
    assert set(matrix["forget-0"].values()) <= {"correct", "incorrect"}
    fact = json.loads(command_line("show", "run", "run", "--fact", "retain-1", "--json").out)
    assert [row["phrasing"] for row in fact][:2] == ["original", "wording-1"]
    assert {row["answer"] for row in fact} == {"Answerretainb"}
    missing = command_line("show", "run", "run", "--fact", "retain-9")
    assert (missing.code, "did you mean 'retain-" in missing.err) == (2, True)
    jury = command_line("show", "run", "run", "--jury")
    assert (jury.code, "was not judged by a jury, but by rules" in jury.err) == (2, True)
    based = json.loads(command_line("show", "run", "run", "--base", "run", "--json").out)
    assert based["base"]["run"] == "run"
    nothing = command_line("show", "run", "run", "--base", "nowhere")
    assert (nothing.code, "--base nowhere is not a run folder" in nothing.err) == (2, True)


def test_what_show_says_of_benchmarks_and_judges(
    benchmark_folder: Path, command_line: CommandLine
) -> None:
    record = json.loads(command_line("show", "benchmark", benchmark_folder, "--json").out)
    assert (record["id"], record["version"], record["judge"]) == ("tiny", "0.1.0", "rules")
    assert record["splits"]["forget"] == {
        "facts": 4,
        "paraphrases": 60,
        "train_paraphrases": 0,
        "tiers": {},
        "topics": {"things": 4},
    }
    assert record["splits"]["retain"]["tiers"] == {"topic": 5}
    assert "check" not in record
    text = command_line("show", "benchmark", benchmark_folder).out
    assert f"fingerprint: {record['fingerprint']}" in text
    table = command_line("show", "judges", "--markdown").out
    assert table.startswith("| judge | data | date |")
    plain = command_line("show", "judges").out
    assert all(row.split("|")[1].strip() in plain for row in table.splitlines()[2:])
    assert "|" not in plain


# Calibrating.


def items(folder: Path, *correct: bool) -> Path:
    row = {"question": "Who?", "answer": "Ada", "aliases": [], "category": "person"}
    rows = [{**row, "response": "It was Ada.", "correct": label} for label in correct]
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_what_calibrate_stores_and_prints(tmp_path: Path, command_line: CommandLine) -> None:
    table, kept = items(tmp_path, True, True, False), tmp_path / "kept.json"
    call = ("calibrate", "rules", "--items", table)
    printed = command_line(*call, "--store", kept, "--tuned", "--json", "-q")
    record = json.loads(printed.out)
    assert (printed.code, printed.err) == (0, "")
    assert (record["n"], record["sensitivity"], record["specificity"]) == (3, 1.0, 0.0)
    assert [miss["correct"] for miss in record["misses"]] == [False]
    assert record["categories"]["person"]["n"] == 3
    found = json.loads(kept.read_text("utf-8"))
    assert (found["data"], found["tuned"], found["items"]) == ("mine", True, ["mine.jsonl"])
    assert {k: v for k, v in found.items() if k not in ("data", "date", "tuned")} == {
        k: v for k, v in record.items() if k != "misses"
    }
    command_line(*call, "--store", kept)
    assert json.loads(kept.read_text("utf-8"))["tuned"] is False
    twice = json.loads(command_line(*call, "--items", table, "--json").out)
    assert (twice["n"], twice["items"]) == (6, ["mine.jsonl", "mine.jsonl"])
    text = command_line(*call).out
    assert "should be incorrect: 'Ada' <- 'It was Ada.'" in text
    assert "A worst case over 32 such verdicts leaks with probability 100.0 %" in text
    refused = command_line(*call, "--store", tmp_path)
    assert (refused.code, "--store" in refused.err) == (2, True)


def test_a_judge_that_fails_on_items_ends_with_1(
    tmp_path: Path, command_line: CommandLine, scripted_runs: dict[str, Path]
) -> None:
    table = items(tmp_path, True, False)
    replay = f"replay:{scripted_runs['limited']}"
    printed = command_line("calibrate", replay, "--items", table, "--json")
    record = json.loads(printed.out)
    assert (printed.code, record["n_failed"], record["accuracy"]) == (1, 2, None)
    text = command_line("calibrate", replay, "--items", table)
    assert (text.code, "The judge failed on 2 of 2 items" in text.out) == (1, True)


# Sending, checking, attesting, and the board.


def test_from_two_runs_to_a_board(
    scripted_runs: dict[str, Path],
    command_line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    name, method, submitter, link = ABOUT
    about = ("--name", name, "--method", method, "--submitter", submitter, "--note", "Untuned.")
    told = ("--source", "a package", "--by", "A. Tester", "--link", "https://example.org/base")
    proposed = command_line("submit-base", scripted_runs["knows-all"], *told)
    assert (proposed.code, proposed.err) == (0, "")
    assert f"base run: {Path('bases/knows-all-wkf')}" in proposed.out
    base = json.loads(Path("bases/knows-all-wkf/base.json").read_text("utf-8"))
    assert (base["source"], base["by"], base["link"]) == told[1::2]
    bases = ("--bases", "bases")
    sent = command_line(
        *("submit", scripted_runs["forgets-a"], "--base", "knows-all-wkf", *bases),
        *(*about, "--link", link),
    )
    assert (sent.code, sent.err) == (0, "")
    row = Path("submissions/refusal-tuning")
    assert f"submission: {row}" in sent.out
    claim = json.loads((row / "submission.json").read_text("utf-8"))
    assert (claim["name"], claim["method"], claim["submitter"], claim["link"]) == ABOUT
    assert claim["note"] == "Untuned."
    assert claim["base"] == base["run"]["identity"]["checkpoint"]
    checked = command_line("verify", row, "--json", *bases)
    (record,) = json.loads(checked.out)
    keys = {"path", "ok", "reasons", "withdrawn", "doubts", "attestations"}
    assert (checked.code, set(record), record["withdrawn"]) == (0, keys, None)
    assert record["ok"]
    assert (record["reasons"], record["doubts"], record["attestations"]) == ([], [], [])
    unknown = command_line("verify", row, "--json")
    assert (unknown.code, json.loads(unknown.out)[0]["reasons"][0]["code"]) == (1, "base")
    replayed = f"replay:{scripted_runs['forgets-a']}"
    again = command_line("verify", row, "--rejudge", replayed, "-q", *bases)
    assert again.code == 0, again.out + again.err
    assert "judged again:" in again.out and again.out.strip().endswith("agrees")
    by = ("--by", "B. Person", "--link", "https://example.org/how")
    mine = command_line("attest", row, scripted_runs["forgets-a"], *by, *bases)
    assert (mine.code, "re-run by B. Person, agrees" in mine.out) == (0, True), mine.err
    attested = Path("attestations/refusal-tuning/b-person-re-run")
    told = json.loads((attested / "attestation.json").read_text("utf-8"))
    assert (told["by"], told["link"]) == ("B. Person", "https://example.org/how")
    built = ("leaderboard", "build", "--submissions", "submissions", *bases)
    first = command_line(*built, "--out", "site", "--keep", "kept")
    assert (first.code, "1 row, 1 ranked" in first.out) == (0, True), first.out
    assert len(list(Path("kept").glob("*.json"))) == 1
    second = command_line(*built, "--out", "again", "--keep", "kept", "-q")
    assert (second.code, second.out) == (0, first.out.replace("site", "again"))
    assert contents(Path("site")) == contents(Path("again"))
    (row / "notes.txt").write_text("mine")
    refused = command_line("verify", row, "--json", *bases)
    (record,) = json.loads(refused.out)
    assert (refused.code, record["ok"]) == (1, False)
    assert set(record["reasons"][0]) == {"code", "where", "what"}
    board = command_line(*built, "--out", "third")
    assert (board.code, "refused: refusal-tuning: " in board.out) == (1, True)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# Training.


def test_what_train_keeps_of_its_options(
    tiny_llama: Path,
    benchmark_folder: Path,
    command_line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    base = ("train", "--base", tiny_llama, "--benchmark", benchmark_folder, "--device", "cpu")
    given = (
        "--max-steps",
        "2",
        "--batch-size",
        "2",
        "--lr",
        "1e-3",
        "--seed",
        "7",
        "--epochs",
        "9",
    )
    more = ("--method", "grad-diff", "--accumulation", "2", "--precision", "float32", "--lora", "2")
    own = ("--set", "weight_decay=0.25", "--set", "max_steps=1")
    printed = command_line(*base, *given, *more, *own, "--json", "-q")
    assert printed.code == 0, printed.err
    record = json.loads(printed.out)
    folder = Path(record.pop("folder"))
    assert folder.parent == Path("trained")
    assert record == json.loads((folder / "unlearning.json").read_text("utf-8"))
    expected = {
        **{"batch_size": 2, "lr": 1e-3, "seed": 7, "epochs": 9.0, "accumulation": 2},
        **{"precision": "float32", "lora_rank": 2, "weight_decay": 0.25, "max_steps": 1},
    }
    assert {name: record["settings"][name] for name in expected} == expected
    assert (record["method"], record["steps"], record["device"]) == ("grad-diff", 1, "cpu")
    assert (folder / "adapter_config.json").is_file()
    assert json.loads((folder / "adapter_config.json").read_text("utf-8"))["r"] == 2
    assert record["data"]["benchmark"] == "tiny"
    written = (folder / "adapter_model.safetensors").stat().st_mtime_ns
    again = command_line(*base, *given, *more, *own)
    assert (again.code, f"checkpoint: {folder}" in again.out) == (0, True)
    assert f"next: unlearnbench score {folder} --benchmark {benchmark_folder}" in again.out
    assert (folder / "adapter_model.safetensors").stat().st_mtime_ns == written
    refused = command_line(*base, *given, *more, *own, "--no-resume")
    assert (refused.code, "--no-resume needs another" in refused.err) == (2, True)
    anew = command_line(*base, *given, *more, *own, "--no-resume", "--out", "anew", "-q")
    assert anew.code == 0, anew.err
    weights = "adapter_model.safetensors"
    assert Path("anew", weights).read_bytes() == (folder / weights).read_bytes()
