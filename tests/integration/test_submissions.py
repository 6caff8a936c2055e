"""Submissions: how one is made, and that it stands; tests/forgeries/ has those that do not."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from tests.forgeries.forgery import used
from unlearnbench.api.submissions import submit, submit_base, verify
from unlearnbench.errors import SubmissionError
from unlearnbench.paths import content_root
from unlearnbench.submissions.published import PUBLISHED, json_schema
from unlearnbench.types.options import About


def test_a_good_one_stands(good_submission: Path, bases: Path) -> None:
    names = sorted(
        str(p.relative_to(good_submission)) for p in good_submission.rglob("*") if p.is_file()
    )
    assert names == [
        "SHA256SUMS",
        "run/completions.jsonl",
        "run/outcomes.jsonl",
        "submission.json",
    ]
    began = used()
    (found,) = verify([good_submission], bases=bases)
    assert found.ok, found.reasons
    assert found.checked is not None
    assert found.checked.doubts == ()
    assert used() - began < 10
    run = found.checked.run
    assert (found.checked.base.id, found.checked.base.run.scores["retain.mean"].value) == (
        "knows-all-wkf",
        1.0,
    )
    assert run.scores["forget.worst_case"].value == pytest.approx(
        found.checked.claim.run.scores["forget.worst_case"].value
    )


def test_the_same_submission_is_the_same_bytes(
    good_submission: Path, scripted_runs: dict[str, Path], bases: Path, tmp_path: Path
) -> None:
    """Whether its base is given as an accepted one or as a run of the same model."""
    again = submit(
        scripted_runs["forgets-a"],
        scripted_runs["knows-all"],
        About(*ABOUT),
        out=tmp_path / "again",
        bases=bases,
    )
    for name in ("run/completions.jsonl", "run/outcomes.jsonl"):
        assert (again / name).read_bytes() == (good_submission / name).read_bytes()


def test_the_published_schema_is_the_one_in_use() -> None:
    from unlearnbench.paths import content_root

    for name in PUBLISHED:
        path = content_root() / "leaderboard" / "schema" / f"{name}.schema.json"
        assert json.loads(path.read_text("utf-8")) == json.loads(json.dumps(json_schema(name)))


def submitted(
    scripted_runs: dict[str, Path], bases: Path, tmp_path: Path, run: str, base: str | None
) -> Path:
    """A submission of one of the runs."""
    given = str(scripted_runs[base]) if base in scripted_runs else base
    return submit(scripted_runs[run], given, About(*ABOUT), out=tmp_path / "out", bases=bases)


REFUSED: dict[str, tuple[str, str | None, str]] = {
    "a quick run": ("quick", "knows-all-wkf", "profile quick is not ranked; use standard"),
    "a few facts": ("limited", "knows-all-wkf", "only the first 2 facts were asked"),
    "a base that nobody accepted": (
        "forgets-a",
        "forgets-b",
        "out: would be refused: base: base: no accepted base run of .* on wkf .* by judge rules of "
        r"this version; send one first \(unlearnbench submit-base\)",
    ),
    "itself as base": ("forgets-a", "forgets-a", "would be refused: .*no accepted base run"),
    "a base by a wrong name": (
        "forgets-a",
        "knows-all-wkff",
        "--base knows-all-wkff: neither an accepted base nor a run; did you mean 'knows-all-wkf'",
    ),
    "no base": ("forgets-a", None, "--base: give the model before unlearning"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_submit_refuses(
    name: str, scripted_runs: dict[str, Path], bases: Path, tmp_path: Path
) -> None:
    run, base, says = REFUSED[name]
    with pytest.raises(SubmissionError, match=says):
        submitted(scripted_runs, bases, tmp_path, run, base)
    assert list(tmp_path.iterdir()) == []


def test_submit_refuses_open_facts(
    scripted_runs: dict[str, Path], bases: Path, tmp_path: Path
) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(scripted_runs["forgets-a"], torn)
    outcomes = torn / "outcomes.jsonl"
    outcomes.write_bytes(b"".join(outcomes.read_bytes().splitlines(keepends=True)[5:]))
    with pytest.raises(SubmissionError, match="5 probes are open"):
        submit(torn, "knows-all-wkf", About(*ABOUT), out=tmp_path / "out", bases=bases)
    with pytest.raises(SubmissionError, match="5 probes are open"):
        submit_base(torn, "a package", "A. Person", out=tmp_path / "out")


@pytest.mark.parametrize(
    ("about", "says"),
    [
        (About("x\u202ey", "other", "s"), r"--name: .*U\+202E"),
        (About("x", "other", "s", "javascript:alert(1)"), "--link: .*https"),
        (About("", "other", "s"), "--name"),
        (About("x", "refusal", "s"), "--method: .*no such method"),
        (About("x", "other", " s"), "--submitter: .*begins or ends with a space"),
        (About("x", "other", "s", note="a\nb"), r"--note: .*U\+000A"),
    ],
    ids=["name", "link", "no name", "method", "submitter", "note"],
)
def test_submit_refuses_what_would_be_refused(
    scripted_runs: dict[str, Path], bases: Path, tmp_path: Path, about: About, says: str
) -> None:
    with pytest.raises(SubmissionError, match=says):
        submit(
            scripted_runs["forgets-a"], "knows-all-wkf", about, out=tmp_path / "out", bases=bases
        )


@pytest.mark.parametrize("name", ["Mine", "con", "anchor-mine", "my_row", "mine\u200b"])
def test_submit_names_the_folder_by_an_id(
    name: str, scripted_runs: dict[str, Path], bases: Path, tmp_path: Path
) -> None:
    out = tmp_path / name
    with pytest.raises(SubmissionError, match="the folder's name is a row's id"):
        submit(scripted_runs["forgets-a"], "knows-all-wkf", About(*ABOUT), out=out, bases=bases)
    assert not out.exists()


def test_a_base_is_made_and_stands(bases: Path, scripted_runs: dict[str, Path]) -> None:
    folder = bases / "knows-all-wkf"
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == ["SHA256SUMS", "base.json", "run/completions.jsonl", "run/outcomes.jsonl"]
    (found,) = verify([folder], bases=bases)
    assert found.ok, found.reasons
    assert found.base is not None
    assert found.checked is None
    assert found.base.claim.source == "made up for tests"


@pytest.mark.parametrize(
    ("run", "source", "by", "says"),
    [
        ("quick", "a package", "Me", "profile quick is not ranked"),
        ("limited", "a package", "Me", "only the first 2 facts"),
        ("knows-all", "", "Me", "--source"),
        ("knows-all", "a package", "\u200b", "--by"),
    ],
)
def test_submit_base_refuses(
    run: str, source: str, by: str, says: str, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(SubmissionError, match=says):
        submit_base(scripted_runs[run], source, by, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_verification_reads_nothing_outside(
    good_submission: Path, bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that is opened lies in the submission, the bases or the program's content."""
    opened: list[str] = []
    real = os.open

    def spy(path: Any, *rest: Any, **more: Any) -> int:
        opened.append(str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", spy)
    monkeypatch.delattr("unlearnbench.submissions.apart.os.fork")
    assert verify([good_submission], bases=bases, against=tmp_path)[0].ok
    assert any(path.endswith("run/outcomes.jsonl") for path in opened)
    content = [content_root() / name for name in ("benchmarks", "judges")]
    allowed = tuple(map(str, [good_submission, bases, *content]))
    assert all(path.startswith(allowed) for path in opened)
