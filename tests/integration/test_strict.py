"""Profile `strict` from a run to the board, with engines that answer as told."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.conftest import ABOUT, CommandLine
from tests.forgeries.copied import OTHERS, signed
from tests.forgeries.forgery import seal
from tests.scripted import ScriptedEngine
from tests.strict_samples import LeakyEngine, write_strict_benchmark
from unlearnbench.api.comparing import compare
from unlearnbench.api.rejudging import rejudge
from unlearnbench.api.reports import report
from unlearnbench.api.scoring import score
from unlearnbench.api.submissions import build_leaderboard, submit, submit_base, verify
from unlearnbench.errors import EngineError, RunError, SubmissionError
from unlearnbench.reporting.answers import CONTEXTS
from unlearnbench.runs.run import Run
from unlearnbench.types import Completion, Sampling, Way
from unlearnbench.types.options import About, EngineOptions, RunOptions

KNOWS = "knows-all"


def strict_run(engine: ScriptedEngine, benchmark: str, out: Path) -> Run:
    """A run of the profile by an engine that answers as told."""
    name = engine.info.checkpoint
    return score(name, benchmark, profile="strict", engine=engine, run_options=RunOptions(out))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A benchmark that can carry the profile."""
    return str(write_strict_benchmark(tmp_path / "benchmark"))


@pytest.mark.parametrize("way", get_args(Way))
def test_each_way_alone_makes_the_profile_leak(way: Way, folder: str, tmp_path: Path) -> None:
    engine = LeakyEngine(way, sample=16 if way == "drawn" else None)
    scores = strict_run(engine, folder, tmp_path / "run").scores
    assert scores["forget.strict"].value == scores[f"strict.{way}"].value == 1.0
    assert scores["forget.worst_case"].value == 0.0
    assert scores["retain.mean"].value == scores["fluency"].value == 1.0
    leaking = [name for name in scores if name.startswith("strict.") and scores[name].value]
    assert leaking == [f"strict.{way}"]
    assert {s.sample_temperature for s in engine.asked} == {1.0}


@pytest.mark.parametrize("way", get_args(Way))
def test_each_way_that_fails_leaves_it_open_and_unsent(
    way: Way, folder: str, tmp_path: Path
) -> None:
    engine = LeakyEngine(way, sample=9 if way == "drawn" else None, fails=True)
    run = strict_run(engine, folder, tmp_path / "run")
    strict = run.scores["forget.strict"]
    assert (strict.low, strict.high, strict.n_open) == (0.0, 1.0, 4)
    assert run.scores["forget.worst_case"].value == 0.0
    assert run.record.status == "open"
    with pytest.raises(SubmissionError, match="probes are open"):
        submit_base(run.path, "made up for tests", "A. Tester", out=tmp_path / "out")


def test_what_failed_is_asked_again_by_the_same_command(folder: str, tmp_path: Path) -> None:
    engine = LeakyEngine("cloze", fails=True)
    assert strict_run(engine, folder, tmp_path / "run").n_open == 4
    engine.fails = False
    run = strict_run(engine, folder, tmp_path / "run")
    assert (run.n_open, run.scores["forget.strict"].value) == (0, 1.0)


def test_it_is_printed_compared_and_reported(
    folder: str, tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    base = strict_run(ScriptedEngine(KNOWS, EngineOptions()), folder, tmp_path / "base")
    run = strict_run(LeakyEngine("cloze"), folder, tmp_path / "run")
    shown = command_line("show", "run", run.path, "--base", base.path)
    assert shown.code == 0
    lines = {line.split("│")[1].strip(): line for line in shown.out.splitlines() if "│" in line}
    assert "100.0 %" in lines["forget.strict"]
    assert [lines["cloze"].split("│")[i].strip() for i in (3, 5)] == ["100.0 %", "+4"]
    assert [lines["reverse"].split("│")[i].strip() for i in (3, 5)] == ["0.0 %", "+0"]
    assert "of the 4 forget facts that the base knew 4 leak: forget.strict 100.0 %" in shown.out
    rows = compare([base, run], base=base.path).runs
    assert [row.scores["forget.strict"].value for row in rows] == [1.0, 1.0]
    assert [row.scores["forget.worst_case"].value for row in rows] == [1.0, 0.0]
    table = command_line("compare", base.path, run.path)
    assert "strict" in table.out
    assert "leak in the first only" not in table.out  # by the worst case alone it would
    written = command_line("report", run.path, base.path, "--out", tmp_path / "page.html")
    assert written.code == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Ways of asking beyond standard" in page
    assert "forget.strict" in page
    record = json.loads(command_line("show", "run", run.path, "--json").out)
    assert {way["way"]: len(way["added"]) for way in record["ways"]}["cloze"] == 4


def _header_of_matrix(page: str) -> tuple[list[int], list[str]]:
    """The columns that each row of the matrix's header covers, and the headings of contexts."""
    head = page.partition('class="matrix"')[2].partition("</thead>")[0]
    below: list[tuple[int, int]] = []
    widths, contexts = [], []
    for number, row in enumerate(head.split("<tr>")[1:]):
        cells = re.findall(r"<th ([^>]*)>([^<]*)", row)
        spans = [int((re.findall(r'colspan="(\d+)"', a) or [1])[0]) for a, _ in cells]
        tall = [int((re.findall(r'rowspan="(\d+)"', a) or [1])[0]) for a, _ in cells]
        widths.append(sum(spans) + sum(span for span, until in below if until > number))
        below += [(span, number + rows) for span, rows in zip(spans, tall, strict=True)]
        if number == 0:
            contexts = [text for attributes, text in cells if "colgroup" in attributes]
    return widths, contexts


def test_the_matrix_has_a_heading_for_each_way_and_a_column_for_each_draw(
    folder: str, tmp_path: Path
) -> None:
    run = strict_run(LeakyEngine("drawn", sample=16), folder, tmp_path / "run")
    page = report([run.path]).html
    widths, contexts = _header_of_matrix(page)
    assert len(set(widths)) == 1
    assert contexts == list(CONTEXTS.values())
    assert page.count('<td class="leaked">leaked</td>') == 4


def test_what_the_base_knew_is_what_standard_shows_and_mute_ways_are_named(
    folder: str, tmp_path: Path
) -> None:
    """Else a base that cannot answer indirectly would make each checkpoint look forgetful."""
    base = strict_run(LeakyEngine("plain"), folder, tmp_path / "base")
    run = strict_run(LeakyEngine("icr"), folder, tmp_path / "run").against(base)
    assert run.among_known is not None
    assert (run.among_known.value, run.among_known.n) == (1.0, 4)
    (note,) = [finding.text for finding in run.findings if finding.code == "ways-mute"]
    assert "indirect 0, reverse 0, cloze 0" in note
    drawn = strict_run(LeakyEngine("cloze"), folder, tmp_path / "drawn")
    assert run.against(drawn).among_known is not None
    assert "nothing-to-forget" in {finding.code for finding in run.against(drawn).findings}


def test_runs_of_other_indirect_questions_are_not_compared(folder: str, tmp_path: Path) -> None:
    base = strict_run(LeakyEngine("plain"), folder, tmp_path / "base")
    rows = Path(folder) / "indirect.jsonl"
    rows.write_text(rows.read_text("utf-8").replace("What follows", "What comes"), "utf-8")
    changed = strict_run(LeakyEngine("plain"), folder, tmp_path / "changed")
    with pytest.raises(RunError, match="its indirect questions are of another version"):
        changed.against(base)


def test_a_stored_run_is_judged_and_replayed_with_its_draws(folder: str, tmp_path: Path) -> None:
    run = strict_run(LeakyEngine("drawn", sample=3), folder, tmp_path / "run")
    again = rejudge(run.path, "rules", run_options=RunOptions(tmp_path / "again"))
    assert again.scores == run.scores
    identity = again.record.score_identity
    assert (identity.sample_temperature, identity.indirect) == (
        1.0,
        run.record.score_identity.indirect,
    )


def test_an_endpoint_is_refused_in_one_line() -> None:
    from unlearnbench.engines.endpoint.engine import EndpointEngine
    from unlearnbench.protocol.ways import begun_turns
    from unlearnbench.types import Probe, ProbeKey

    probe = Probe(ProbeKey("f", "original", "begun"), "forget", "t", None, "Q?", "A", ())
    asked = [Probe(**{**_fields(probe), "messages": begun_turns("Q?")})]
    with pytest.raises(EngineError, match="f/original/begun/0: an answer that was begun"):
        EndpointEngine.prompts_fingerprint(None, asked)  # type: ignore[arg-type]


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_a_model_answers_standard_s_questions_as_without_and_draws_alike_after_a_resume(
    tiny_llama: Path, tmp_path: Path
) -> None:
    folder = str(write_strict_benchmark(tmp_path / "benchmark", forget=1, retain=9))
    runs = {
        profile: score(
            str(tiny_llama), folder, profile=profile, run_options=RunOptions(tmp_path / profile)
        )
        for profile in ("standard", "strict")
    }
    strict = runs["strict"].completions
    assert runs["standard"].completions == {k: a for k, a in strict.items() if k.is_standard}
    drawn = {k: a for k, a in strict.items() if k.context == "drawn"}
    texts = {(k.fact, a.text) for k, a in drawn.items() if isinstance(a, Completion)}
    assert len(texts) > 2
    journal = tmp_path / "strict" / "completions.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    journal.write_text("".join(lines[: len(lines) // 2]), "utf-8")
    out = RunOptions(tmp_path / "strict")
    again = score(str(tiny_llama), folder, profile="strict", run_options=out)
    assert again.completions == strict


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A board's folders of submissions and bases, with a row of `strict` and one of `standard`."""
    root = tmp_path_factory.mktemp("strict")
    bases, rows = root / "bases", root / "submissions"
    for profile in ("strict", "standard"):
        runs = {}
        for name in (KNOWS, "forgets-a"):
            engine = ScriptedEngine(name, EngineOptions())
            out = RunOptions(root / "runs" / f"{name}-{profile}")
            runs[name] = score(name, "wkf", profile=profile, engine=engine, run_options=out)
        base = bases / f"{KNOWS}-wkf-{profile}"
        submit_base(runs[KNOWS].path, "made up for tests", "A. Tester", out=base)
        about = About(f"Row of {profile}", *ABOUT[1:])
        submit(runs["forgets-a"].path, base.name, about, out=rows / f"row-{profile}", bases=bases)
    return rows, bases


def test_a_row_stands_and_has_a_division_of_its_own(
    sent: tuple[Path, Path], tmp_path: Path
) -> None:
    rows, bases = sent
    (found,) = verify([rows / "row-strict"], bases=bases)
    assert found.ok, found.reasons
    built = build_leaderboard(tmp_path / "site", rows, tmp_path / "kept", bases)
    again = build_leaderboard(tmp_path / "site", rows, tmp_path / "kept", bases)
    for board in (built.board, again.board):
        assert not board.refused
        assert [d.profile for d in board.divisions] == ["standard", "strict"]
        for division in board.divisions:
            (row,) = division.rows
            assert row.id == f"row-{division.profile}"
            assert ("forget.strict" in row.scores) is (division.profile == "strict")
            assert row.among_known.value == sum(row.states.values()) / 40
            asked = {anchor.scores.keys() == row.scores.keys() for anchor in division.anchors}
            assert asked == {True}
    assert list(built.to_pandas()["profile"]) == ["standard", "strict"]
    strict = built.board.divisions[1]
    assert "-strict-" in strict.slug
    heads = (tmp_path / "site" / "board.md").read_text("utf-8").split("| rank |")[1:]
    assert ["| strict |" in head for head in heads] == [False, True]
    page = (tmp_path / "site" / "divisions" / f"{strict.slug}.html").read_text("utf-8")
    assert 'data-sort="number">strict</th>' in page
    assert "profile strict" in page
    text = (tmp_path / "site" / "rows" / "row-strict.html").read_text("utf-8")
    assert "forget.strict among facts that the base knew" in text
    assert text.count("Tokyo") >= 1


def test_a_base_of_one_profile_does_not_serve_the_other(
    sent: tuple[Path, Path], tmp_path: Path
) -> None:
    rows, bases = sent
    shutil.copytree(bases / f"{KNOWS}-wkf-standard", tmp_path / "bases" / f"{KNOWS}-wkf-standard")
    (found,) = verify([rows / "row-strict"], bases=tmp_path / "bases")
    assert "on wkf 1.0.0 in profile strict by judge rules" in str(found.reasons[0])


def test_answers_taken_from_the_other_division_are_a_copy(
    sent: tuple[Path, Path], tmp_path: Path
) -> None:
    rows, bases = sent
    shutil.copytree(rows / "row-standard", tmp_path / "board" / "row-standard")
    shutil.copytree(rows / "row-strict", tmp_path / "row-strict")
    reasons = []
    for change in (signed(1), signed(0, **OTHERS)):
        change(tmp_path / "row-strict")
        seal(tmp_path / "row-strict")
        (found,) = verify([tmp_path / "row-strict"], bases=bases, against=tmp_path / "board")
        reasons.append([reason.what for reason in found.reasons])
    # Their own sender may send a checkpoint to both.
    assert reasons == [[], ["its answers are those of row-standard, which is earlier"]]


def test_each_profile_s_base_has_a_folder_by_default(
    sent: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = sent[1].parent / "runs"
    monkeypatch.chdir(tmp_path)
    made = [
        submit_base(runs / f"{KNOWS}-{profile}", "made up for tests", "A. Tester")
        for profile in ("standard", "strict")
    ]
    assert [path.as_posix() for path in made] == [
        f"bases/{KNOWS}-wkf",
        f"bases/{KNOWS}-wkf-strict",
    ]


def _rewritten(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if keep(json.loads(line))]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _without(folder: Path, context: str) -> None:
    """Leave a way out of the answers, the verdicts and the claimed scores."""
    for name in ("completions", "outcomes"):
        path = folder / "run" / f"{name}.jsonl"
        _rewritten(path, lambda line: line["context"] != context)
    _claim(folder, lambda run: run["scores"].pop(f"strict.{context}"))


def _claim(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "submission.json"
    claim = json.loads(path.read_text("utf-8"))
    change(claim["run"])
    path.write_text(json.dumps(claim), "utf-8")


def _set(field: str, value: object) -> Callable[[Path], None]:
    return lambda folder: _claim(folder, lambda run: run["identity"].update({field: value}))


def _as_standard(folder: Path) -> None:
    """Claim the answers for the other division."""
    other = json.loads((folder.parent / "row-standard" / "submission.json").read_text("utf-8"))
    identity = other["run"]["identity"]
    _claim(folder, lambda run: run.update(identity=identity, scores=other["run"]["scores"]))


FORGED: dict[str, tuple[Callable[[Path], None], str]] = {
    **{
        f"without {way}": (lambda folder, way=way: _without(folder, way), "are missing, first ")  # type: ignore[misc]
        for way in get_args(Way)
    },
    "another temperature": (_set("sample_temperature", 0.1), "were drawn at temperature 0.1"),
    "no temperature": (_set("sample_temperature", None), "were drawn at temperature None"),
    "other questions": (_set("indirect", "0" * 64), "indirect questions are not those that ship"),
    "an edition without them": (_set("benchmark_version", "0.4.0"), "differs from the benchmark"),
    "as a row of standard": (_as_standard, "is not in the protocol's plan"),
    "a lower share": (
        lambda folder: _claim(folder, lambda run: run["scores"]["forget.strict"].update(value=0.0)),
        "forget.strict: scores: claimed 0.0, the verdicts give",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_row_is_refused(name: str, sent: tuple[Path, Path], tmp_path: Path) -> None:
    rows, bases = sent
    shutil.copytree(rows, tmp_path / "submissions")
    change, says = FORGED[name]
    folder = tmp_path / "submissions" / "row-strict"
    change(folder)
    seal(folder)
    (found,) = verify([folder], bases=bases)
    assert not found.ok
    assert says in str(found.reasons[0])


def test_sampling_is_that_of_the_protocol_beside_the_draws(folder: str, tmp_path: Path) -> None:
    engine = LeakyEngine("plain")
    strict_run(engine, folder, tmp_path / "run")
    assert set(engine.asked) == {Sampling(50, 0.0, 0, 1.0)}
