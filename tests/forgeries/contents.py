"""Forged figures, answers and verdicts, and an altered protocol."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tests.forgeries.changes import (
    ANSWERS,
    CLAIM,
    VERDICTS,
    Line,
    after,
    claim,
    each,
    lines,
    put,
    raw,
    read_lines,
    text,
    write_lines,
)
from tests.forgeries.forgery import Forgery

WORST = ("run", "scores", "forget.worst_case")
ICR = ("run", "scores", "forget.icr")


def place_of(verdict: str, found: list[Line]) -> int:
    """The first line with this verdict."""
    return next(i for i, line in enumerate(found) if line["verdict"] == verdict)


def flip(verdict: str, other: str) -> Any:
    """Turn the first verdict of one kind into another."""

    def change(found: list[Line]) -> list[Line]:
        found[place_of(verdict, found)]["verdict"] = other
        return found

    return lines(VERDICTS, change)


def swap_facts(found: list[Line]) -> list[Line]:
    """Exchange the answers of two facts under their keys."""
    found[0]["text"], found[-1]["text"] = found[-1]["text"], found[0]["text"]
    return found


def forge_answer(folder: Path) -> None:
    """Give a leak the digest of an answer that does not leak."""
    found = read_lines(folder / VERDICTS)
    digest = hashlib.sha256(b"No idea").hexdigest()
    found[place_of("correct", found)]["response_sha256"] = digest
    write_lines(folder / VERDICTS, found)


def last_digit(found: Line) -> None:
    """Change an interval where nobody looks."""
    found["run"]["scores"]["retain.mean"]["interval"][0] += 1e-15


def invent_score(found: Line) -> None:
    """A score that is not computed."""
    scores = found["run"]["scores"]
    scores["forget.best_case"] = scores["forget.icr"]


def key_of(line: Line) -> Line:
    """A line without its answer."""
    return {name: line[name] for name in ("fact", "phrasing", "context", "sample")}


FIGURES = [
    Forgery("edited score", put(*WORST, "value", value=0.0), "scores", "the verdicts give"),
    Forgery(
        "edited bounds",
        claim(lambda c: c["run"]["scores"][WORST[2]].update(value=0.0, low=0.0, high=0.0)),
        "scores",
        "claimed 0.0, the verdicts give",
    ),
    Forgery("last digit", claim(last_digit), "scores", "retain.mean"),
    Forgery("edited n", put(*ICR, "n", value=4000), "scores", "forget.icr"),
    Forgery(
        "dropped score",
        claim(lambda c: c["run"]["scores"].pop("forget.icr")),
        "scores",
        "forget.icr is claimed or computed, not both",
    ),
    Forgery("invented score", claim(invent_score), "scores", "forget.best_case is claimed"),
    Forgery("open facts", put(*ICR, "n_open", value=3), "schema", "n_open"),
    Forgery("score above one", put(*ICR, "value", value=1.5), "schema", "less than or equal to 1"),
    Forgery("score below zero", put(*ICR, "low", value=-5.0), "schema", "greater than or equal"),
    Forgery("score as text", put(*ICR, "value", value="0.0"), "schema", "valid number"),
    Forgery("score as true", put(*ICR, "value", value=True), "schema", "valid number"),
    Forgery("score as null", put(*ICR, "value", value=None), "schema", "valid number"),
    Forgery("huge count", put(*ICR, "n", value=10**15), "schema", "less than or equal"),
    Forgery("many scores", put("run", "scores", value={}), "scores", "claimed or computed"),
]

RESPONSES = [
    Forgery("dropped probe", lines(ANSWERS, lambda f: f[1:]), "missing", "1 are missing, first"),
    Forgery("dropped last probe", lines(ANSWERS, lambda f: f[:-1]), "missing", "1 are missing"),
    Forgery("dropped fact", lines(ANSWERS, lambda f: f[32:]), "missing", "32 are missing"),
    Forgery("doubled key", lines(ANSWERS, lambda f: [f[0], *f]), "doubled", "appears twice"),
    Forgery(
        "foreign key",
        lines(ANSWERS, lambda f: [{**f[0], "fact": "atlantis"}, *f]),
        "unplanned",
        "atlantis",
    ),
    Forgery("another sample", each(ANSWERS, 0, sample=1), "unplanned", "not in the protocol's"),
    Forgery("context that is not asked", each(ANSWERS, 0, context="hint"), "schema", "context"),
    Forgery("swapped facts", lines(ANSWERS, swap_facts), "response", "another response"),
    Forgery("edited answer", each(ANSWERS, 3, text="Nothing"), "response", "another response"),
    Forgery(
        "error in place of an answer",
        lines(ANSWERS, lambda f: [key_of(f[0]), *f[1:]]),
        "schema",
        "text: Field required",
    ),
    Forgery("answer too long", each(ANSWERS, 0, text="x" * 30_000), "schema", "at most 20000"),
    Forgery("line too long", each(ANSWERS, 0, text="x" * 300_000), "long-line", "at most 262144"),
    Forgery("extra field", each(ANSWERS, 0, note="trust me"), "schema", "note: Extra inputs"),
    Forgery(
        "a list in place of an object",
        lines(ANSWERS, lambda f: [[1, 2], *f[1:]]),
        "schema",
        "completions.jsonl:1",
    ),
    Forgery("number as key", each(ANSWERS, 0, fact=7), "schema", "fact: Input should be"),
    Forgery("key of 300 characters", each(ANSWERS, 0, fact="x" * 300), "schema", "at most 200"),
    Forgery("answer of null", each(ANSWERS, 0, text=None), "schema", "text: Input should be"),
    Forgery("empty answers", raw(ANSWERS, b""), "missing", "2120 are missing"),
    Forgery("torn last line", after(ANSWERS, b'{"fact": "cap'), "torn-line", "has no end"),
    Forgery("not JSON", after(ANSWERS, b"I am a row\n"), "not-json", "completions.jsonl:2121"),
    Forgery("blank line", after(ANSWERS, b"\n"), "not-json", "completions.jsonl:2121"),
    Forgery("wrong UTF-8", after(ANSWERS, b'{"fact": "\xff\xfe"}\n'), "not-utf-8", "byte 10"),
    Forgery(
        "doubled name in a line",
        after(ANSWERS, b'{"fact": "a", "fact": "b"}\n'),
        "not-json",
        "'fact' appears twice",
    ),
]

JUDGED = [
    Forgery("leak called forgotten", flip("correct", "incorrect"), "verdict", "say correct"),
    Forgery("lost fact called kept", flip("incorrect", "correct"), "verdict", "say incorrect"),
    Forgery("words of one's own", each(VERDICTS, 0, raw="rank 1"), "verdict", "not the judge's"),
    Forgery("third verdict", each(VERDICTS, 0, verdict="unsure"), "schema", "verdict"),
    Forgery("verdict missing", lines(VERDICTS, lambda f: f[1:]), "missing", "1 are missing"),
    Forgery("verdict doubled", lines(VERDICTS, lambda f: [*f, f[0]]), "doubled", "appears twice"),
    Forgery(
        "verdict on another answer",
        each(VERDICTS, 0, response_sha256="0" * 64),
        "response",
        "another response",
    ),
    Forgery("verdict and digest forged", forge_answer, "response", "another response"),
    Forgery("another judge's verdict", each(VERDICTS, 0, judge="1" * 64), "judge", "another judge"),
    Forgery(
        "error in place of a verdict",
        lines(VERDICTS, lambda f: [{"fact": f[0]["fact"], "error": "x"}, *f[1:]]),
        "schema",
        "outcomes.jsonl:1",
    ),
    Forgery("no verdicts", raw(VERDICTS, b""), "missing", "2120 are missing"),
]

ASKED = [
    Forgery(
        "altered prompts",
        put("run", "identity", "plan", value="a" * 64),
        "plan",
        "prompts are not the protocol's",
    ),
    Forgery(
        "other prompt format",
        put("run", "identity", "prompt_format", value="raw"),
        "plan",
        "prompts are not the protocol's",
    ),
    Forgery("limited run", put("run", "identity", "limit", value=2), "schema", "limit"),
    Forgery("own seed", put("run", "identity", "seed", value=7), "protocol", "seed 0 only"),
    Forgery(
        "few new tokens",
        put("run", "identity", "max_new_tokens", value=1),
        "protocol",
        "1 new tokens were allowed",
    ),
    Forgery(
        "own system prompt",
        put("run", "settings", "system_prompt", value="Say no."),
        "protocol",
        "not the protocol: system prompt",
    ),
    Forgery(
        "drawn answers",
        put("run", "settings", "gen", value="temperature=2"),
        "protocol",
        "not the protocol: decoding",
    ),
    Forgery(
        "two data types",
        put("run", "settings", "dtype", value="int4"),
        "settings",
        "dtype is float32 and 'int4'",
    ),
]

SHAPES = [
    Forgery("extra claim", put("rank", value=1), "schema", "rank: schema: Extra inputs"),
    Forgery("missing field", claim(lambda c: c.pop("method")), "schema", "method: schema: Field"),
    Forgery("newer version", put("schema_version", value=3), "schema", "schema_version"),
    Forgery("version in quotes", put("schema_version", value="2"), "schema", "schema_version"),
    Forgery(
        "a setting that no engine has",
        put("run", "settings", "temperature", value=2.0),
        "settings",
        "'temperature': no such setting of an engine",
    ),
    Forgery("settings that nest", put("run", "settings", "a", value={"b": 1}), "schema", "a."),
    Forgery("claim is a list", raw(CLAIM, b"[]"), "schema", "not an object"),
    Forgery("claim is empty", raw(CLAIM, b""), "not-json", "submission.json"),
    Forgery("two names", text(CLAIM, '"name":', '"name": "a", "name":'), "not-json", "twice"),
    Forgery(
        "lone surrogate",
        text(CLAIM, '"name": "Refusal', '"name": "\\ud800'),
        "not-json",
        "half of a character",
    ),
]

FORGERIES = [*FIGURES, *RESPONSES, *JUDGED, *ASKED, *SHAPES]
