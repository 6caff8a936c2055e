"""What the command line prints: whole tables in narrow terminals, and text that stays text."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import report_samples as samples
from tests.loopback import serving
from unlearnbench.api.sweep import Sweep, SweepPoint
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.contents import contents_of
from unlearnbench.cli import output
from unlearnbench.cli.demo import print_demo
from unlearnbench.cli.leaks import print_fact, print_leaks
from unlearnbench.cli.relearn import show_relearn
from unlearnbench.cli.runs import print_run
from unlearnbench.cli.show import print_contents
from unlearnbench.cli.stress import show_stress
from unlearnbench.cli.sweep import print_sweep
from unlearnbench.cli.tofu import print_tofu
from unlearnbench.runs.run import Run, load_run
from unlearnbench.runs.schema import FinishedRelearn, FinishedStress, RelearnRecord
from unlearnbench.runs.stored import load_judged
from unlearnbench.tofu.record import TofuRecord

WARNINGS = ("retain-low", "retain-refusals", "base-unknown")
HOSTILE = "[red]x[/] [/] :smile: \x1b[31m\u202e [link=file:///etc]y[/link]"
SHOWN = "[red]x[/] [/] :smile: [U+001B][31m[U+202E] [link=file:///etc]y[/link]"


TOFU = TofuRecord(
    source="tofu-mini",
    forget="forget25",
    data_fingerprint="d" * 64,
    checkpoint="m",
    checkpoint_fingerprint="c" * 64,
    dtype="float32",
    scores={"forget.extraction_strength": 0.1234, "forget_quality": None},
    truth_ratios={},
    aucs={},
    open=[],
    definitions={"end_token": True},
    notes=["[red]a note"],
)


def sweep_of(run: Run, folder: Path) -> Sweep:
    values = ("base", "0.00000000000001", "1")
    points = [SweepPoint("lambda_r", v, 1.0, 1.0, 1.0, 3, "c", "r", WARNINGS) for v in values]
    return Sweep(folder, tuple(points))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What a call prints in a terminal of so many columns."""

    def call(columns: int, show: Callable[..., object], *arguments: Any) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        show(*arguments)
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize("columns", [200, 80, 60])
def test_tables_are_whole(
    columns: int, printed: Any, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    run = load_run(scripted_runs["limited"])
    base = {"fact-one": False, "fact-two": None}
    doors = {"quantize/int4-symmetric": samples.door({"fact-one": True, "fact-two": None})}
    stress = samples.stress_record("model-a", base, doors)
    texts = {
        "run": printed(columns, print_run, run, False),
        "leaks": printed(columns, print_leaks, run, False),
        "stress": printed(columns, show_stress, FinishedStress.from_disk(stress, tmp_path)),
        "benchmark": printed(columns, print_contents, contents_of(load_benchmark("wkf"))),
        "fact": printed(columns, print_fact, run, run.probes[0].key.fact, False),
        "demo": printed(columns, print_demo, run, run),
        "sweep": printed(columns, print_sweep, sweep_of(run, tmp_path), False),
        "tofu": printed(columns, print_tofu, TOFU),
    }
    for name, text in texts.items():
        for line in text.split("\n"):
            table = line[:1] in "┏┃┡│├└"
            assert len(line) <= columns or not table, (name, line)
    for number in ("95%interval", *(f"{s.n}" for s in run.scores.values())):
        assert number in squeezed(texts["run"]), texts["run"]
    for probe in run.leaks.values():
        assert f"{sum(v == 'correct' for v in probe.values())}/{len(probe)}" in texts["leaks"]
    marks = sum(texts["leaks"].count(mark) for mark in "●·?")
    assert marks == 3 + sum(len(probes) for probes in run.leaks.values())
    for cell in ("0.0–100.0 %", "50.0–100.0 %"):
        assert cell in texts["stress"], texts["stress"]


def test_relearning_at_60_columns(printed: Any) -> None:
    from unlearnbench.attacks.relearn.summary import summarise

    record = samples.relearn_record("m", {"near-miss": samples.arm([samples.point(2048, 20)])})
    made = RelearnRecord.from_disk(record, Path("relearn.json"))
    assert made.first is not None
    summary = summarise(made.arms, None, made.first)
    finished = FinishedRelearn(**{**dict(made), "summary": summary})
    text = printed(60, show_relearn, finished)
    row = next(line for line in text.split("\n") if re.match(r"\s*near-miss\s+2048\s", line))
    assert re.findall(r"\d[\d.]*", row) == [
        *("2048", "100.0", "100.0", "0.0", "0.0", "0.0", "70.0", "100.0")
    ]


def test_text_from_files_stays_text(
    printed: Any, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(scripted_runs["limited"], tmp_path / "run"))
    manifest = json.loads((folder / "run.json").read_text())
    manifest["generator"]["checkpoint"] = HOSTILE
    manifest["generator"]["notes"] = [HOSTILE]
    manifest["judge"]["name"] = HOSTILE
    (folder / "run.json").write_text(json.dumps(manifest))
    text = printed(200, print_run, load_judged(folder), False)
    assert squeezed(text).count(squeezed(SHOWN)) == 3
    assert "\x1b" not in text
    stress = samples.stress_record(
        HOSTILE, {HOSTILE: True}, {HOSTILE: samples.door({HOSTILE: True})}
    )
    text = printed(250, show_stress, FinishedStress.from_disk(stress, tmp_path))
    assert squeezed(text).count(squeezed(SHOWN)) == 2


def test_cells_and_titles_are_no_markup() -> None:
    console = output.PlainConsole()
    console.file = io.StringIO()
    shown = output.table(HOSTILE, HOSTILE, "n")
    shown.add_row(HOSTILE, "1")
    console.width = 300
    console.print(shown)
    console.print(output.strong(HOSTILE, HOSTILE))
    assert console.file.getvalue().count(SHOWN) == 5
    assert "\x1b" not in console.file.getvalue()


def test_nothing_is_printed_as_markup() -> None:
    """Markup in our own strings would be shown as it stands."""
    folder = Path(output.__file__).parent
    found = [
        p.name for p in folder.glob("*.py") if re.search(r"\[/?bold|markup=True", p.read_text())
    ]
    assert found == []


@pytest.mark.usefixtures("shipped_bases")
def test_a_report_on_a_submission_shows_its_answers(
    good_submission: Path, scripted_runs: dict[str, Path]
) -> None:
    from unlearnbench.api.corrections import corrections
    from unlearnbench.api.submissions import submitted_runs
    from unlearnbench.reporting.page import make_page

    runs = [scripted_runs[name] for name in ("forgets-a", "knows-all")]
    expected = make_page(runs, corrections)
    found = make_page([good_submission], corrections, submitted_runs)
    assert (found.n_checkpoints, found.n_leaks) == (2, expected.n_leaks)
    assert found.n_open == 0


@pytest.mark.usefixtures("shipped_bases")
def test_a_submission_that_does_not_stand_is_not_reported(
    good_submission: Path, tmp_path: Path
) -> None:
    from unlearnbench.api.corrections import corrections
    from unlearnbench.api.submissions import submitted_runs
    from unlearnbench.errors import SubmissionError
    from unlearnbench.reporting.page import make_page

    folder = Path(shutil.copytree(good_submission, tmp_path / "row"))
    path = folder / "run/outcomes.jsonl"
    path.write_text(path.read_text().replace('"correct"', '"incorrect"', 1))
    with pytest.raises(SubmissionError, match="is refused"):
        make_page([folder], corrections, submitted_runs)


def test_a_check_without_paraphrases(benchmark_folder: Path) -> None:
    from unlearnbench.api.benchmarks import check_rows

    toml = benchmark_folder / "benchmark.toml"
    toml.write_text(re.sub(r"paraphrases = \d+", "paraphrases = 0", toml.read_text()))
    for name in ("forget", "retain"):
        path = benchmark_folder / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps({**row, "paraphrases": []}) + "\n" for row in rows))
    found = check_rows(load_benchmark(str(benchmark_folder)))
    assert (found.paraphrases, found.overlap) == (0, 0.0)


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (401, "", "log in with `hf auth login`, or set HF_TOKEN"),
        (403, "", "log in with"),
        (403, "GatedRepo", "accepts the terms at http"),
        (404, "RepoNotFound", "if it is private, log in"),
        (500, "", "offline, give --source FOLDER"),
    ],
)
def test_a_data_set_that_needs_a_token(
    status: int, code: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from huggingface_hub import HfApi

    from unlearnbench.benchmark import hub
    from unlearnbench.errors import BenchmarkError

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nothing."""

    with serving(HTTPServer(("127.0.0.1", 0), Refuses)) as here:
        monkeypatch.setattr("huggingface_hub.HfApi", lambda: HfApi(endpoint=here))
        with pytest.raises(BenchmarkError, match=re.escape(says)):
            hub.load_table("hub", "owner/name", None, "table")
