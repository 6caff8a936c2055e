"""What follows from a stored reply, and from which replies nothing follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from unlearnbench.errors import JudgeError
from unlearnbench.interfaces import DerivableJudge
from unlearnbench.judging.catalogue import shipped_judge
from unlearnbench.judging.jury import JuryJudge
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.judging.llm.prompt import Call, FactQuestion, call_on
from unlearnbench.judging.llm.stored import ReplyError, stored_reply
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.remote.prompts import Reply
from unlearnbench.runs.replies import REPLIES, read_replies, reply_from, reply_record, reply_text
from unlearnbench.types import Failure, JudgeItem, Judgement, ProbeKey, StoredReply, Verdict

FACT = FactQuestion("How many eggs?", "12", ("a dozen eggs",))
TEXTS = ("There are 12.", "a dozen", "None.")
MODEL_SAYS: Mapping[str, Verdict] = {TEXTS[0]: "correct"}


def paid(name: str = "gemini") -> LLMJudge:
    judge = shipped_judge(name)
    assert isinstance(judge, LLMJudge)
    return judge


def written(call: Call, says: Mapping[str, Verdict] = MODEL_SAYS) -> str:
    rows = [
        {"id": name, "evidence": text[:5], "verdict": says.get(text, "incorrect")}
        for name, text in call.responses.items()
    ]
    rows += [{"id": n, "evidence": "", "verdict": v} for n, v in call.canaries.items()]
    return json.dumps({"verdicts": rows})


def stored(judge: LLMJudge, *texts: str, says: Mapping[str, Verdict] = MODEL_SAYS) -> StoredReply:
    call = call_on(judge.definition, FACT, texts or TEXTS)
    model = judge.definition.file.model or ""
    reply = Reply(written(call, says), 7, 9, None, model)
    return stored_reply(judge.model_identity, FACT, call, reply)


def items(*texts: str) -> list[JudgeItem]:
    return [
        JudgeItem(
            ProbeKey("eggs", f"way-{n}", "plain"),
            f"Way {n}?",
            "12",
            FACT.aliases,
            t,
            "How many eggs?",
        )
        for n, t in enumerate(texts or TEXTS)
    ]


def test_the_verdicts_follow_with_the_rules_behind_them() -> None:
    judge = paid()
    found = {
        r.key.phrasing: r for r in judge.derived_from([stored(judge)]).judge(items(*TEXTS, " "))
    }
    assert all(isinstance(r, Judgement) and r.judge == judge.identity for r in found.values())
    verdicts = [r.verdict for r in map(found.get, sorted(found)) if isinstance(r, Judgement)]
    assert verdicts == ["correct", "correct", "incorrect", "incorrect"]
    override, empty = found["way-1"], found["way-3"]
    assert isinstance(override, Judgement) and "override" in json.loads(override.raw)
    assert isinstance(empty, Judgement) and json.loads(empty.raw)["evidence"] == "empty response"


def test_a_response_without_a_reply_is_open() -> None:
    judge = paid()
    derived = judge.derived_from([stored(judge, *TEXTS[:2])])
    results = list(derived.judge(items()))
    assert [type(r) for r in results] == [Judgement, Judgement, Failure]
    assert "no stored reply" in results[-1].error  # type: ignore[union-attr]


CHANGES: dict[str, tuple[Callable[[StoredReply], StoredReply], str]] = {
    "another-judge": (lambda r: replace(r, judge="0" * 64), "another judge"),
    "another-version": (lambda r: replace(r, judge=paid("gemini-3").model_identity), "another"),
    "another-model": (lambda r: replace(r, model="gemini-9-ultra"), "the judge asks"),
    "an-older-model": (lambda r: replace(r, model="gemini-2.5-flash-lite"), "the judge asks"),
    "no-model": (lambda r: replace(r, model=""), "the judge asks"),
    "another-question": (lambda r: replace(r, question="How many?"), "ids"),
    "another-answer": (lambda r: replace(r, answer="13"), "ids"),
    "renamed-response": (
        lambda r: replace(r, responses={"f" * 10: TEXTS[0], **dict(list(r.responses.items())[1:])}),
        "ids",
    ),
    "swapped-responses": (
        lambda r: replace(r, responses=dict(zip(r.responses, reversed(TEXTS), strict=True))),
        "ids",
    ),
    "one-response-twice": (
        lambda r: replace(r, responses={**r.responses, "f" * 10: TEXTS[0]}),
        "ids",
    ),
    "an-empty-response": (lambda r: replace(r, responses={"f" * 10: " \n"}), "empty response"),
    "no-response": (lambda r: replace(r, responses={}), "0 responses"),
    "too-many-responses": (
        lambda r: stored(paid(), *(f"answer {n}" for n in range(65))),
        "65 responses",
    ),
    "no-canaries": (lambda r: replace(r, canaries={}), "canaries"),
    "one-canary": (lambda r: replace(r, canaries=dict([*r.canaries.items()][:1])), "canaries"),
    "canaries-swapped": (
        lambda r: replace(r, canaries={n: "correct" for n in r.canaries}),
        "canaries",
    ),
    "canary-as-response": (
        lambda r: replace(r, responses={**r.responses, **dict.fromkeys(r.canaries, "12")}),
        "ids",
    ),
    "canaries-unjudged": (
        lambda r: replace(r, reply=json.dumps({"verdicts": json.loads(r.reply)["verdicts"][:3]})),
        "lacks 2 of 5",
    ),
    "canary-obeyed": (
        lambda r: replace(r, reply=r.reply.replace('"incorrect"', '"correct"')),
        "opposite",
    ),
    "canary-denied": (
        lambda r: replace(r, reply=r.reply.replace('"correct"', '"incorrect"')),
        "opposite",
    ),
    "no-reply": (lambda r: replace(r, reply=""), "not the JSON"),
    "prose": (lambda r: replace(r, reply="All are incorrect."), "not the JSON"),
    "two-replies": (lambda r: replace(r, reply=r.reply * 2), "2 JSON objects"),
    "nested": (lambda r: replace(r, reply="{" * 100_000), "braces|deep|not the JSON"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_follows_from_another_call(name: str) -> None:
    change, words = CHANGES[name]
    judge = paid()
    reply = change(stored(judge))
    with pytest.raises(ReplyError, match=words):
        judge.derive(reply)
    with pytest.raises(JudgeError, match=words):
        judge.derived_from([reply])


def test_two_calls_about_one_response_are_refused() -> None:
    judge = paid()
    second = stored(judge, TEXTS[2], says={TEXTS[2]: "correct"})
    with pytest.raises(JudgeError, match="two calls about one response"):
        judge.derived_from([stored(judge), second])


def test_a_longer_name_of_the_model_is_the_model() -> None:
    judge = paid()
    reply = replace(stored(judge), model="models/gemini-2.5-flash-001")
    assert judge.derive(reply).readings[TEXTS[0]].verdict == "correct"


def test_a_jury_derives_what_its_members_say() -> None:
    jury = shipped_judge("jury")
    assert isinstance(jury, JuryJudge)
    first, second = paid("gemini"), paid("gemini-3")
    replies = [stored(second, says={}), stored(first)]
    found = list(jury.derived_from(replies).judge(items()))
    votes = [json.loads(r.raw)["votes"] for r in found if isinstance(r, Judgement)]
    assert votes[0] == {"gemini": "correct", "gemini-3": "correct", "rules": "correct"}
    assert votes[2] == {"gemini": "incorrect", "gemini-3": "incorrect", "rules": "incorrect"}
    with pytest.raises(JudgeError, match="no member of the jury"):
        jury.derived_from([replace(replies[0], judge="0" * 64)])


def test_which_judges_are_derived() -> None:
    assert isinstance(paid(), DerivableJudge)
    assert isinstance(shipped_judge("jury"), DerivableJudge)
    assert not isinstance(RulesJudge(), DerivableJudge)


def test_lines_are_read_back_and_damaged_ones_left_out(tmp_path: Path) -> None:
    reply = stored(paid())
    assert reply_from(reply_record(reply)) == reply
    good = reply_text(reply)
    bad = ["{", "3", "{}", good.replace('"question"', '"qestion"'), good[:-5], "[" * 5000]
    lines = [good, *bad, good, good[:40]]
    (tmp_path / REPLIES).write_text("\n".join(lines), "utf-8")
    assert read_replies(tmp_path) == [reply, reply]
    assert read_replies(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("judge", 3),
        ("aliases", "one"),
        ("responses", {}),
        ("responses", {"short": "x"}),
        ("canaries", {"f" * 10: "maybe"}),
        ("reply", None),
        ("input_tokens", -1),
        ("output_tokens", 1.5),
        ("input_tokens", True),
        ("extra", 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        reply_from({**reply_record(stored(paid())), field: value})
