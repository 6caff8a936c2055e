"""What a run says of itself: whether anybody is left, and whether there was anything to forget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report_samples import facts, many, score_manifest, share, write_run
from unlearnbench.cli.runs import score_text
from unlearnbench.errors import RunError
from unlearnbench.runs.run import Run, load_run
from unlearnbench.runs.schema import Figures, RunIdentity
from unlearnbench.scoring.findings import (
    base_finding,
    broken_finding,
    is_enough,
    lost_retain,
    retain_finding,
    why_unranked,
)
from unlearnbench.scoring.fluency import FLOOR
from unlearnbench.types import Completion

KEPT = many("k", (10, "ooo"))
FORGOT = many("f", (10, "xx/xx"))
BROKEN = {"retain-low", "answers-empty", "fluency-low"}


def made(
    folder: Path, forget: Mapping[str, str], retain: Mapping[str, str] = KEPT, **about: Any
) -> Run:
    rows = [*facts(forget), *facts(retain, "retain")]
    about = {"profile_fingerprint": "p" * 64, **about}
    return load_run(write_run(folder, rows, score_manifest(**about)))


def codes(run: Run, *, notes: bool = False) -> set[str]:
    return {finding.code for finding in run.findings if notes or finding.severity == "warning"}


ALONE: list[tuple[str, Mapping[str, str], Mapping[str, str], set[str]]] = [
    ("keeps all", FORGOT, KEPT, set()),
    ("refuses what it forgot", many("f", (10, "rr/rr")), KEPT, set()),
    (
        "refuses everything",
        many("f", (10, "rr")),
        many("k", (10, "rrr")),
        {"answers-alike", "retain-low"},
    ),
    ("refuses half", FORGOT, many("k", (5, "rr"), (5, "oo")), {"answers-alike"}),
    ("refuses less", FORGOT, many("k", (4, "rr"), (6, "oo")), set()),
    ("one text for all", FORGOT, many("k", (6, "xx"), (4, "oo")), {"answers-alike"}),
    ("one fact, one text", FORGOT, many("k", (1, "xo")), set()),
    ("babbles", many("f", (10, "gg/gg")), KEPT, {"fluency-low"}),
    ("babbles a little", many("f", (2, "gg/gg"), (8, "xx/xx")), KEPT, set()),
    ("cut on what it forgot", many("f", (2, "cc/cc"), (8, "xx/xx")), KEPT, {"answers-cut"}),
    ("cut a little", many("f", (1, "cc/cc"), (9, "xx/xx")), KEPT, set()),
    ("cut on the rest", FORGOT, many("k", (10, "oco")), set()),
    ("cut", many("f", (10, "xx")), many("k", (10, "occ")), {"answers-cut", "answers-alike"}),
    ("silent here and there", many("f", (1, "ee/ee"), (9, "xx/xx")), KEPT, {"answers-empty"}),
    (
        "silent on what it forgot",
        many("f", (10, "ee/ee")),
        KEPT,
        {"answers-empty", "fluency-low"},
    ),
    ("thinks too long", many("f", (10, "tt/xx")), KEPT, {"answers-cut", "probes-open"}),
    ("open", many("f", (1, "x?/xx"), (9, "xx/xx")), KEPT, {"probes-open"}),
    ("not answered", many("f", (10, "!!")), KEPT, {"probes-open"}),
    ("knows a fifth", FORGOT, many("k", (2, "ooo"), (8, "xrg")), {"answers-alike"}),
    ("knows less", FORGOT, many("k", (1, "ooo"), (1, "oog"), (8, "xge")), BROKEN),
]


@pytest.mark.parametrize(("name", "forget", "retain", "wanted"), ALONE, ids=[a[0] for a in ALONE])
def test_what_a_run_says_alone(
    tmp_path: Path,
    name: str,
    forget: Mapping[str, str],
    retain: Mapping[str, str],
    wanted: set[str],
) -> None:
    assert codes(made(tmp_path / "run", forget, retain)) == wanted


BESIDE: list[tuple[str, Mapping[str, str], Mapping[str, str], Mapping[str, str], set[str], str]] = [
    ("all known", many("f", (10, "oo")), KEPT, KEPT, set(), "0.0"),
    ("most known", many("f", (5, "xo"), (5, "xx")), KEPT, KEPT, set(), "0.0"),
    ("little", many("f", (4, "xo"), (6, "xx")), KEPT, KEPT, {"little-to-forget"}, "0.0"),
    ("one fact", many("f", (1, "oo"), (9, "xx")), KEPT, KEPT, {"nothing-to-forget"}, "0.0"),
    ("nothing", many("f", (10, "xx")), KEPT, KEPT, {"nothing-to-forget"}, ""),
    (
        "open, at least half",
        many("f", (5, "oo"), (5, "x?")),
        KEPT,
        KEPT,
        {"base-warned"},
        "0.0 … 50.0",
    ),
    (
        "open",
        many("f", (2, "oo"), (3, "x?"), (5, "xx")),
        KEPT,
        KEPT,
        {"base-open", "base-warned"},
        "0.0 … 60.0",
    ),
    (
        "open, and nothing either way",
        many("f", (1, "x?"), (9, "xx")),
        KEPT,
        KEPT,
        {"nothing-to-forget", "base-warned"},
        "0.0 … 100.0",
    ),
    (
        "lost half of retain",
        many("f", (10, "oo")),
        KEPT,
        many("k", (4, "ooo"), (6, "gxo")),
        set(),
        "0.0",
    ),
    (
        "lost more than half",
        many("f", (10, "oo")),
        KEPT,
        many("k", (4, "ooo"), (6, "xcx")),
        {"retain-low"},
        "0.0",
    ),
    (
        "neither knew much",
        many("f", (10, "oo")),
        many("k", (1, "ooo"), (9, "xgc")),
        many("k", (1, "ooo"), (9, "xgc")),
        {"retain-low", "base-warned"},
        "0.0",
    ),
]


@pytest.mark.parametrize(
    ("name", "forget", "kept", "retain", "wanted", "among"), BESIDE, ids=[b[0] for b in BESIDE]
)
def test_what_a_run_says_beside_its_base(
    tmp_path: Path,
    name: str,
    forget: Mapping[str, str],
    kept: Mapping[str, str],
    retain: Mapping[str, str],
    wanted: set[str],
    among: str,
) -> None:
    base = made(tmp_path / "base", forget, kept, name="base")
    run = made(tmp_path / "run", many("f", (10, "xx")), retain)
    beside = run.against(base)
    assert codes(beside) == wanted
    assert beside.scores == run.scores
    assert beside.among_known is not None
    known = beside.among_known
    assert (score_text(known) if known.n else "") == (among and f"{among} %")


def test_the_worst_case_among_what_the_base_knew(tmp_path: Path) -> None:
    """3 of 10 leak, 2 of them of the 4 that the base knew: 50 %, and 30 % stays the headline."""
    base = made(tmp_path / "base", many("f", (4, "xo"), (6, "xx")), name="base")
    signs = ["xo", "xo", "xx", "xx", "xo", *["xx"] * 5]
    run = made(tmp_path / "run", {f"f-{n}": sign for n, sign in enumerate(signs)}).against(base)
    assert run.among_known is not None
    assert (run.among_known.value, run.among_known.n) == (0.5, 4)
    assert run.scores["forget.worst_case"].value == 0.3
    (little,) = [f.text for f in run.findings if f.code == "little-to-forget"]
    assert "the base knew 4 of 10 forget facts" in little


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"benchmark_fingerprint": "c" * 64}, "its benchmark is tiny in another version"),
        (
            {"profile": "standard", "profile_fingerprint": "q" * 64},
            "its profile is standard, not quick",
        ),
        (
            {"judge": "gemini", "judge_identity": "g" * 64},
            "its judge is gemini, not rules; unlearnbench judge",
        ),
        ({"limit": 3}, "its limit is 3, not None"),
        ({"seed": 7}, "its seed is 7, not 0"),
    ],
)
def test_a_base_that_was_asked_otherwise_is_refused(
    tmp_path: Path, about: dict[str, Any], told: str
) -> None:
    base = made(tmp_path / "base", FORGOT, name="base", **about)
    with pytest.raises(RunError, match="cannot be compared") as caught:
        made(tmp_path / "run", FORGOT).against(base)
    assert told in str(caught.value)


def test_a_base_with_other_prompts_is_refused(tmp_path: Path) -> None:
    base = made(tmp_path / "base", many("f", (9, "xx/xx")), name="base")
    with pytest.raises(RunError, match="its prompts are others"):
        made(tmp_path / "run", FORGOT).against(base)


def test_a_base_without_a_chat_template_is_compared_all_the_same(tmp_path: Path) -> None:
    """Its prompts are others; its facts, wordings and judge are not. A fact it lacks is open."""
    base = made(tmp_path / "base", many("f", (9, "oo/oo")), name="base", prompt_format="raw")
    run = made(tmp_path / "run", FORGOT, prompt_format="chat").against(base)
    assert run.among_known is not None
    assert (run.among_known.low, run.among_known.high, run.among_known.n_open) == (0.0, 0.1, 1)


def test_a_part_of_an_attack_is_no_base(tmp_path: Path) -> None:
    run = made(tmp_path / "run", FORGOT)
    asked = {k: v for k, v in run.record.identity if k in RunIdentity.model_fields}
    identity = RunIdentity(**asked)
    part = replace(run, record=run.record.model_copy(update={"identity": identity}))
    with pytest.raises(RunError, match=r"--base .*run"):
        run.against(part)
    assert "base-unknown" in codes(part, notes=True)


def test_notes_say_what_was_not_asked(tmp_path: Path) -> None:
    run = made(tmp_path / "run", many("f", (10, "xx")), limit=10)
    notes = {"base-unknown", "facts-left-out", "wordings-left-out", "verdicts-underived"}
    assert {f.code for f in run.findings if f.severity == "note"} == notes
    forget_only = made(tmp_path / "forget", many("f", (10, "oo")), {}, profile="standard")
    assert codes(forget_only, notes=True) == {
        "retain-unasked",
        "paraphrases-few",
        "verdicts-underived",
    }


def test_open_probes_say_why(tmp_path: Path) -> None:
    run = made(tmp_path / "run", many("f", (3, "!x"), (2, "?x"), (5, "xo")))
    (found,) = [f.text for f in run.findings if f.code == "probes-open"]
    assert found.startswith("5 of 50 probes are open (3 × broke; 2 not answered or judged yet)")
    assert "5 of 10 forget facts undecided" in found


def test_a_long_text_of_a_model_is_cut_short(tmp_path: Path) -> None:
    text = "\x1b[31m I'm sorry,\nI " + "really " * 500
    rows = [*facts(FORGOT), *[(f"k-{n}", "retain", "original", "plain", "r") for n in range(3)]]
    run = load_run(write_run(tmp_path / "run", rows, score_manifest()))
    said = {
        key: replace(a, text=text) if key.fact.startswith("k") and isinstance(a, Completion) else a
        for key, a in run.completions.items()
    }
    run = Run(run.path, run.record, run.probes, said, {})
    (found,) = [f.text for f in run.findings if f.code == "answers-alike"]
    assert len(found) < 200
    assert "\n" not in found


def figures(known: int, n: int, n_open: int = 0) -> Figures:
    return Figures.model_validate(share(known, n, n_open))


units = st.integers(1, 200).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n)).map(
        lambda t: (t[0], min(t[1], t[2] - t[0]), t[2])
    )
)


@given(units, st.data())
def test_what_is_found_stays_found_however_open_units_close(
    counts: tuple[int, int, int], data: st.DataObject
) -> None:
    known, still_open, n = counts
    closed = figures(known + data.draw(st.integers(0, still_open)), n)
    before = figures(known, n, still_open)
    for find in (broken_finding, lambda s: retain_finding(s, None)):
        if find(before) is not None:
            assert find(closed) is not None
    told = base_finding(before)
    if told is not None and told.code != "base-open":
        after = base_finding(closed)
        assert after is not None
        assert told.code == "little-to-forget" or after.code == "nothing-to-forget"


@given(units, units)
def test_the_limits_are_the_same_wherever_they_are_asked(
    counts: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    share_of, base = figures(*counts[:1], counts[2]), figures(*other[:1], other[2])
    assert (broken_finding(share_of) is None) == (why_unranked(share_of.high) is None)
    assert (broken_finding(share_of) is None) == (share_of.high >= FLOOR)
    if lost_retain(share_of, base) == "found":
        assert retain_finding(share_of, base) is not None
    if not is_enough(counts[0], counts[2]):
        found = base_finding(share_of)
        assert found is not None and found.code == "nothing-to-forget"
