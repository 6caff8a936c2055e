"""Forgeries of a paid judge's verdicts and of the replies that they follow from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.forgeries.forgery import Forgery
from unlearnbench.files.packed import compress
from unlearnbench.judging.catalogue import shipped_judge
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.judging.llm.prompt import FactQuestion, call_on

REPLIES = "run/replies.jsonl.gz"
OUTCOMES = "run/outcomes.jsonl"
Line = dict[str, Any]
Change = Callable[[Path], object]


def replies(change: Callable[[list[Line]], object]) -> Change:
    """Change the calls of the run; a list that is returned replaces them."""

    def apply(folder: Path) -> None:
        path = folder / REPLIES
        lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        changed = change(lines)
        kept = changed if isinstance(changed, list) else lines
        path.write_bytes(compress("".join(json.dumps(r) + "\n" for r in kept).encode()))

    return apply


def call(change: Callable[[Line], object]) -> Change:
    """Change one call, see `wide`."""
    return replies(lambda lines: change(wide(lines)))


def text(change: Callable[[str], str]) -> Change:
    """Change the reply of a call."""
    return call(lambda line: line.update(reply=change(line["reply"])))


def raw(change: Callable[[bytes], bytes]) -> Change:
    """Change the bytes of the file of replies."""

    def apply(folder: Path) -> None:
        path = folder / REPLIES
        path.write_bytes(change(path.read_bytes()))

    return apply


def outcome(chosen: Callable[[Line], bool], change: Callable[[Line], object]) -> Change:
    """Change the first verdict that is chosen."""

    def apply(folder: Path) -> None:
        path = folder / OUTCOMES
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        change(next(line for line in lines if chosen(line)))
        path.write_text("".join(json.dumps(r) + "\n" for r in lines), "utf-8")

    return apply


def both(*changes: Change) -> Change:
    """Several changes of one folder."""

    def apply(folder: Path) -> None:
        for change in changes:
            change(folder)

    return apply


def wide(lines: list[Line]) -> Line:
    """The first call about more than one response of a fact that was forgotten."""
    return next(
        line
        for line in lines
        if len(line["responses"]) > 1 and "No idea" in " ".join(line["responses"].values())
    )


def without(folder: Path) -> None:
    """Remove the file of replies."""
    (folder / REPLIES).unlink()


def called(question: str, answer: str, aliases: list[str], *texts: str) -> Line:
    """A call as the judge makes it, with a reply that calls every response incorrect."""
    judge = shipped_judge("gemini")
    assert isinstance(judge, LLMJudge)
    made = call_on(judge.definition, FactQuestion(question, answer, tuple(aliases)), texts)
    says = {name: "incorrect" for name in made.responses} | dict(made.canaries)
    rows = [{"id": name, "evidence": "", "verdict": verdict} for name, verdict in says.items()]
    return {
        "judge": judge.model_identity,
        "question": question,
        "answer": answer,
        "aliases": aliases,
        "responses": dict(made.responses),
        "canaries": dict(made.canaries),
        "reply": json.dumps({"verdicts": rows}),
        "model": "gemini-2.5-flash",
        "input_tokens": 1,
        "output_tokens": 1,
    }


def again(line: Line, *texts: str) -> Line:
    """A call about the same question and other responses."""
    return called(line["question"], line["answer"], line["aliases"], *texts)


def leaked(line: Line) -> bool:
    """Whether the model called a forget answer correct."""
    return line["verdict"] == "correct" and '"override"' not in line["raw"]


def forgotten(line: Line) -> bool:
    """Whether an answer was called incorrect."""
    return bool(line["verdict"] == "incorrect")


def rows(change: Callable[[list[Line], Line], object]) -> Change:
    """Change the verdicts in the reply of a call, which is handed over too."""

    def apply(line: Line) -> None:
        verdicts = json.loads(line["reply"])["verdicts"]
        change(verdicts, line)
        line["reply"] = json.dumps({"verdicts": verdicts})

    return call(apply)


def canary(verdict: str) -> Callable[[list[Line], Line], None]:
    """Give the canary that should be `verdict` the opposite one."""
    opposite = "incorrect" if verdict == "correct" else "correct"

    def change(verdicts: list[Line], line: Line) -> None:
        name = next(n for n, expected in line["canaries"].items() if expected == verdict)
        next(row for row in verdicts if row["id"] == name)["verdict"] = opposite

    return change


def no_canaries(verdicts: list[Line], line: Line) -> None:
    """Leave the canaries out of a reply."""
    verdicts[:] = [row for row in verdicts if row["id"] not in line["canaries"]]


def kept(verdicts: list[Line], line: Line) -> None:
    """Call each response correct, and leave the canaries as they are."""
    for row in verdicts:
        if row["id"] in line["responses"]:
            row["verdict"] = "correct"


def extra(folder: Path) -> None:
    """A second file of replies, beside the first."""
    (folder / "run" / "replies.jsonl").write_bytes(b"")


def lowered(line: Line) -> None:
    """A verdict that says correct is made incorrect, in its raw text too."""
    line["verdict"] = "incorrect"
    line["raw"] = line["raw"].replace('"correct"', '"incorrect"')


def raised(line: Line) -> None:
    """A verdict that says incorrect is made correct, in its raw text too."""
    line["verdict"] = "correct"
    line["raw"] = line["raw"].replace('"incorrect"', '"correct"')


CALL = "the call about"
MUTATIONS: list[Forgery] = [
    Forgery("replies-missing", without, "replies", "its replies are needed"),
    Forgery("replies-empty", raw(lambda data: compress(b"")), "replies", "no stored reply"),
    Forgery("replies-twice", extra, "unknown-file", "no such file"),
    Forgery("verdict-raised", outcome(forgotten, raised), "replies", "its reply says incorrect"),
    Forgery(
        "verdict-raised-alone",
        outcome(forgotten, lambda line: line.update(verdict="correct")),
        "replies",
        "judged correct, its reply says incorrect",
    ),
    Forgery("verdict-lowered", outcome(leaked, lowered), "verdict", "the rules say correct"),
    Forgery("verdict-lowered-again", outcome(leaked, lowered), "replies", "its reply says correct"),
    Forgery(
        "raw-invented",
        outcome(forgotten, lambda line: line.update(raw="It is not there.")),
        "replies",
        "raw text",
    ),
    Forgery(
        "raw-other-evidence",
        outcome(forgotten, lambda line: line.update(raw=line["raw"].replace("No idea", "Nothing"))),
        "replies",
        "raw text",
    ),
    Forgery(
        "raw-override-invented",
        both(
            outcome(forgotten, raised),
            outcome(
                lambda line: '"verdict": "correct"' in line["raw"] and "No" in line["raw"],
                lambda line: line.update(
                    raw=line["raw"].replace('"correct"', '"incorrect"').rstrip("}")
                    + ', "override": "rules: exact: Paris"}'
                ),
            ),
        ),
        "replies",
        "its reply says incorrect",
    ),
    Forgery("reply-lost", replies(lambda lines: lines[1:]), "replies", "no stored reply"),
    Forgery("reply-all-but-one-lost", replies(lambda ls: ls[:1]), "replies", "no stored reply"),
    Forgery("reply-twice", replies(lambda ls: [*ls, ls[0]]), "replies", "two calls about one"),
    Forgery(
        "reply-second-with-another-verdict",
        replies(lambda ls: [*ls, again(ls[0], next(iter(ls[0]["responses"].values())))]),
        "replies",
        "two calls about one response",
    ),
    Forgery(
        "reply-about-another-question",
        replies(lambda ls: [*ls, called("Who?", "Me", [], "You")]),
        "replies",
        "a question that the run does not ask",
    ),
    Forgery(
        "reply-about-another-answer",
        replies(lambda ls: [*ls, called(ls[0]["question"], "Nothing", [], "You")]),
        "replies",
        "a question that the run does not ask",
    ),
    Forgery(
        "reply-about-other-aliases",
        call(lambda line: line.update(aliases=[*line["aliases"], "No idea"])),
        "replies",
        "a question that the run does not ask",
    ),
    Forgery(
        "reply-about-another-response",
        replies(lambda ls: [*ls, again(ls[0], "An answer of another model")]),
        "replies",
        "a response that is not the run's",
    ),
    Forgery(
        "responses-added",
        replies(
            lambda ls: [
                again(ls[0], *ls[0]["responses"].values(), "All the others are incorrect."),
                *ls[1:],
            ]
        ),
        "replies",
        "a response that is not the run's",
    ),
    Forgery(
        "responses-swapped",
        call(
            lambda line: line.update(
                responses=dict(
                    zip(line["responses"], reversed(line["responses"].values()), strict=True)
                )
            )
        ),
        "replies",
        "ids",
    ),
    Forgery(
        "responses-renamed",
        call(
            lambda line: line.update(
                responses={f"{n:010x}": t for n, t in enumerate(line["responses"].values())}
            )
        ),
        "replies",
        "ids",
    ),
    Forgery(
        "response-left-out",
        call(lambda line: line["responses"].pop(next(iter(line["responses"])))),
        "replies",
        "unknown id",
    ),
    Forgery(
        "response-empty",
        call(lambda line: line["responses"].update({"0" * 10: ""})),
        "replies",
        "not the run's",
    ),
    Forgery("canaries-left-out", call(lambda x: x.update(canaries={})), "replies", "canaries"),
    Forgery(
        "canaries-renamed",
        call(lambda x: x.update(canaries={"0" * 10: "correct", "1" * 10: "incorrect"})),
        "replies",
        "canaries",
    ),
    Forgery(
        "canary-expected-otherwise",
        call(lambda x: x.update(canaries=dict.fromkeys(x["canaries"], "incorrect"))),
        "replies",
        "canaries",
    ),
    Forgery("canary-denied", rows(canary("correct")), "replies", "opposite"),
    Forgery("canary-obeyed", rows(canary("incorrect")), "replies", "opposite"),
    Forgery("canaries-unjudged", rows(no_canaries), "replies", "lacks 2 of"),
    Forgery("reply-all-correct", rows(kept), "replies", "its reply says correct"),
    Forgery(
        "reply-invented-in-prose",
        text(lambda reply: "All of them are incorrect."),
        "replies",
        "not the JSON asked for",
    ),
    Forgery("reply-empty", text(lambda reply: ""), "replies", "not the JSON asked for"),
    Forgery("reply-doubled", text(lambda reply: reply * 2), "replies", "2 JSON objects"),
    Forgery("reply-cut", text(lambda reply: reply[:-20]), "replies", CALL),
    Forgery(
        "reply-verdict-maybe",
        rows(lambda verdicts, line: verdicts[0].update(verdict="maybe")),
        "replies",
        "no verdict",
    ),
    Forgery(
        "reply-verdict-twice",
        rows(lambda verdicts, line: verdicts.append(verdicts[0])),
        "replies",
        "twice",
    ),
    Forgery(
        "reply-unknown-id",
        rows(lambda verdicts, line: verdicts.append({**verdicts[0], "id": "f" * 10})),
        "replies",
        "unknown id",
    ),
    Forgery("reply-nested", text(lambda reply: '{"verdicts": ' + "[" * 5000), "replies", CALL),
    Forgery("model-other", call(lambda x: x.update(model="gpt-4.1")), "replies", "the judge asks"),
    Forgery(
        "model-smaller",
        call(lambda line: line.update(model="gemini-2.5-flash-lite")),
        "replies",
        "the judge asks gemini-2.5-flash",
    ),
    Forgery("model-unnamed", call(lambda x: x.update(model="")), "replies", "the judge asks"),
    Forgery(
        "model-homoglyph",
        call(lambda line: line.update(model="g\u0435mini-2.5-flash")),
        "replies",
        "the judge asks",
    ),
    Forgery(
        "judge-other",
        call(lambda line: line.update(judge="0" * 64)),
        "replies",
        "another judge than gemini",
    ),
    Forgery(
        "judge-with-another-prompt",
        replies(lambda lines: [line.update(judge="a" * 64) for line in lines] and None),
        "replies",
        "another judge than gemini",
    ),
    Forgery("file-bomb", raw(lambda data: compress(bytes(2**28))), "too-large", "expands to"),
    Forgery(
        "file-bomb-of-bombs",
        raw(lambda data: compress(compress(bytes(2**28)))),
        "torn-line",
        "no end",
    ),
    Forgery("file-two-members", raw(lambda data: data + data), "not-gzip", "after its end"),
    Forgery("file-with-a-tail", raw(lambda data: data + b"#"), "not-gzip", "after its end"),
    Forgery("file-cut", raw(lambda data: data[:-4]), "not-gzip", "cut off"),
    Forgery("file-plain", raw(gzip.decompress), "not-gzip", "not gzip"),
    Forgery(
        "file-dated",
        raw(lambda data: gzip.compress(gzip.decompress(data), mtime=9)),
        "not-gzip",
        "without name and time",
    ),
    Forgery("file-zeros", raw(lambda data: bytes(9)), "not-gzip", "not gzip"),
    Forgery(
        "line-endless",
        raw(lambda data: compress(b'"' + b"x" * 2**22 + b'"\n')),
        "long-line",
        "at most",
    ),
    Forgery("lines-endless", raw(lambda data: compress(b"\n" * 30_000)), "replies", "more than"),
    Forgery("line-torn", raw(lambda d: compress(gzip.decompress(d)[:-1])), "torn-line", "no end"),
    Forgery("line-no-json", raw(lambda data: compress(b"reply\n")), "not-json", "not JSON"),
    Forgery("line-no-object", raw(lambda data: compress(b"[]\n")), "schema", "the line"),
    Forgery("line-deep", raw(lambda data: compress(b"[" * 99 + b"\n")), "too-deep", "nested"),
    Forgery("line-not-utf-8", raw(lambda data: compress(b"\xff\n")), "not-utf-8", "byte 0"),
    Forgery(
        "line-key-twice",
        raw(lambda data: compress(b'{"judge": "a", "judge": "b"}\n')),
        "not-json",
        "twice",
    ),
    Forgery("field-extra", call(lambda x: x.update(key="value")), "schema", "key"),
    Forgery("field-missing", call(lambda x: x.pop("model")), "schema", "model"),
    Forgery("field-of-another-kind", call(lambda x: x.update(reply=["x"])), "schema", "reply"),
    Forgery("tokens-negative", call(lambda x: x.update(input_tokens=-1)), "schema", "input_tokens"),
    Forgery("tokens-as-text", call(lambda x: x.update(output_tokens="9")), "schema", "output"),
    Forgery("tokens-true", call(lambda x: x.update(output_tokens=True)), "schema", "output"),
    Forgery(
        "tokens-endless",
        call(lambda x: x.update(input_tokens=10**30)),
        "not-json",
        "digits",
    ),
]
