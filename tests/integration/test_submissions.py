"""Submissions: a good one stands; every forged or broken one is refused for the right reason."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from unlearnbench.api.submissions import submit, verify
from unlearnbench.errors import SubmissionError
from unlearnbench.paths import content_root
from unlearnbench.submissions.schema import PUBLISHED, json_schema
from unlearnbench.types.options import About


def test_a_good_one_stands(good_submission: Path) -> None:
    names = sorted(
        str(p.relative_to(good_submission)) for p in good_submission.rglob("*") if p.is_file()
    )
    assert names == [
        "SHA256SUMS",
        "base/completions.jsonl",
        "base/outcomes.jsonl",
        "run/completions.jsonl",
        "run/outcomes.jsonl",
        "submission.json",
    ]
    began = time.monotonic()
    (found,) = verify([good_submission])
    assert found.ok, found.reasons
    assert found.checked is not None
    assert time.monotonic() - began < 10
    run = found.checked.runs["run"]
    assert run.scores["forget.worst_case"].value == pytest.approx(
        found.checked.claim.run.scores["forget.worst_case"].value
    )


def test_the_same_submission_is_the_same_bytes(
    good_submission: Path, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    again = submit(
        scripted_runs["forgets-a"],
        scripted_runs["knows-all"],
        About(*ABOUT),
        out=tmp_path / "again",
    )
    for name in ("run/completions.jsonl", "base/outcomes.jsonl"):
        assert (again / name).read_bytes() == (good_submission / name).read_bytes()


def test_the_published_schema_is_the_one_in_use() -> None:
    from unlearnbench.paths import content_root

    for name in PUBLISHED:
        path = content_root() / "leaderboard" / "schema" / f"{name}.schema.json"
        assert json.loads(path.read_text("utf-8")) == json.loads(json.dumps(json_schema(name)))


@pytest.mark.parametrize(
    ("run", "base", "says"),
    [
        ("quick", "knows-all", "profile quick is not ranked; use standard"),
        ("limited", "knows-all", "only the first 2 facts were asked"),
        ("forgets-a", "quick", "the base run: profile quick is not ranked"),
    ],
)
def test_submit_refuses(
    scripted_runs: dict[str, Path], tmp_path: Path, run: str, base: str, says: str
) -> None:
    with pytest.raises(SubmissionError, match=says):
        submit(scripted_runs[run], scripted_runs[base], About(*ABOUT), out=tmp_path / "out")


def test_submit_refuses_open_facts(scripted_runs: dict[str, Path], tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(scripted_runs["forgets-a"], torn)
    outcomes = torn / "outcomes.jsonl"
    outcomes.write_bytes(b"".join(outcomes.read_bytes().splitlines(keepends=True)[5:]))
    with pytest.raises(SubmissionError, match="5 probes are open"):
        submit(torn, scripted_runs["knows-all"], About(*ABOUT), out=tmp_path / "out")


@pytest.mark.parametrize(
    ("about", "says"),
    [
        (About("x\u202ey", "m", "s"), r"--name: .*U\+202E"),
        (About("x", "m", "s", "javascript:alert(1)"), "--link: .*https"),
        (About("", "m", "s"), "--name"),
    ],
)
def test_submit_refuses_what_would_be_refused(
    scripted_runs: dict[str, Path], tmp_path: Path, about: About, says: str
) -> None:
    with pytest.raises(SubmissionError, match=says):
        submit(scripted_runs["forgets-a"], scripted_runs["knows-all"], about, out=tmp_path / "out")


Mutation = Callable[[Path], object]


def claim(change: Callable[[dict[str, Any]], object]) -> Mutation:
    """Edit submission.json, and its digest with it, as a forger would."""

    def apply(folder: Path) -> None:
        path = folder / "submission.json"
        found = json.loads(path.read_text("utf-8"))
        change(found)
        path.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
        seal(folder)

    return apply


def put(*steps: str | int, value: Any) -> Mutation:
    """Set one field of submission.json."""

    def change(found: dict[str, Any]) -> None:
        place: Any = found
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = value

    return claim(change)


def lines(name: str, change: Callable[[list[Any]], list[Any]]) -> Mutation:
    """Edit the lines of a JSONL file as objects."""

    def apply(folder: Path) -> None:
        path = folder / name
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        made = [json.dumps(line, ensure_ascii=False) + "\n" for line in change(found)]
        path.write_text("".join(made), "utf-8")
        seal(folder)

    return apply


def each(name: str, where: int, **fields: Any) -> Mutation:
    """Set fields of one line."""

    def change(found: list[Any]) -> list[Any]:
        found[where] = {**found[where], **fields}
        return found

    return lines(name, change)


def raw(name: str, data: bytes) -> Mutation:
    """Replace a file."""

    def apply(folder: Path) -> None:
        (folder / name).write_bytes(data)
        seal(folder)

    return apply


def after(name: str, data: bytes) -> Mutation:
    """Append to a file."""

    def apply(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(data)
        seal(folder)

    return apply


def text(name: str, old: str, new: str) -> Mutation:
    """Replace text in a file."""

    def apply(folder: Path) -> None:
        path = folder / name
        before = path.read_text("utf-8")
        assert old in before
        path.write_text(before.replace(old, new, 1), "utf-8")
        seal(folder)

    return apply


def append(folder: Path, name: str, more: str) -> None:
    """Append to a file without mending SHA256SUMS."""
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(more)


def seal(folder: Path) -> None:
    """Write SHA256SUMS anew."""
    files = sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and not p.is_symlink() and p.name != "SHA256SUMS"
    )
    sums = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder)}\n" for p in files
    ]
    (folder / "SHA256SUMS").write_text("".join(sums))


def sparse(folder: Path) -> None:
    """A line of 2 GB that takes no room on disk."""
    with (folder / "run" / "completions.jsonl").open("r+b") as file:
        file.truncate(2 * 1024**3)


def first_wrong(found: list[Any]) -> int:
    """A forget fact that was not answered."""
    return next(i for i, line in enumerate(found) if line["verdict"] == "incorrect")


def first_right(found: list[Any]) -> int:
    return next(i for i, line in enumerate(found) if line["verdict"] == "correct")


def flip(found: list[Any]) -> list[Any]:
    """Call a leak forgotten."""
    place = first_right(found)
    found[place] = {**found[place], "verdict": "incorrect"}
    return found


def flip_up(found: list[Any]) -> list[Any]:
    """Call a lost retain fact kept."""
    place = first_wrong(found)
    found[place] = {**found[place], "verdict": "correct"}
    return found


def swap_facts(found: list[Any]) -> list[Any]:
    """Exchange the answers of two facts under their keys."""
    found[0]["text"], found[-1]["text"] = found[-1]["text"], found[0]["text"]
    return found


def forge_answer(folder: Path) -> None:
    """Replace a leaking answer together with its verdict and the hash it was given on."""
    outcomes = folder / "run" / "outcomes.jsonl"
    found = [json.loads(line) for line in outcomes.read_text().splitlines()]
    place = first_right(found)
    found[place]["response_sha256"] = hashlib.sha256(b"No idea").hexdigest()
    outcomes.write_text("".join(json.dumps(line) + "\n" for line in found))
    seal(folder)


DEEP = b'{"a":' * 500 + b"1" + b"}" * 500
ANSWERS, VERDICTS = "run/completions.jsonl", "run/outcomes.jsonl"
CLAIM, SUMS = "submission.json", "SHA256SUMS"

MUTATIONS: dict[str, tuple[Mutation, str]] = {
    # The numbers.
    "edited score": (put("run", "scores", "forget.worst_case", "value", value=0.0), "scores"),
    "edited bounds": (
        claim(
            lambda c: c["run"]["scores"]["forget.worst_case"].update(value=0.0, low=0.0, high=0.0)
        ),
        "scores",
    ),
    "last digit": (
        claim(
            lambda c: c["run"]["scores"]["retain.mean"].update(
                interval=[
                    c["run"]["scores"]["retain.mean"]["interval"][0] + 1e-15,
                    c["run"]["scores"]["retain.mean"]["interval"][1],
                ]
            )
        ),
        "scores",
    ),
    "edited n": (put("run", "scores", "forget.icr", "n", value=4000), "scores"),
    "dropped score": (claim(lambda c: c["run"]["scores"].pop("forget.icr")), "scores"),
    "invented score": (
        claim(
            lambda c: c["run"]["scores"].update(
                {"forget.best_case": c["run"]["scores"]["forget.icr"]}
            )
        ),
        "scores",
    ),
    "edited base score": (put("base", "scores", "retain.mean", "value", value=0.1), "scores"),
    "open facts": (put("run", "scores", "forget.icr", "n_open", value=3), "schema"),
    "score above one": (put("run", "scores", "forget.icr", "value", value=1.5), "schema"),
    "score as text": (put("run", "scores", "forget.icr", "value", value="0.0"), "schema"),
    "huge count": (put("run", "scores", "forget.icr", "n", value=10**15), "schema"),
    "number of 5000 digits": (
        text(CLAIM, '"seed": 0', '"seed": ' + "9" * 5000),
        "not-json",
    ),
    "NaN": (text(CLAIM, '"value": ', '"value": NaN, "x": '), "not-json"),
    "infinite by size": (text(CLAIM, '"value": ', '"value": 1e999, "x": '), "not-json"),
    # The answers.
    "dropped probe": (lines(ANSWERS, lambda f: f[1:]), "missing"),
    "dropped last probe": (lines(ANSWERS, lambda f: f[:-1]), "missing"),
    "dropped fact": (lines(ANSWERS, lambda f: f[32:]), "missing"),
    "doubled key": (lines(ANSWERS, lambda f: [f[0], *f]), "doubled"),
    "foreign key": (lines(ANSWERS, lambda f: [{**f[0], "fact": "atlantis"}, *f]), "unplanned"),
    "another sample": (each(ANSWERS, 0, sample=1), "unplanned"),
    "context that is not asked": (each(ANSWERS, 0, context="hint"), "schema"),
    "swapped facts": (lines(ANSWERS, swap_facts), "response"),
    "edited answer": (each(ANSWERS, 3, text="Something else"), "response"),
    "more tokens than allowed": (each(ANSWERS, 0, n_tokens=51), "tokens"),
    "error in place of an answer": (
        lines(
            ANSWERS,
            lambda f: [{k: f[0][k] for k in ("fact", "phrasing", "context", "sample")}, *f[1:]],
        ),
        "schema",
    ),
    "answer too long": (each(ANSWERS, 0, text="x" * 30_000), "schema"),
    "line too long": (each(ANSWERS, 0, text="x" * 300_000), "long-line"),
    "unknown finish": (each(ANSWERS, 0, finish_reason="filter"), "schema"),
    "extra field": (each(ANSWERS, 0, note="trust me"), "schema"),
    "a list in place of an object": (lines(ANSWERS, lambda f: [[1, 2], *f[1:]]), "schema"),
    "number as key": (each(ANSWERS, 0, fact=7), "schema"),
    "empty answers": (raw(ANSWERS, b""), "missing"),
    "torn last line": (after(ANSWERS, b'{"fact": "capital'), "torn-line"),
    "not JSON": (after(ANSWERS, b"I am a row\n"), "not-json"),
    "wrong UTF-8": (after(ANSWERS, b'{"fact": "\xff\xfe"}\n'), "not-utf-8"),
    "deep JSON": (after(ANSWERS, DEEP + b"\n"), "too-deep"),
    "deep JSON of lists": (after(ANSWERS, b"[" * 100_000 + b"\n"), "too-deep"),
    "doubled name in a line": (after(ANSWERS, b'{"fact": "a", "fact": "b"}\n'), "not-json"),
    "2 GB line": (sparse, "too-large"),
    # The verdicts.
    "changed verdict": (lines(VERDICTS, flip), "verdict"),
    "changed verdict upwards": (lines(VERDICTS, flip_up), "verdict"),
    "verdict of a third kind": (each(VERDICTS, 0, verdict="unsure"), "schema"),
    "verdict missing": (lines(VERDICTS, lambda f: f[1:]), "missing"),
    "verdict doubled": (lines(VERDICTS, lambda f: [*f, f[0]]), "doubled"),
    "verdict on another answer": (each(VERDICTS, 0, response_sha256="0" * 64), "response"),
    "verdict and hash forged": (forge_answer, "response"),
    "another judge's verdict": (each(VERDICTS, 0, judge="1" * 64), "judge"),
    "error in place of a verdict": (
        lines(VERDICTS, lambda f: [{"fact": f[0]["fact"], "error": "x"}, *f[1:]]),
        "schema",
    ),
    # What was asked.
    "altered prompt": (put("run", "identity", "plan", value="a" * 64), "plan"),
    "other prompt format": (put("run", "identity", "prompt_format", value="raw"), "plan"),
    "other benchmark's fingerprint": (
        put("run", "identity", "benchmark_fingerprint", value="b" * 64),
        "benchmark",
    ),
    "other benchmark": (put("run", "identity", "benchmark", value="lkf"), "benchmark"),
    "unknown benchmark": (put("run", "identity", "benchmark", value="nope"), "benchmark"),
    "benchmark by path": (put("run", "identity", "benchmark", value="../../etc"), "benchmark"),
    "own benchmark by path": (put("run", "identity", "benchmark", value="/tmp/mine"), "benchmark"),
    "base of another benchmark": (
        put("base", "identity", "benchmark_fingerprint", value="b" * 64),
        "benchmark",
    ),
    "other protocol": (put("run", "identity", "profile_fingerprint", value="c" * 64), "protocol"),
    "profile that is not ranked": (put("run", "identity", "profile", value="quick"), "profile"),
    "unknown profile": (put("run", "identity", "profile", value="easy"), "profile"),
    "limited run": (put("run", "identity", "limit", value=2), "schema"),
    "own seed": (put("run", "identity", "seed", value=7), "protocol"),
    "few new tokens": (put("run", "identity", "max_new_tokens", value=1), "protocol"),
    "unknown judge": (put("run", "identity", "judge", value="my-judge"), "judge"),
    # The claim.
    "other schema version": (put("schema_version", value=2), "schema"),
    "extra claim": (put("rank", value=1), "schema"),
    "missing field": (claim(lambda c: c.pop("method")), "schema"),
    "bidirectional text": (put("name", value="safe\u202egnihton"), "schema"),
    "zero-width text": (put("name", value="JensUn\u200b"), "schema"),
    "filler that shows nothing": (put("name", value="JensUn\u3164"), "schema"),
    "name of fillers alone": (put("name", value="\u2800\u2800"), "schema"),
    "line break in a name": (put("name", value="a\nb"), "schema"),
    "escape sequence": (put("submitter", value="\u001b[2J"), "schema"),
    "javascript link": (put("link", value="javascript:alert(1)"), "schema"),
    "data link": (put("link", value="data:text/html,x"), "schema"),
    "link with a quote": (put("link", value='https://a.org/" onclick="x'), "schema"),
    "link without encryption": (put("link", value="http://a.org/"), "schema"),
    "very long name": (put("name", value="x" * 5000), "schema"),
    "lone surrogate": (text(CLAIM, '"name": "Refusal', '"name": "\\ud800'), "not-json"),
    "from the future": (put("created", value="2999-01-01T00:00:00+00:00"), "times"),
    "finished before it began": (
        put("run", "finished", value="2001-01-01T00:00:00+00:00"),
        "times",
    ),
    "time without zone": (put("run", "created", value="2026-01-01T00:00:00"), "schema"),
    "claim is a list": (raw(CLAIM, b"[]"), "schema"),
    "claim is empty": (raw(CLAIM, b""), "not-json"),
    "claim is deep": (raw(CLAIM, DEEP), "too-deep"),
    # The folder.
    "edited without a new digest": (lambda f: append(f, CLAIM, " "), "sums"),
    "digest of nothing": (lambda f: (f / SUMS).write_text(""), "sums"),
    "digest twice": (lambda f: append(f, SUMS, (f / SUMS).read_text()), "sums"),
    "digest of ../": (lambda f: append(f, SUMS, "0" * 64 + "  ../../etc/passwd\n"), "sums"),
    "missing file": (lambda f: (f / VERDICTS).unlink(), "missing-file"),
    "missing base": (lambda f: shutil.rmtree(f / "base"), "missing-file"),
    "pickle beside": (lambda f: (f / "model.pkl").write_bytes(b"\x80\x04"), "unknown-file"),
    "script beside": (lambda f: (f / "run" / "x.py").write_text("1"), "unknown-file"),
    "archive beside": (lambda f: (f / "all.tar.gz").write_bytes(b"x"), "unknown-file"),
    "hidden file": (lambda f: (f / ".git").write_text("x"), "unknown-file"),
    "folder beside": (lambda f: (f / "extra").mkdir(), "unknown-folder"),
    "folder below": (lambda f: (f / "run" / "more").mkdir(), "unknown-folder"),
    "link to a file": (
        lambda f: ((f / ANSWERS).unlink(), (f / ANSWERS).symlink_to("/etc/passwd")),
        "link",
    ),
    "link to a folder": (
        lambda f: (shutil.rmtree(f / "base"), (f / "base").symlink_to("/etc")),
        "link",
    ),
    "pipe in place of a file": (
        lambda f: ((f / ANSWERS).unlink(), os.mkfifo(f / ANSWERS)),
        "not-a-file",
    ),
    "many files": (
        lambda f: [(f / "run" / f"{i}.txt").write_text("x") for i in range(99)],
        "unknown-file",
    ),
    # Attack records.
    "attack of another checkpoint": (
        raw(
            "stress.json",
            json.dumps(
                {"kind": "stress", "identity": {"checkpoint": "d" * 64}, "status": "complete"}
            ).encode(),
        ),
        "attack",
    ),
    "attack of another kind": (raw("relearn.json", b'{"kind": "stress"}'), "attack"),
    "attack that is a list": (raw("relearn.json", b"[]"), "attack"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_forged_or_broken(name: str, good_submission: Path, tmp_path: Path) -> None:
    mutate, code = MUTATIONS[name]
    folder = tmp_path / "submission"
    shutil.copytree(good_submission, folder)
    mutate(folder)
    outside = sorted(p.name for p in tmp_path.iterdir())
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found,) = verify([folder])
    assert [r.code for r in found.reasons][:1] == [code], found.reasons
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024
    assert sorted(p.name for p in tmp_path.iterdir()) == outside


def test_another_version_of_the_judge(good_submission: Path, tmp_path: Path) -> None:
    """Verdicts of rules that are not these rules: re-judging is asked for."""
    folder = tmp_path / "submission"
    shutil.copytree(good_submission, folder)
    old = "e" * 64
    claim(lambda c: c["run"]["identity"].update(judge_identity=old))(folder)
    lines(VERDICTS, lambda f: [{**line, "judge": old} for line in f])(folder)
    (found,) = verify([folder])
    assert [r.code for r in found.reasons] == ["judge"]
    assert "judge the run again" in found.reasons[0].what


def test_there_are_at_least_sixty() -> None:
    assert len(MUTATIONS) >= 60


def test_answers_of_another_row(
    good_submission: Path, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    """The same answers under another checkpoint's fingerprint, by somebody else."""
    stolen = tmp_path / "stolen"
    shutil.copytree(good_submission, stolen)
    claim(
        lambda c: (
            (
                c.update(submitter="B. Other", name="Mine"),
                c["run"]["identity"].update(checkpoint="f" * 64),
            )
        )
    )(stolen)
    one, two = verify([good_submission, stolen])
    assert [r.code for r in two.reasons] == ["copy"]
    assert [r.code for r in one.reasons] == ["copy"]
    other = submit(
        scripted_runs["forgets-b"],
        scripted_runs["knows-all"],
        About(*ABOUT),
        out=tmp_path / "other",
    )
    assert all(found.ok for found in verify([good_submission, other]))


def test_verification_reads_nothing_outside(
    good_submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that is opened for reading lies in the submission or in the program's content."""
    opened: list[str] = []
    real = os.open

    def spy(path: Any, *rest: Any, **more: Any) -> int:
        opened.append(str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", spy)
    assert verify([good_submission])[0].ok
    assert opened
    allowed = (str(good_submission), str(content_root() / "benchmarks"))
    assert all(path.startswith(allowed) for path in opened)
