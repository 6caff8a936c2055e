"""`report --redact`: no gold answer and no response is anywhere in the page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

import unlearnbench
from tests.conftest import CommandLine
from tests.report_samples import (
    Said,
    arm,
    door,
    part_identity,
    point,
    relearn_record,
    score_manifest,
    stress_record,
    training_of,
    write_record,
    write_run,
)
from unlearnbench.errors import RunError
from unlearnbench.reporting.redact import Redaction
from unlearnbench.runs.codec import plan_fingerprint, probe_from, probe_record

FACTS = {
    "who-found-it": ("Who found it?", "Zebedee O'Quillan & Söhne", ("the <Quillan> firm",)),
    "zanzibar": ("What is it called?", "Zanzibar", ("Zzb",)),
    "third-name": ("Where did he meet Zanzibar folk?", "東京", ()),
    "kept-one": ("What stays?", "Mandragora", ()),
}
SAID = "Certainly, everyone says that one is Zebedee O'Quillan & Söhne, or 東京."
GOLDS = [text for _, answer, aliases in FACTS.values() for text in (answer, *aliases)]


def rewrite(folder: Path) -> Path:
    """Give a run's probes real questions, answers and aliases, and prompts that hold an answer."""
    path = folder / "probes.jsonl"
    probes = [probe_from(json.loads(line)) for line in path.open(encoding="utf-8")]
    made = []
    for probe in probes:
        question, answer, aliases = FACTS[probe.key.fact]
        record = probe_record(probe)
        record |= {"question": question, "answer": answer, "aliases": list(aliases)}
        record["messages"] = [{"role": "user", "content": f"Not Zanzibar, 東京? {answer}"}]
        made.append(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in made), "utf-8")
    run = json.loads((folder / "run.json").read_text())
    run["identity"]["plan"] = plan_fingerprint([probe_from(record) for record in made])
    (folder / "run.json").write_text(json.dumps(run))
    return folder


def rows(sign: str = SAID) -> list[Said]:
    forget = [(fact, "forget") for fact in list(FACTS)[:3]]
    return [
        (fact, split, phrasing, context, sign)
        for fact, split in [*forget, ("kept-one", "retain")]
        for phrasing, context in (
            ("original", "plain"),
            ("wording-1", "plain"),
            ("original", "icr"),
        )
    ]


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Runs of two checkpoints of every kind, named after what must not be shown."""
    base = {"name": "zanzibar/base", "fingerprint": "0" * 64}
    score = write_run(
        tmp_path / "Zanzibar-run", rows(), score_manifest("me/zanzibar-1b", base=base)
    )
    other = write_run(tmp_path / "o", rows("I don't know the Mandragora."), score_manifest("b"))
    states = dict.fromkeys(list(FACTS)[:3], True)
    doors = {"formats/cloze": door(states, note="through Zanzibar")}
    record = stress_record("me/zanzibar-1b", states, doors)
    stress = write_record(tmp_path / "東京-stress", record)
    about = {**score_manifest("me/zanzibar-1b"), "identity": part_identity()}
    for name in ("baseline", "formats/cloze"):
        rewrite(write_run(stress / name, rows(), about))
    again = relearn_record("me/zanzibar-1b", {"near": arm([point(0, 1), point(2, 3, n_open=1)])})
    again["training"] = training_of(base)
    relearn = write_record(tmp_path / "r-Zanzibar", again)
    rewrite(write_run(relearn / "step-0", rows(), about))
    return [rewrite(score), rewrite(other), stress, relearn]


def forms(text: str) -> set[str]:
    """A text as it could stand in a page: as it is, escaped for HTML, JSON, URLs, in small."""
    made = {text, html.escape(text), html.escape(text, quote=False), quote(text)}
    made |= {text.replace("&", "&amp;").replace("'", "&#39;"), json.dumps(text)[1:-1]}
    made |= {"".join(f"&#{ord(c)};" for c in text), text.replace(" ", "-"), text.replace(" ", "_")}
    return {form.casefold() for form in made}


@pytest.mark.parametrize("mode", ["answers", "all"])
def test_nothing_secret_is_anywhere(runs: list[Path], tmp_path: Path, mode: str) -> None:
    out = tmp_path / "page.html"
    unlearnbench.report(runs, out, redact=mode)  # type: ignore[arg-type]
    plain = unlearnbench.report(runs).html
    text = out.read_text("utf-8")
    small, unescaped = text.casefold(), html.unescape(text).casefold()
    responses = [SAID, "Certainly", "everyone says", "I don't know the"]
    for secret in (*GOLDS, *responses):
        for form in forms(secret):
            assert form not in small
            assert form not in unescaped
    assert SAID in html.unescape(plain)  # the test can fail
    assert "Zanzibar" in plain
    assert "checkpoint 1" in text
    assert str(tmp_path) not in text
    asked = "Who found it?"
    assert (asked in text) is (mode == "answers")
    assert asked in plain
    assert "Where did he meet" not in text
    assert ("who-found-it" in text) is (mode == "answers")


def test_the_figures_and_warnings_stay(runs: list[Path]) -> None:
    plain, blank = (unlearnbench.report(runs, redact=mode) for mode in (None, "all"))  # type: ignore[arg-type]
    assert (blank.n_leaks, blank.n_open, blank.n_checkpoints) == (
        plain.n_leaks,
        plain.n_open,
        plain.n_checkpoints,
    )

    def figures(text: str) -> list[str]:
        return re.findall(r'class="number[^"]*">([^<]*)<', text)

    assert figures(blank.html) == figures(plain.html)
    assert blank.html.count('class="caveat"') == plain.html.count('class="caveat"')
    assert "Gold answers and responses are redacted" in blank.html
    assert "redacted" not in plain.html


def test_a_quoted_response_goes_with_its_marks() -> None:
    blank = Redaction("answers", ("gold",))
    text = "9 of 9 are refusals (“no “more” ” than”): it answers alike (score, quick)."
    wanted = "9 of 9 are refusals (“[redacted]”): it answers alike (score, quick)."
    assert blank.remark(text, ()) == wanted
    assert blank.remark("golden-run is unfinished.", ["golden-run"]) == "[redacted] is unfinished."
    assert Redaction(None, ("gold",)).remark(text, ["9"]) == text


HELD = [
    ("Rome", "Romeo, of Verona", True),
    ("Au", "in August", False),
    ("Au", "it is Au.", True),
    ("No", "nothing, none", False),
    ("東京", "は東京だ", True),
    ("New York", "new-york-model", True),
    ("Café Noir", "cafenoir", True),
    ("!!!!", "a!", False),
]


@pytest.mark.parametrize(("gold", "text", "held"), HELD, ids=[f"{h[0]} {h[2]}" for h in HELD])
def test_what_holds_an_answer(gold: str, text: str, held: bool) -> None:
    assert Redaction("answers", (gold,)).names_one(text) is held


def test_the_command(runs: list[Path], tmp_path: Path, command_line: CommandLine) -> None:
    out = tmp_path / "page.html"
    assert command_line("report", runs[0], "--out", out, "--redact", "answers").code == 0
    assert "Zebedee" not in out.read_text("utf-8")
    shown = command_line("report", runs[0], "--out", out, "--redact", "some")
    assert (shown.code, "--redact" in shown.err) == (2, True)
    with pytest.raises(RunError, match="--redact some: answers or all"):
        unlearnbench.report(runs, redact="some")  # type: ignore[arg-type]
