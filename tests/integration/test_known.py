"""`known`: what the base answers, and the benchmark of the facts that it knows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

import unlearnbench
from tests.conftest import CommandLine, write_benchmark
from tests.report_samples import facts, many, score_manifest, write_run
from unlearnbench.benchmark import Benchmark, load_benchmark
from unlearnbench.errors import RunError, UnlearnbenchError
from unlearnbench.runs.run import Run

STATES = {"forget-0": "oo/x", "forget-1": "xo/x", "forget-2": "xx/o", "forget-3": "xx/x"}
"""Known as worded, in a paraphrase, after samples only, and not at all."""


@pytest.fixture
def rows(tmp_path: Path) -> Benchmark:
    """A benchmark with all that can lie in its folder."""
    folder = write_benchmark(tmp_path / "rows")
    (folder / "reviewed.jsonl").write_text(
        "".join(
            json.dumps({"fact": fact, "text": f"Way 0 to ask for {fact.replace('-', ' ')}?"}) + "\n"
            for fact in ("forget-0", "forget-3", "retain-1")
        )
    )
    (folder / "synonyms.jsonl").write_text('{"names": ["one", "first"]}\n')
    (folder / "relearn").mkdir()
    half = ("forget-2", "forget-3")
    (folder / "relearn/half.jsonl").write_text("".join(f'{{"fact": "{f}"}}\n' for f in half))
    (folder / "relearn/prose.jsonl").write_text('{"id": "p", "topic": "t", "text": "Some."}\n')
    forms = [
        {
            "fact": f"forget-{n}",
            "cloze": "It is ____.",
            "distractors": ["one", "two", "three"],
            "reverse_question": "Which?",
            "reverse_answer": f"thing {n}",
        }
        for n in range(4)
    ]
    (folder / "forms.jsonl").write_text("\n".join(map(json.dumps, forms)))
    indirect = [
        {"fact": f"forget-{n}", "question": f"Who made thing {n}?", "answer": f"Ada the {n}th"}
        | {"source": {"title": "An article", "claim": "It says so."}}
        for n in range(4)
    ]
    (folder / "indirect.jsonl").write_text("\n".join(map(json.dumps, indirect)))
    declaration = (folder / "benchmark.toml").read_text()
    (folder / "benchmark.toml").write_text(
        declaration.replace(
            'title = "Tiny"',
            'title = "Tiny \\"facts\\" 🦉"\nforms = "forms.jsonl"\nindirect = "indirect.jsonl"',
        )
        + '[relearn.half]\nfile = "relearn/half.jsonl"\nkind = "half"\nrows = 2\n'
        + '[relearn.prose]\nfile = "relearn/prose.jsonl"\nkind = "prose"\nrows = 1\n'
        + '[topics]\nthings = "Some things."\n'
    )
    return load_benchmark(str(folder))


def base(folder: Path, rows: Benchmark, states: dict[str, str], **about: object) -> Path:
    """A run of the base that answers so."""
    asked = {"benchmark_fingerprint": rows.fingerprint, "benchmark_version": rows.version, **about}
    said = [*facts(states), *facts(many("retain", (5, "ooo")), "retain")]
    return write_run(folder, said, score_manifest("org/Base-1B", **asked))


def test_what_a_run_says_of_each_fact(rows: Benchmark, tmp_path: Path) -> None:
    run = base(tmp_path / "run", rows, {**STATES, "forget-4": "x?/x", "forget-5": "?o/x"})
    known = unlearnbench.known(run)
    states = [(fact.fact, fact.state, fact.original) for fact in known.facts]
    assert states == [
        ("forget-0", "known", "known"),
        ("forget-1", "known", "unknown"),
        ("forget-2", "known", "unknown"),
        ("forget-3", "unknown", "unknown"),
        ("forget-4", "open", "unknown"),
        ("forget-5", "known", "open"),
    ]
    assert known.unsure() == ["forget-4"]
    assert known.unsure("original") == ["forget-5"]
    assert [str(key) for key in known.facts[2].answered] == ["forget-2/original/icr/0"]
    assert known.facts[0].count("plain") == (2, 0, 2)
    frame = known.to_pandas()
    assert list(frame["state"]) == [state for _, state, _ in states]
    assert {"few-known", "probes-open"} <= {finding.code for finding in known.findings}


@pytest.mark.parametrize(
    ("keep", "kept", "half"),
    [("known", [0, 1, 2], ["forget-2"]), ("original", [0], None)],
    ids=["known", "original"],
)
def test_the_subset_is_a_benchmark_of_its_own(
    rows: Benchmark,
    tmp_path: Path,
    command_line: CommandLine,
    keep: str,
    kept: list[int],
    half: list[str] | None,
) -> None:
    run, out = base(tmp_path / "run", rows, STATES), tmp_path / "mine"
    words = ["known", str(run), "--benchmark", str(rows.folder), "--keep", keep, "--out", str(out)]
    told = json.loads(command_line(*words, "--json").out)
    subset = load_benchmark(str(out))
    ids = [f"forget-{n}" for n in kept]
    assert [fact.id for fact in subset.split("forget")] == ids
    assert [form.fact for form in subset.forms] == ids
    assert [row.fact for row in subset.indirect] == ids
    assert subset.split("retain") == rows.split("retain")
    assert subset.split("forget") == tuple(f for f in rows.split("forget") if f.id in ids)
    assert {part.name: list(part.half) for part in subset.relearn if part.half} == (
        {"half": half} if half else {}
    )
    assert "prose" in {part.name for part in subset.relearn}
    assert subset.topics == rows.topics
    assert subset.id.startswith(f"tiny-{keep}-base-1b-")
    told_facts = f"the {len(kept)} of 4 forget facts that org/Base-1B answers"
    assert subset.title == f'Tiny "facts" 🦉; {told_facts}'
    assert subset.fingerprint != rows.fingerprint
    reviewed = [json.loads(line)["fact"] for line in (out / "reviewed.jsonl").open()]
    assert reviewed == ["forget-0", "retain-1"]
    assert (out / "synonyms.jsonl").read_text() == '{"names": ["one", "first"]}\n'
    record = json.loads((out / "subset.json").read_text())
    stored = json.loads((run / "run.json").read_text())["identity"]
    assert record["of"]["fingerprint"] == rows.fingerprint
    assert record["known_by"]["fingerprint"] == stored["checkpoint"]
    assert record["judge"]["identity"] == stored["judge_identity"]
    assert record["run"]["identity"] == stored
    assert len(record["left_out"]) == 4 - len(kept)
    assert told["subset"]["fingerprint"] == subset.fingerprint
    assert told["counts"] == {"facts": 4, "known": 3, "original": 1, "unknown": 1, "open": 0}


def test_a_shipped_benchmark_keeps_its_rules(tmp_path: Path) -> None:
    wkf = load_benchmark("wkf")
    states = {f.id: "ox" if n % 3 else "xx" for n, f in enumerate(wkf.split("forget"))}
    run = base(tmp_path / "run", wkf, states, benchmark="wkf")
    known = unlearnbench.known(run, keep="known", out=tmp_path / "mine")
    assert known.subset == tmp_path / "mine"
    subset = load_benchmark(str(known.subset))
    assert len(subset.split("forget")) == sum(sign == "ox" for sign in states.values())
    assert {part.name for part in subset.relearn} == {part.name for part in wkf.relearn}
    (half,) = [part.half for part in subset.relearn if part.kind == "half"]
    assert 0 < len(half) < len(subset.split("forget"))
    assert not (tmp_path / "mine" / "known-by.csv").exists()


def test_an_open_fact_keeps_the_subset_from_being_written(
    rows: Benchmark, tmp_path: Path, command_line: CommandLine
) -> None:
    run, out = base(tmp_path / "run", rows, {**STATES, "forget-3": "x?/x"}), tmp_path / "mine"
    words = [str(run), "--benchmark", str(rows.folder), "--out", str(out)]
    shown = command_line("known", *words, "--keep", "known")
    assert shown.code == 1
    assert "nothing was written: 1 forget facts are open (forget-3)" in shown.out
    assert not out.exists()
    assert command_line("known", str(run)).code == 1
    assert command_line("known", *words, "--keep", "original").code == 0  # decided all the same
    assert out.is_dir()


REFUSED = [
    ("keep alone", ["--keep", "known"], "--out is missing"),
    ("out alone", ["--out", "mine"], "--keep is missing"),
    ("out there", ["--keep", "known", "--out", "there"], "there exists already"),
    ("out a broken link", ["--keep", "known", "--out", "link"], "link exists already"),
    ("out below a file", ["--keep", "known", "--out", "file/mine"], "file is a file"),
    ("another benchmark", ["--benchmark", "wkf"], "is a run of tiny 0.1.0, not wkf"),
    ("a judge", ["--judge", "rules"], "judge cannot change it"),
    ("a device", ["--device", "cpu"], "engine options cannot change it"),
    ("no resuming", ["--no-resume"], "run options cannot change it"),
]


@pytest.mark.parametrize(("words", "told"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_cannot_be_done_is_refused(
    rows: Benchmark,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    words: Sequence[str],
    told: str,
) -> None:
    run = base(tmp_path / "run", rows, STATES)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    shown = command_line("known", str(run), *words)
    assert shown.code == 2
    assert told in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert not (tmp_path / "mine").exists()


def test_a_folder_that_is_no_run_of_score_is_refused(rows: Benchmark, tmp_path: Path) -> None:
    run = base(tmp_path / "run", rows, STATES)
    attack = tmp_path / "attack"
    attack.mkdir()
    (attack / "stress.json").write_text("{}")
    with pytest.raises(RunError, match="is a stress run"):
        unlearnbench.known(attack)
    (run / "run.json").unlink()
    with pytest.raises(RunError, match=r"no run\.json"):
        unlearnbench.known(run)


def test_rows_that_changed_since_are_refused(rows: Benchmark, tmp_path: Path) -> None:
    run = base(tmp_path / "run", rows, STATES, benchmark_fingerprint="c" * 64)
    with pytest.raises(RunError, match=r"is a run of tiny 0\.1\.0 with other rows"):
        unlearnbench.known(run, rows, keep="known", out=tmp_path / "mine")
    limited = base(tmp_path / "limited", rows, STATES, limit=3)
    with pytest.raises(RunError, match="asks every fact"):
        unlearnbench.known(limited, rows, keep="known", out=tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_subset_without_a_fact_is_refused(rows: Benchmark, tmp_path: Path) -> None:
    run = base(tmp_path / "run", rows, dict.fromkeys(STATES, "xx/x"))
    with pytest.raises(RunError, match="none of the 4 forget facts was answered"):
        unlearnbench.known(run, rows, keep="known", out=tmp_path / "mine")
    assert not list(tmp_path.glob("*mine*"))


def test_rows_that_do_not_ship_as_a_folder_cannot_be_kept(rows: Benchmark, tmp_path: Path) -> None:
    shutil.move(rows.folder / "benchmark.toml", tmp_path)
    with pytest.raises(UnlearnbenchError, match=r"benchmark\.toml"):
        unlearnbench.known("nothing", rows, keep="known", out=tmp_path / "mine")


def test_a_checkpoint_is_scored_and_its_run_is_a_base(
    rows: Benchmark, tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = unlearnbench.known(str(tiny_llama), rows, profile="quick")
    assert isinstance(known.run, Run)
    assert known.run.path.parent == Path("runs")
    again = unlearnbench.known(known.run.path)
    assert again.facts == known.facts
    run = unlearnbench.score(str(tiny_llama), rows, profile="quick", base=known.run.path)
    assert run.path == known.run.path
