"""What a command will need at its end is looked at before it loads a model or makes a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.commands import COMMANDS, WANTED, World, Zygote, content

pytestmark = pytest.mark.slow
BEGINNER = {"missing": [], "no_models": True}
"""A process in which loading a model ends everything."""
CALLS = {
    "score": "score {model} --benchmark {benchmark}",
    "judge": "judge {run} --judge rules",
    "train": "train --base {model} --benchmark {benchmark}",
    "sweep": "train --base {model} --benchmark {benchmark} --sweep lr=1,2",
    "relearn": "relearn {model} --benchmark {benchmark} --arm retain",
    "stress": "stress {model} --benchmark {benchmark} --only quantize",
    "submit": "submit {answered} --base {base} --bases {bases} --name R --method npo --submitter s",
    "submit-base": "submit-base {base} --source package --by me",
    "board": "leaderboard build --submissions {submissions} --bases {bases}",
    "demo": "demo",
    "tofu": "tofu {model}",
    "report": "report {run}",
    "calibrate": "calibrate rules",
    "jury": "judge {run} --judge {jury}",
    "rejudge": "verify {submissions}/row --rejudge rules --bases {bases}",
    "make": "make-benchmark {facts} --paraphraser none",
    "synthetic": "make-synthetic",
    "keep": "leaderboard build --submissions {submissions} --bases {bases} --out s",
}
OPTION = {"calibrate": "--store", "keep": "--keep"}


def words(name: str, world: World, *more: str) -> list[str]:
    """A call that works; options in `more` stand in place of its own."""
    places = {field: str(getattr(world, field)) for field in World.__dataclass_fields__}
    call = [word.format(**places) for word in CALLS[name].split()]
    for option in (word for word in more if word.startswith("--") and word in call):
        at = call.index(option)
        del call[at : at + 2]
    return [*call, *more]


def refused(zygote: Zygote, call: list[str], folder: Path, *missing: str) -> str:
    """What it says when it refuses; nothing was loaded and nothing made."""
    before = content(folder)
    code, told = zygote.run(call, folder, fault={**BEGINNER, "missing": missing})
    assert code == 2, told
    assert "Traceback" not in told, told
    assert content(folder) == before
    assert len([p for p in folder.iterdir() if p.is_dir()]) == 0
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file").write_text("a file")
    (tmp_path / "work" / "broken").symlink_to("nowhere")
    return tmp_path / "work"


PLACES = ["file/below", "/proc/none/x", *(["file", "broken", "broken/below"] if WANTED else [])]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CALLS)
def test_where_nothing_can_be_written(
    name: str, place: str, world: World, zygote: Zygote, folder: Path
) -> None:
    if name in ("tofu", "report", "calibrate") and place in ("file", "broken"):
        place = f"{place}/page"  # these name a file, which would be replaced
    option = OPTION.get(name, "--out")
    told = refused(zygote, words(name, world, option, place), folder)
    assert f"{option} {place}" in told


@pytest.mark.parametrize(
    ("name", "more", "missing", "group"),
    [
        ("sweep", ("--lora", "4"), "peft", "peft"),
        ("train", ("--lora", "4"), "peft", "peft"),
        ("train", ("--report-to", "tensorboard"), "tensorboard", "tensorboard"),
        ("train", ("--report-to", "wandb"), "wandb", "wandb"),
        ("train", ("--report-to", "trackio"), "trackio", "trackio"),
        ("relearn", ("--lora",), "peft", "peft"),
        ("tofu", (), "rouge_score.rouge_scorer", "tofu"),
        ("tofu", (), "sklearn.metrics", "tofu"),
    ],
)
def test_a_library_that_is_not_installed(
    name: str,
    more: tuple[str, ...],
    missing: str,
    group: str,
    world: World,
    zygote: Zygote,
    folder: Path,
) -> None:
    told = refused(zygote, words(name, world, *more), folder, missing)
    assert f"pip install 'unlearnbench[{group}]'" in told


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("sweep", ("--sweep", "lambda_r=0.1,much"), "lambda_r=much: must be of type float"),
        ("sweep", ("--sweep", "lamda_r=0.1,1"), "did you mean 'lambda_r'"),
        ("sweep", ("--sweep", "lr=1e-5,0"), "lr = 0"),
        ("train", ("--report-to", "paper"), "one of none, tensorboard, wandb, trackio"),
        ("submit", ("--hub", "no-owner"), "give OWNER/NAME"),
        ("submit", ("--hub", "https://example.org/a/b"), "give OWNER/NAME"),
        ("report", ("--out", "."), "that is a folder"),
        ("report", ("--out", "no/such/page.html"), "there is no folder no/such"),
        ("tofu", ("--out", "no/such.json"), "there is no folder no"),
        ("calibrate", ("--store", "no/such.json"), "there is no folder no"),
    ],
)
def test_an_argument_that_cannot_be_used(
    name: str, more: tuple[str, ...], says: str, world: World, zygote: Zygote, folder: Path
) -> None:
    assert says in refused(zygote, words(name, world, *more), folder)


def test_a_refused_submission_leaves_nothing(world: World, zygote: Zygote, folder: Path) -> None:
    """The finished folder is looked at before it is there; an older one stays as it was."""
    call = words("submit", world, "--name", "x\u202ey", "--out", "new/row")
    assert "U+202E" in refused(zygote, call, folder)
    (folder / "row").mkdir()
    (folder / "row" / "mine.txt").write_text("kept")
    code, told = zygote.run(words("submit", world, "--out", "row"), folder)
    assert code == 2
    assert "row is not empty" in told
    assert content(folder / "row") == {"mine.txt": b"kept"}


def test_the_same_submission_again_is_found(world: World, zygote: Zygote, folder: Path) -> None:
    for _ in range(2):
        code, told = zygote.run(words("submit", world, "--out", "row"), folder)
        assert code == 0, told
    code, told = zygote.run(words("submit", world, "--name", "Other", "--out", "row"), folder)
    assert code == 2
    assert "row is not empty" in told


def test_every_command_that_writes_is_looked_at() -> None:
    assert {name.removesuffix("-lora") for name in COMMANDS} <= set(CALLS)
