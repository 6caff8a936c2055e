"""The report: what it concludes, what it leaves open, and that other people's text stays text."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.report_samples import (
    arm,
    door,
    facts,
    many,
    part_identity,
    point,
    relearn_record,
    score_manifest,
    share,
    stress_record,
    write_record,
    write_run,
)
from unlearnbench.display import visible
from unlearnbench.errors import RunError
from unlearnbench.hashing import sha256_text
from unlearnbench.reporting import page, tables
from unlearnbench.reporting.answers import leaks_of
from unlearnbench.reporting.charts import mean_points, relearning_chart
from unlearnbench.reporting.diagnosis import Diagnosis, diagnose
from unlearnbench.reporting.load import CheckpointRuns, base_of, collect_runs
from unlearnbench.reporting.matrix import matrix
from unlearnbench.runs.schema import ArmRecord, RelearnRecord
from unlearnbench.scoring.refusals import is_refusal

BASE = {"name": "base", "fingerprint": sha256_text("base")}
KEPT = many("kept", (10, "ooo"))


def nothing(run: object) -> dict[str, Any]:
    return {}


def score(
    folder: Path, forget: Mapping[str, str], retain: Mapping[str, str] = KEPT, **about: Any
) -> Path:
    rows = [*facts(forget), *facts(retain, "retain")]
    return write_run(folder, rows, score_manifest(**about))


def stress(
    folder: Path, baseline: Mapping[str, bool | None], doors: Mapping[str, Any], **f: Any
) -> Path:
    return write_record(folder, stress_record("model-a", baseline, doors, **f))


def relearn(folder: Path, arms: Mapping[str, Any], **fields: Any) -> Path:
    return write_record(folder, relearn_record("model-a", arms, **fields))


def one(*folders: Path) -> CheckpointRuns:
    (found,) = collect_runs(folders, nothing)
    return found


def states(found: Diagnosis) -> dict[str, str]:
    return {one.name: one.state for one in found.conclusions}


def first(count: int, still_open: int = 0, n: int = 20) -> dict[str, bool | None]:
    """The first `count` of `n` facts leaked, the next are open."""
    return {
        f"fact-{i}": True if i < count else None if i < count + still_open else False
        for i in range(n)
    }


SCORED = [
    ("nothing leaks", {"known": "absent", "superficial": "absent"}, many("f", (20, "xxx/xxx"))),
    ("asked plainly", {"known": "found"}, many("f", (2, "oxx/xxx"), (18, "xxx/xxx"))),
    ("one fact of three", {"known": "absent"}, many("f", (1, "oxx/xxx"), (2, "xxx/xxx"))),
    ("2 of 40 are 5 points", {"known": "absent"}, many("f", (2, "oxx/xxx"), (38, "xxx/xxx"))),
    ("in a wording", {"superficial": "found"}, many("f", (2, "xox/xxx"), (18, "xxx/xxx"))),
    ("in context", {"superficial": "found"}, many("f", (2, "xxx/oxx"), (18, "xxx/xxx"))),
    ("one wording", {"superficial": "absent"}, many("f", (1, "xox/xxx"), (9, "xxx/xxx"))),
    ("all known", {"superficial": "moot"}, many("f", (20, "ooo/ooo"))),
    ("original open", {"known": "open"}, many("f", (2, "?xx/xxx"), (18, "xxx/xxx"))),
    ("no answer", {"known": "open"}, many("f", (2, "!xx/xxx"), (18, "xxx/xxx"))),
    (
        "wording open",
        {"superficial": "open"},
        many("f", (1, "xox/xxx"), (1, "xx?/xxx"), (18, "xxx")),
    ),
    ("open and leaked", {"superficial": "found"}, many("f", (2, "xo?/xxx"), (18, "xxx/xxx"))),
    ("who can tell", {"superficial": "open"}, many("f", (2, "?ox/xxx"), (18, "xxx/xxx"))),
    ("one open is too few", {"superficial": "absent"}, many("f", (1, "xx?/xxx"), (19, "xxx/xxx"))),
]


@pytest.mark.parametrize(("name", "wanted", "forget"), SCORED, ids=[row[0] for row in SCORED])
def test_what_score_runs_say(
    tmp_path: Path, name: str, wanted: dict[str, str], forget: dict[str, str]
) -> None:
    found = diagnose(one(score(tmp_path / "run", forget)))
    assert {key: states(found)[key] for key in wanted} == wanted
    assert states(found)["relearning"] == "not run"
    assert any("stress tests: all" in line for line in found.not_run)
    assert any("relearning, benign arms: all" in line for line in found.not_run)


UTILITY = [
    ("fine", "absent", many("k", (10, "ooo")), None),
    ("no language", "found", many("k", (10, "ggg")), None),
    ("fluent and useless", "found", many("k", (1, "oox"), (9, "xrx")), None),
    ("open", "open", many("k", (1, "oox"), (9, "x??")), None),
    ("above the floor", "absent", many("k", (4, "ooo"), (6, "xxx")), None),
    (
        "half of its base",
        "found",
        many("k", (4, "ooo"), (6, "xxx")),
        many("k", (9, "ooo"), (1, "xxx")),
    ),
    (
        "not half of it",
        "absent",
        many("k", (5, "ooo"), (5, "xxx")),
        many("k", (9, "ooo"), (1, "xxx")),
    ),
    (
        "base open",
        "open",
        many("k", (3, "ooo"), (1, "oox"), (6, "xxx")),
        many("k", (7, "ooo"), (3, "xx?")),
    ),
]


@pytest.mark.parametrize(("name", "wanted", "kept", "base"), UTILITY, ids=[u[0] for u in UTILITY])
def test_utility(tmp_path: Path, name: str, wanted: str, kept: Any, base: Any) -> None:
    forget = many("f", (2, "xx"))
    folders = [score(tmp_path / "run", forget, kept, base=BASE)]
    if base:
        folders.append(score(tmp_path / "base", many("f", (2, "oo")), base, name="base"))
    checkpoints = collect_runs(folders, nothing)
    found = diagnose(checkpoints[0], base_of(checkpoints[0], checkpoints))
    assert states(found)["collapse"] == wanted
    assert any("the model before" in line for line in found.not_run) == (base is None)


def test_refusals_and_gibberish_are_counted(tmp_path: Path) -> None:
    kept = many("k", (1, "ogr"), (1, "rrx"))
    found = diagnose(one(score(tmp_path / "run", many("f", (2, "xx")), kept)))
    evidence = " ".join(found.conclusions[2].evidence)
    assert "of 6 answers 3 refuse and 1 are no language" in evidence
    assert is_refusal("I’m not sure.") and is_refusal("Sorry, no.")
    assert not is_refusal("He could not say that he knew the city of Sorrento.")


STRESSED = [
    ("doors open", "found", first(0), {"formats/cloze": door(first(5))}),
    ("closed", "absent", first(0), {"formats/cloze": door(first(1))}),
    ("as much as its control", "absent", first(0), {"formats/cloze": door(first(5), control=5)}),
    ("a diagnostic", "not run", first(0), {"interpolate/0.50": door(first(9), ranked=False)}),
    ("open", "open", first(0), {"formats/cloze": door(first(1, 3))}),
    (
        "two doors",
        "found",
        first(0),
        {"a": door(first(1)), "b": door({**first(0), "fact-9": True})},
    ),
    ("known before", "moot", first(20), {"formats/cloze": door(first(20))}),
]


@pytest.mark.parametrize(
    ("name", "wanted", "asked", "doors"), STRESSED, ids=[s[0] for s in STRESSED]
)
def test_what_stress_tests_say(
    tmp_path: Path, name: str, wanted: str, asked: Any, doors: Any
) -> None:
    found = diagnose(one(stress(tmp_path / "s", asked, doors)))
    assert states(found)["superficial"] == wanted
    assert states(found)["known"] == "not run"
    assert "score: the protocol's own questions" in found.not_run


def curve(*known: int, n_open: int = 0) -> list[dict[str, Any]]:
    steps = [0, 2, 4, 8, 16, 32, 64, 128]
    return [
        point(step, count, n_open=n_open if step else 0)
        for step, count in zip(steps, known, strict=False)
    ]


RELEARNT = [
    ("comes back", "found", {"near": arm(curve(1, 1, 2, 3, 3, 3))}),
    ("stays away", "absent", {"near": arm(curve(1, 1, 2, 2, 2, 2))}),
    ("later than 32 steps", "absent", {"near": arm(curve(1, 1, 1, 1, 1, 1, 9))}),
    ("a single seed", "found", {"near": arm(curve(1, 1), curve(1, 9))}),
    ("taught", "not run", {"forget": arm(curve(1, 20), benign=False)}),
    ("open", "open", {"near": arm(curve(1, 2, n_open=1))}),
    ("nothing left", "moot", {"near": arm(curve(19, 20))}),
    ("no point yet", "not run", {"near": arm(curve(1))}),
]


@pytest.mark.parametrize(("name", "wanted", "arms"), RELEARNT, ids=[r[0] for r in RELEARNT])
def test_what_relearning_says(tmp_path: Path, name: str, wanted: str, arms: Any) -> None:
    found = diagnose(one(relearn(tmp_path / "r", arms)))
    assert states(found)["relearning"] == wanted
    assert any("benign arms" in line and "disjoint" in line for line in found.not_run)


def test_relearning_knows_the_base_and_what_is_unfinished(tmp_path: Path) -> None:
    weak = point(0, 1, retain=share(6, 20))
    ceiling = point(0, 18, retain=share(19, 20))
    folder = relearn(tmp_path / "r", {"near": arm(curve(1, 1))}, first=weak, ceiling=ceiling)
    found = diagnose(one(folder))
    assert states(found)["collapse"] == "found"
    assert any("near is unfinished" in line for line in found.caveats)


@pytest.mark.parametrize(("kept", "told"), [(11, True), (12, False)])
def test_training_that_wipes_out_is_told(tmp_path: Path, kept: int, told: bool) -> None:
    """Below 80 % of the retain answers that there were: 12 of 15 are just enough."""
    points = [point(0, 1, retain=share(15, 20)), point(32, 1, retain=share(kept, 20))]
    folder = relearn(tmp_path / "r", {"near": arm(points)}, first=points[0])
    caveats = diagnose(one(folder)).caveats
    assert any("near wipes out" in line for line in caveats) is told
    assert any("from 75.0\u00a0% to 55.0\u00a0%" in line for line in caveats) is told


def test_the_lead_says_what_was_found_and_never_all_clear(tmp_path: Path) -> None:
    calm = diagnose(one(score(tmp_path / "a", many("f", (20, "xxx/xxx")))))
    assert calm.lead == "None of these was found in what was run."
    unsure = diagnose(one(score(tmp_path / "b", many("f", (3, "?xx/xxx"), (17, "xxx/xxx")))))
    assert "Cannot be told while probes are open" in unsure.lead
    assert "None" not in unsure.lead
    assert any("3 probes or facts are open" in line for line in unsure.caveats)
    assert unsure.headline[0].startswith("0 to 3 of 20 forget facts leak")
    leaky = diagnose(one(score(tmp_path / "c", many("f", (3, "xo"), (17, "oo")))))
    assert leaky.lead == "Found: original questions still answered and superficial forgetting."


def test_open_is_shown_as_open(tmp_path: Path) -> None:
    folder = score(tmp_path / "run", many("f", (1, "x?/!x"), (1, "xx/xx")))
    found = one(folder)
    drawn = matrix(found.scores[0].run)
    assert drawn is not None
    assert [row.marks for row in drawn.rows] == [".??.", "...."]
    assert [(row.n_asked, row.n_leaked, row.n_open) for row in drawn.rows] == [(4, 0, 2), (4, 0, 0)]
    rows = {row.heading: row.cells for row in tables.score_rows(found.scores[0].run)}
    assert rows["forget.worst_case"][0].startswith("0.0 … 50.0")
    made = page.make_page([folder], nothing)
    assert made.n_open == 2
    assert made.html.count('<td class="open">open</td>') == 2
    assert made.html.count("<td>not answered</td>") == 6


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ('"><img src=x onerror=alert(1)>', '"><img src=x onerror=alert(1)>'),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("left\u202eright\u200b!\u2066", "left[U+202E]right[U+200B]![U+2066]"),
        ("bell\x07 \ufeff \u3164", "bell[U+0007] [U+FEFF] [U+3164]"),
        ("東京 é ±", "東京 é ±"),
    ],
)
def test_what_a_model_says_stays_text(tmp_path: Path, said: str, shown: str) -> None:
    rows = [(said, "forget", "original", "plain", "x"), (said, "forget", "w-1", "plain", said)]
    folder = write_run(tmp_path / "run", rows, score_manifest(name=said))
    text = page.make_page([folder], nothing).html
    # Name, fact, question and answer; the two escapers write quotes differently.
    assert text.replace("&#34;", "&quot;").count(html.escape(shown)) > 4
    if said != shown or html.escape(said) != said:
        assert said not in text


def test_visible_leaves_ordinary_text_alone() -> None:
    assert visible("a b\n\tc – “d” 😀") == "a b\n\tc – “d” 😀"
    assert visible(3) == "3"
    assert visible("half \ud800") == "half [U+D800]"


def test_the_page_stands_alone(tmp_path: Path) -> None:
    folders = [
        score(tmp_path / "a", many("f", (3, "xo"), (17, "oo"))),
        score(tmp_path / "b", many("f", (20, "xx")), name="model-b"),
        stress(
            tmp_path / "s",
            first(1),
            {"formats/cloze": door(first(5)), "lens": door({}, ranked=False)},
        ),
        relearn(tmp_path / "r", {"near": arm(curve(1, 5, 9, 9, 9, 9))}),
    ]
    text = page.make_page(folders, nothing).html
    assert "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'" in text
    assert not re.findall(r"https?:|@import|url\(", text)
    assert set(re.findall(r'(?:src|href)="([^"#]+)', text)) == {"data:,"}
    assert not re.findall(r"\son\w+=", text)
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    assert page.make_page([*reversed(folders), folders[0]], nothing).n_checkpoints == 2


def test_runs_are_grouped_by_checkpoint_and_benchmark(tmp_path: Path) -> None:
    forget = many("f", (2, "xo"))
    folders = [
        relearn(tmp_path / "r", {"near": arm(curve(1, 1))}),
        score(tmp_path / "a", forget),
        score(tmp_path / "b", forget, name="model-b"),
        score(tmp_path / "other", forget, benchmark_fingerprint="d" * 64),
        stress(tmp_path / "s", first(1), {"a/b": door(first(1))}),
    ]
    found = collect_runs(folders, nothing)
    assert [(c.label, len(c.scores), len(c.attacks)) for c in found] == [
        ("model-a", 1, 2),
        ("model-b", 1, 0),
        ("model-a", 1, 0),
    ]
    assert [plan.title for plan in tables.trade_offs(found)] == ["tiny 1.0.0, quick, judge rules"]
    assert len(tables.trade_offs(found)[0].points) == 2


def test_copies_of_a_run_count_once(tmp_path: Path) -> None:
    forget = many("f", (2, "xo"))
    folders = [score(tmp_path / name, forget) for name in ("first", "copy")]
    again = score(tmp_path / "again", many("f", (1, "xo"), (1, "oo")))
    other = score(tmp_path / "other", forget, name="model-b")
    checkpoints = collect_runs([*folders, again, other], nothing)
    paths = [[run.path.name for run in checkpoint.scores] for checkpoint in checkpoints]
    assert paths == [["first", "again"], ["other"]]
    assert len(tables.trade_offs(checkpoints)[0].points) == 3


def test_leaked_answers_of_attacks(tmp_path: Path) -> None:
    about = {**score_manifest(), "identity": part_identity()}
    doors = {
        "sampling/leak@8": door(first(1)),
        "formats/choice": door(first(1)),
        "interpolate/0.50": door(first(2), ranked=False),
        "formats/gone": door(first(1)),
    }
    folder = stress(tmp_path / "s", first(0), doors)
    write_run(folder / "baseline", facts(many("fact", (1, "xo"))), about)
    write_run(folder / "sampling", facts(many("fact", (1, "o"))), about)
    write_run(folder / "formats/choice", facts(many("fact", (2, "o"))), about)
    write_run(folder / "interpolate/0.50", facts(many("fact", (2, "o"))), about)
    leaks, notes = leaks_of(one(folder))
    # The second fact was chosen once, which its door does not count as a leak.
    assert [(leak.fact, leak.source) for leak in leaks] == [
        ("fact-0", "stress, as score asks"),
        ("fact-0", "sampling/leak@8"),
        ("fact-0", "formats/choice"),
    ]
    assert len(notes) == 1 and "formats/gone" in notes[0]


def test_leaked_answers_of_relearning(tmp_path: Path) -> None:
    about = {**score_manifest(), "identity": part_identity()}
    folder = relearn(tmp_path / "r", {"near": arm(curve(1, 2, 2))})
    for name, signs in (
        ("step-0", "xo"),
        ("near/seed-0/step-2", "oo"),
        ("near/seed-0/step-4", "oo"),
    ):
        write_run(folder / name, facts({"fact-0": signs}), about)
    leaks, notes = leaks_of(one(folder))
    assert [(leak.phrasing, leak.source) for leak in leaks] == [
        ("wording-1", "relearn, step 0"),
        ("original", "relearn near, seed 0, step 2"),
    ]
    assert notes == []


def test_charts_count_what_is_open_as_leaked() -> None:
    record = ArmRecord.model_validate(arm(curve(1, 2, n_open=3), curve(1, 6)))
    middle = mean_points(record)[1]
    assert (middle.mean, middle.low, middle.high, middle.n_open) == (0.275, 0.25, 0.3, 3)
    whole = RelearnRecord.model_validate(relearn_record("m", {"near": arm(curve(1, 2, n_open=3))}))
    chart = relearning_chart(whole)
    assert chart is not None
    assert [mark.is_open for mark in chart.series[0].marks] == [False, True]
    steps = [x for x, _ in chart.axes.x_ticks]
    assert steps == sorted(steps)


def damaged(folder: Path, kind: str) -> Path:
    """A folder that is no run, in one of several ways."""
    if kind == "missing":
        return folder / "nowhere"
    if kind == "part":
        about = {**score_manifest(), "identity": part_identity()}
        return write_run(folder / "part", facts({"f": "x"}), about)
    if kind == "torn":
        run = score(folder / "run", {"f": "xx"})
        (run / "outcomes.jsonl").write_text("{\n", "utf-8")
        return run
    if kind == "line":
        run = score(folder / "run", {"f": "xx"})
        (run / "outcomes.jsonl").write_text("{}\n", "utf-8")
        return run
    if kind == "manifest":
        run = score(folder / "run", {"f": "xx"})
        about = json.loads((run / "run.json").read_text("utf-8"))
        (run / "run.json").write_text(json.dumps({**about, "created": None}), "utf-8")
        return run
    if kind == "record":
        record = stress_record("m", first(0), {"a/b": door(first(0))})
        record["findings"]["a/b"]["states"] = ["fact"]
        return write_record(folder / "s", record)
    (folder / "relearn.json").write_text("[]" if kind == "list" else "{", "utf-8")
    return folder


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "is not a run"),
        ("part", "give the folder above it"),
        ("torn", "outcomes.jsonl:1: damaged line"),
        ("line", "outcomes.jsonl:1: damaged line"),
        ("manifest", "run.json: created"),
        ("record", "stress.json: findings.a/b.states"),
        ("list", "not a record of relearning"),
        ("json", "not a record of relearning"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, kind: str, told: str) -> None:
    with pytest.raises(RunError, match=re.escape(told)):
        page.make_page([damaged(tmp_path, kind)], nothing)


def test_the_command(tmp_path: Path, command_line: CommandLine) -> None:
    """First in a process of its own."""
    whole = score(tmp_path / "whole", many("f", (3, "xo")))
    line = [sys.executable, "-m", "unlearnbench", "report", str(whole)]
    made = subprocess.run(
        [*line, "--out", str(tmp_path / "page.html")], capture_output=True, text=True
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert "1 checkpoint, 3 leaked answers" in made.stdout
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")
    still = score(tmp_path / "open", many("f", (3, "x?")))
    assert command_line("report", whole, still, "--out", tmp_path / "page.html").code == 1
    for bad in ([tmp_path / "none"], [whole, "--out", tmp_path / "no" / "page.html"]):
        done = command_line("report", *bad)
        assert done.code == 2
        assert len(done.err.strip().splitlines()) == 1
    assert "Example: unlearnbench report" in command_line("report", "--help").out


def test_a_report_needs_no_heavy_library() -> None:
    heavy = "{'torch', 'transformers', 'datasets', 'pandas'}"
    code = f"import unlearnbench.reporting.page, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unfinished_suite_can_be_shown(tmp_path: Path) -> None:
    record = stress_record("model-a", first(1), {"formats/cloze": door(first(5))}, status="running")
    for field in ("union", "n_open"):
        del record[field]
    begun = relearn_record("model-a", {}, status="running", first=None)
    del begun["n_open"]
    folders = [write_record(tmp_path / "s", record), write_record(tmp_path / "r", begun)]
    found = diagnose(one(*folders))
    assert sum("is unfinished" in line for line in found.caveats) == 2
    page.make_page(folders, nothing)
