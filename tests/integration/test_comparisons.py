"""Two runs or more side by side: one row a run, in every format, escaped as each format needs."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import unlearnbench
from tests.conftest import CommandLine, Printed
from unlearnbench.cli.formats import Sheet, latex, markdown
from unlearnbench.errors import RunError
from unlearnbench.runs.compare import SCORES

NAMES = ("knows-all", "forgets-a", "forgets-b")
Run = Callable[..., Printed]
ODD = r"my_model|50% & {more} #1 $x^2 ~ \n *bold* <b>`[a](b)"


@pytest.fixture
def run(command_line: CommandLine) -> Callable[..., Printed]:
    """`compare` as it is typed."""
    return partial(command_line, "compare")


@pytest.fixture
def folders(scripted_runs: dict[str, Path]) -> list[str]:
    return [str(scripted_runs[name]) for name in NAMES]


@pytest.fixture
def odd(scripted_runs: dict[str, Path], tmp_path: Path) -> Path:
    """A run whose checkpoint has a name full of signs."""
    folder = Path(shutil.copytree(scripted_runs["forgets-a"], tmp_path / "odd"))
    manifest = json.loads((folder / "run.json").read_text())
    manifest["generator"]["checkpoint"] = ODD
    (folder / "run.json").write_text(json.dumps(manifest))
    return folder


def test_a_row_a_run_with_its_scores(folders: list[str]) -> None:
    compared = unlearnbench.compare(folders)
    assert [row.checkpoint for row in compared.runs] == list(NAMES)
    assert compared.benchmark.startswith("wkf ")
    assert compared.pair is None
    frame = compared.to_pandas()
    assert len(frame) == 3
    for path, (_, row) in zip(folders, frame.iterrows(), strict=True):
        stored = unlearnbench.load_run(path)
        assert row["forget.strict.low"] is None
        for name in SCORES:
            if name == "forget.strict":
                continue
            score = stored.scores[name]
            assert row[f"{name}.low"] == score.low
            assert row[f"{name}.interval_high"] == score.interval.high
        assert row["open"] == 0
        assert row["findings"] == " ".join(f.code for f in stored.findings)


def test_runs_as_objects_and_two_of_them_fact_by_fact(folders: list[str]) -> None:
    compared = unlearnbench.compare([unlearnbench.load_run(folders[0]), folders[1]])
    assert compared.pair is not None
    worst = compared.pair.differences["forget.worst_case"]
    assert worst.first_only
    assert not worst.second_only


def test_what_is_not_compared(
    folders: list[str], scripted_runs: dict[str, Path], tmp_path: Path, run: Run
) -> None:
    with pytest.raises(RunError, match="two runs or more"):
        unlearnbench.compare(folders[:1])
    with pytest.raises(RunError, match="did not ask the same probes"):
        unlearnbench.compare([folders[0], scripted_runs["quick"]])
    other = Path(shutil.copytree(scripted_runs["forgets-b"], tmp_path / "other"))
    manifest = json.loads((other / "run.json").read_text())
    for fields, told in (
        ({"benchmark": "lkf"}, r"other is a run of lkf .*, not wkf .*knows-all"),
        ({}, r"with other rows as in .*knows-all; compare runs of one benchmark"),
    ):
        changed = {"benchmark_fingerprint": "0" * 64, **fields}
        identity = {**manifest["identity"], **changed}
        (other / "run.json").write_text(json.dumps({**manifest, "identity": identity}))
        with pytest.raises(RunError, match=told):
            unlearnbench.compare([*folders, other])
    for words, told in (
        (folders[:1], "two run folders or more"),
        ([*folders, "nowhere"], "nowhere is not a run folder"),
        ([*folders, "--json", "--format", "csv"], "one at a time"),
        ([*folders, "--format", "html"], "--format"),
    ):
        done = run(*words)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_table_fits_and_has_footnotes(
    columns: int, folders: list[str], odd: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = run(*folders, str(odd))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    table = [line for line in lines if not re.match(r"\[\d+\] (note|warning):", line)]
    assert max(map(len, table)) <= columns
    for path in folders:
        for name in ("forget.worst_case", "retain.mean"):
            score = unlearnbench.load_run(path).scores[name]
            assert f"{100 * score.value:.1f} %" in done.out
            interval = f"{100 * score.interval.low:.1f}–{100 * score.interval.high:.1f}"
            assert interval in done.out or columns < 72
    assert re.search(r"\bopen\b", done.out)
    if columns > 60:
        assert "knows-all" in done.out
    notes = [line for line in lines if re.match(r"\[\d+\] (note|warning):", line)]
    found = {f.text for path in folders for f in unlearnbench.load_run(path).findings}
    assert len(notes) == len(found)
    assert "…" not in "".join(table)


def test_two_runs_are_shown_fact_by_fact_below(folders: list[str], run: Run) -> None:
    shown = run(*folders[:2]).out
    assert "Facts that leak" in shown
    assert "first: knows-all judged by rules" in shown
    record = json.loads(run(*folders[:2], "--format", "json").out)
    assert {"runs", "differences", "flips", "kappa", "n_open"} <= set(record)
    assert "differences" not in json.loads(run(*folders, "--json").out)


def test_csv_is_numbers_and_names_as_they_are(folders: list[str], odd: Path, run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*folders, str(odd), "--format", "csv").out)))
    assert [row["checkpoint"] for row in rows] == [*NAMES, ODD]
    stored = unlearnbench.load_run(folders[1])
    assert float(rows[1]["retain.mean.low"]) == stored.scores["retain.mean"].low
    assert rows[1]["run"] == folders[1]


def test_markdown_shows_every_sign(folders: list[str], odd: Path, run: Run) -> None:
    lines = run(*folders, str(odd), "--format", "markdown").out.splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 4
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
    assert len(cells) == 1
    plain = re.sub(r"\\(.)", r"\1", re.sub(r" <sup>[\d, ]+</sup>", "", table[-1]))
    assert plain.startswith(f"| {ODD} |")
    assert re.search(r"<sup>1", table[-1])
    assert any(line.startswith("1. ") for line in lines)


def test_latex_compiles_as_far_as_signs_go(folders: list[str], odd: Path, run: Run) -> None:
    text = run(*folders, str(odd), "--format", "latex").out
    row = next(line for line in text.splitlines() if line.startswith("my"))
    name = (
        r"my\_model\textbar{}50\% \& \{more\} \#1 \$x\textasciicircum{}2 \textasciitilde{} "
        r"\textbackslash{}n *bold* \textless{}b\textgreater{}`[a](b)"
    )
    assert row.startswith(f"{name}\\textsuperscript{{")
    columns = len(re.search(r"\\begin{tabular}{(\w+)}", text)[1])  # type: ignore[index]
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert len(re.findall(r"(?<!\\)&", line)) == columns - 1
    assert not re.search(r"(?<!\\)[%#$]", text)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert text.strip().startswith(r"\begin{table}")
    assert text.strip().endswith(r"\end{table}")


@pytest.mark.parametrize("write", [markdown, latex])
def test_a_cell_stays_on_its_line(write: object) -> None:
    sheet = Sheet("t", ["name", "n"], [["a\nb\u202e\x1b", "1"]], [[]], ["one\ntwo"])
    text = write(sheet)  # type: ignore[operator]
    assert "a b[U+202E" in re.sub(r"\\(?=[\[\]+])", "", text)
    assert "one two" in text
    assert "\u202e" not in text
