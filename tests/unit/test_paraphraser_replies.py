"""What a paraphraser's and a second reader's replies are taken to say, and what they are not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.errors import ParaphraserError
from unlearnbench.paraphrasing.candidates import (
    STYLES,
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    ParaphraseRequest,
)
from unlearnbench.paraphrasing.gathered import SPARE, Gathered, Wanted
from unlearnbench.paraphrasing.llm.definition import (
    ParaphraserDefinition,
    load_paraphraser,
    paraphraser_names,
)
from unlearnbench.paraphrasing.llm.items import ItemsCall, entries_of
from unlearnbench.paraphrasing.llm.proposing import LLMParaphraser, proposal_reader
from unlearnbench.paraphrasing.llm.second import LLMSecondReader, verdict_reader
from unlearnbench.remote.errors import CanaryError, Failed, MalformedReplyError
from unlearnbench.remote.prompts import Reply
from unlearnbench.types import Fact, Usage

FACT = Fact("a", "forget", "t", "Who built the tower?", "Ann Other")
MARS = Fact("m", "forget", "t", "Which moon of Mars is the larger one?", "Phobos")
REQUEST = ParaphraseRequest(FACT, dict.fromkeys(STYLES, 2), 2)


@dataclass
class Wire:
    """Answers each call with the next text and reads it as a transport would."""

    read: Any
    replies: list[Any]
    usage: Usage = field(default_factory=Usage)
    calls: list[ItemsCall] = field(default_factory=list)

    def run(self, calls: Sequence[ItemsCall]) -> Iterator[tuple[ItemsCall, Any]]:
        for call in calls:
            self.calls.append(call)
            reply = self.replies.pop(0)
            try:
                facts = [{"id": item.id, **item.data} for item in call.items]
                text = reply(facts) if callable(reply) else reply
                yield call, self.read(call, Reply(text, 1, 1))
            except (MalformedReplyError, CanaryError) as error:
                yield call, Failed(str(error), own=True)


def paraphraser(*replies: Any, name: str = "gemini") -> LLMParaphraser:
    definition = load_paraphraser(name, "propose")
    return LLMParaphraser(definition, Wire(proposal_reader(definition), list(replies)))


def reader(*replies: Any, name: str = "gemini") -> LLMSecondReader:
    definition = load_paraphraser(name, "second")
    return LLMSecondReader(definition, Wire(verdict_reader(definition), list(replies)))


def row(facts: list[dict[str, Any]], **lists: Any) -> str:
    return json.dumps({"facts": [{"id": facts[0]["id"], **lists}]})


def proposed(reply: Any, name: str = "gemini") -> Any:
    ((_, result),) = paraphraser(reply, name=name).propose([REQUEST])
    return result if isinstance(result, str) else [(c.style, c.text) for c in result]


@pytest.mark.parametrize(
    ("lists", "texts"),
    [
        ({"wording": ["A?", "B?"]}, [("wording", "A?"), ("wording", "B?")]),
        ({"wording": ["A?", "B?", "C?"]}, [("wording", "A?"), ("wording", "B?")]),
        ({"wording": ["A?", "a"], "training": ["A"]}, [("wording", "A?")]),
        ({"wording": ["who built THE tower", "A?"]}, [("wording", "A?")]),
        ({"wording": [" A\n  b? ", "", 3, None, ["x"]]}, [("wording", "A b?")]),
        ({"wording": ["x" * 2001, "A\ud800?"], "syntax": ["B?"]}, [("syntax", "B?")]),
        ({"training": ["T?"], "poem": ["P?"], "syntax": "S?"}, [(None, "T?")]),
    ],
    ids=["plain", "too-many", "twice", "the-question", "dirty", "unusable", "unknown-kinds"],
)
def test_what_is_taken_from_an_entry(
    lists: dict[str, Any], texts: list[tuple[str | None, str]]
) -> None:
    assert proposed(lambda facts: row(facts, **lists)) == texts


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("Here you are: none.", "0 JSON objects"),
        (lambda facts: row(facts, wording=[]), "no paraphrase"),
        (lambda facts: row([{"id": "ffffffffffff"}], wording=["A?"]), "leaves it out"),
        (lambda facts: 2 * row(facts, wording=["A?"]), "2 JSON objects"),
        (
            lambda facts: json.dumps({"facts": [{"id": facts[0]["id"], "wording": ["A?"]}] * 2}),
            "2 entries",
        ),
        (lambda facts: json.dumps({"facts": [["wording", "A?"]]}), "leaves it out"),
    ],
    ids=["prose", "empty", "stranger", "two-objects", "twice", "no-entry"],
)
def test_what_gives_nothing(reply: Any, why: str) -> None:
    assert why in proposed(reply)


def test_a_reply_counts_for_the_facts_that_it_answers() -> None:
    def half(facts: list[dict[str, Any]]) -> str:
        rows = [{"id": facts[1]["id"], "wording": ["M?"]}, {"id": "0" * 12, "wording": ["Z?"]}]
        return json.dumps({"facts": rows})

    one = paraphraser(half)
    results = {
        r.fact.id: result
        for r, result in one.propose([REQUEST, ParaphraseRequest(MARS, {"wording": 1})])
    }
    assert [c.text for c in results["m"]] == ["M?"]
    assert results["a"] == "the reply leaves it out"
    assert one.strangers == 1


def test_a_fact_whose_call_failed_is_asked_about_alone() -> None:
    one = paraphraser("no", "no", lambda facts: row(facts, wording=["M?"]))
    requests = [REQUEST, ParaphraseRequest(MARS, {"wording": 1})]
    assert all(isinstance(result, str) for _, result in one.propose(requests))
    results = {r.fact.id: result for r, result in one.propose(requests)}
    assert isinstance(results["a"], str)
    assert [c.text for c in results["m"]] == ["M?"]
    wire: Any = one.asker.transport
    assert [len(call.items) for call in wire.calls] == [2, 1, 1]


def verdicts(facts: list[dict[str, Any]], **changed: bool) -> str:
    rows = [
        {"id": one["id"], "same": changed.get(kind, kind != "canary"), "reason": "r"}
        for one in facts[0]["texts"]
        for kind in ["canary" if "reviewer" in one["text"] else one["text"][:1]]
    ]
    return row(facts, verdicts=rows)


def read(reply: Any, fact: Fact = FACT, name: str = "gemini") -> dict[str, Any]:
    return {text: doubt for _, text, doubt in reader(reply, name=name).read([(fact, ["A?", "B?"])])}


def test_the_second_reader_says_which_asks_something_else() -> None:
    said = read(lambda facts: verdicts(facts, B=False))
    assert said == {"A?": None, "B?": CandidateDoubt("asks-other", "r")}


@pytest.mark.parametrize(
    "reply",
    [
        lambda facts: verdicts(facts, canary=True),
        lambda facts: verdicts(facts, W=False),
        lambda facts: row(facts, verdicts=[]),
        lambda facts: row(facts),
        lambda facts: verdicts(facts).replace("true", '"yes"'),
        "All of them ask the same.",
    ],
    ids=["passes-all", "refuses-the-question", "none", "no-list", "no-truth", "prose"],
)
def test_a_reader_that_errs_where_the_truth_is_known_is_not_believed(reply: Any) -> None:
    assert {doubt.rule for doubt in read(reply).values()} == {"unread"}


def test_the_known_other_question_is_never_the_facts_own() -> None:
    one = reader("", "")
    list(one.read([(FACT, ["A?"])])), list(one.read([(MARS, ["A?"])]))
    wire: Any = one.asker.transport
    assert "moons has Mars" in wire.calls[0].user
    assert "strings has a violin" in wire.calls[1].user


LINES = "Sure!\n1. wording: A?\n- Wording: B?\n**syntax**: S?\nanswer: Ann\ntraining = T?"


def test_lines_are_read_only_where_the_definition_says_so() -> None:
    assert proposed(LINES, "local") == [
        ("wording", "A?"),
        ("wording", "B?"),
        ("syntax", "S?"),
        (None, "T?"),
    ]
    assert "JSON" in proposed(LINES)


@pytest.mark.parametrize(
    ("canary", "doubt"), [("different", None), ("same", "unread")], ids=["careful", "passes-all"]
)
def test_verdicts_in_lines(canary: str, doubt: str | None) -> None:
    def lines(facts: list[dict[str, Any]]) -> str:
        said = (
            f"{one['id']}: {canary if 'reviewer' in one['text'] else 'Same.'}"
            for one in facts[0]["texts"]
        )
        return "\n".join(said)

    assert {d.rule if d else None for d in read(lines, name="local").values()} == {doubt}


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_text_is_more_than_malformed(text: str) -> None:
    for name in ("gemini", "local"):
        assert isinstance(proposed(text, name), str | list)
        assert {d.rule for d in read(text, name=name).values()} == {"unread"}


def test_what_a_model_that_writes_lines_is_sent() -> None:
    one = paraphraser(LINES, name="local")
    list(
        one.propose(
            [ParaphraseRequest(Fact("a", "forget", "t", 'Who "is"\nit?', "Ann"), {"wording": 1})]
        )
    )
    wire: Any = one.asker.transport
    sent = wire.calls[0].user
    assert 'question: "Who \\"is\\"\\nit?"\nanswer: "Ann"\n' in sent
    assert sent.endswith("\n\nThat was the fact. Write the lines about it now.")


def test_an_object_within_thoughts_is_no_reply() -> None:
    with pytest.raises(MalformedReplyError):
        entries_of('<think>{"facts": [{"id": "a"}]}</think> done')


def test_definitions() -> None:
    assert paraphraser_names() == ["gemini", "local", "openai"]
    for name in paraphraser_names():
        tasks = [load_paraphraser(name, "propose"), load_paraphraser(name, "second")]
        assert len({task.identity for task in tasks}) == 2
    served = load_paraphraser("openai:m", "propose")
    assert (served.name, served.file.model, served.file.price) == ("openai:m", "m", None)
    assert served.identity != load_paraphraser("openai:n", "propose").identity


@pytest.mark.parametrize(
    ("setting", "decides"),
    [("facts_per_call = 3", True), ("seed = 1", True), ("concurrency = 2", False)],
    ids=["facts", "seed", "speed"],
)
def test_identity_is_of_what_decides(tmp_path: Path, setting: str, decides: bool) -> None:
    def made(more: str) -> ParaphraserDefinition:
        (tmp_path / "paraphraser.toml").write_text(f'provider = "gemini"\ntitle = "t"\n{more}\n')
        (tmp_path / "prompt.md").write_text("Write.")
        return load_paraphraser(str(tmp_path), "propose")

    assert (made("").identity != made(setting).identity) == decides


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        ('provider = "gemini"\ntitle = "t"\nmodle = "x"\n', "modle"),
        ("provider = [", "not TOML"),
        ('provider = "local"\ntitle = "t"\nstructured = false\n', "facts_per_call is 1"),
        ('provider = "gemini"\ntitle = "t"\n', r"prompt\.md"),
    ],
    ids=["unknown-key", "no-toml", "lines-for-many", "no-prompt"],
)
def test_a_bad_definition_is_named(tmp_path: Path, toml: str, why: str) -> None:
    (tmp_path / "paraphraser.toml").write_text(toml)
    with pytest.raises(ParaphraserError, match=why):
        load_paraphraser(str(tmp_path), "propose")


def test_what_is_asked_for_again() -> None:
    one = Gathered(FACT, Wanted.of(2, 1))
    assert one.request().evaluation == dict.fromkeys(STYLES, 2 + SPARE)
    made = [Candidate("a", "evaluation", "wording", text, "x") for text in ("A?", "B?", "C?")]
    doubts: list[tuple[CandidateDoubt, ...]] = [
        (),
        (CandidateDoubt("clue", "1999"),),
        (CandidateDoubt("unchecked-language", "?"),),
    ]
    one.check([CheckedCandidate(c, d) for c, d in zip(made, doubts, strict=True)])
    assert one.unread == ["A?", "C?"]
    one.read({"A?": None, "C?": None})
    again = one.request()
    assert again.evaluation == {"syntax": 4, "situation": 4}  # C waits for a person
    assert again.avoid == {
        "A?": "it is there already",
        "C?": "it is there already",
        "B?": "clue: 1999",
    }
    result = one.result()
    assert [c.text for c in result.evaluation] == ["A?"]
    assert [d.candidate.text for d in result.doubtful] == ["C?", "B?"]
    assert result.missing == "lacks 1 of wording, 2 of syntax, 2 of situation, 1 of training"
