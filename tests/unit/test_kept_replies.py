"""Replies are kept with the run, and taken up again: nothing is paid for twice or believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.unit.test_stored_replies import FACT, TEXTS, items, paid, written
from unlearnbench.judging.jury import JuryJudge
from unlearnbench.judging.llm.answered import Answered, answered
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.judging.llm.prompt import Call
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.remote.errors import Failed
from unlearnbench.remote.prompts import Reply
from unlearnbench.runs.replies import REPLIES, read_replies
from unlearnbench.types import JudgeItem, Judgement, ProbeKey, Usage


class Wire:
    """Answers every call and counts; cut off after `most` calls."""

    def __init__(self, model: str, most: int = 99) -> None:
        self.usage = Usage()
        self.model = model
        self.most = most
        self.calls: list[Call] = []
        self.change = ("", "")

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        for call in calls:
            if len(self.calls) >= self.most:
                raise KeyboardInterrupt
            self.calls.append(call)
            text = written(call).replace(*self.change)
            yield call, answered(call, Reply(text, 7, 9, None, self.model))


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def judge(run: Path | None, name: str = "gemini", most: int = 99) -> tuple[LLMJudge, Wire]:
    definition = paid(name).definition
    wire = Wire(definition.file.model or "", most)
    made = LLMJudge(definition, wire)
    made.keep_in(run)
    return made, wire


def verdicts(made: LLMJudge | JuryJudge, asked: Sequence[JudgeItem]) -> dict[str, str]:
    results = {str(r.key): r for r in made.judge(asked)}
    assert all(isinstance(result, Judgement) for result in results.values())
    return {key: f"{r.verdict} {r.raw}" for key, r in results.items() if isinstance(r, Judgement)}


def other_fact(*texts: str) -> list[JudgeItem]:
    return [
        JudgeItem(ProbeKey("b", f"way-{n}", "plain"), "B?", "Oslo", (), text)
        for n, text in enumerate(texts)
    ]


def test_a_run_holds_the_calls_that_its_verdicts_follow_from(tmp_path: Path) -> None:
    made, _ = judge(tmp_path / "run")
    asked = [*items(), *other_fact("Oslo", "", "Rome")]
    found = verdicts(made, asked)
    replies = read_replies(tmp_path / "run")
    assert [len(reply.responses) for reply in replies] == [3, 2]
    assert verdicts(made.derived_from(replies), asked) == found
    assert {reply.model for reply in replies} == {"gemini-2.5-flash"}
    assert {(reply.input_tokens, reply.output_tokens) for reply in replies} == {(7, 9)}


def test_a_killed_run_asks_for_nothing_twice(tmp_path: Path, cache: Path) -> None:
    asked = [*items(), *other_fact("Rome")]
    killed, wire = judge(tmp_path / "run", most=1)
    with pytest.raises(KeyboardInterrupt):
        verdicts(killed, asked)
    (cache / "verdicts.sqlite").unlink()  # as if killed before the cache was written
    with (tmp_path / "run" / REPLIES).open("ab") as file:
        file.write(b'{"judge": "torn')
    resumed, wire = judge(tmp_path / "run")
    assert resumed.estimate(asked).calls == 1
    found = verdicts(resumed, asked)
    assert len(wire.calls) == 1
    replies = read_replies(tmp_path / "run")
    assert (tmp_path / "run" / REPLIES).read_bytes().count(b"\n") == len(replies) == 2
    assert verdicts(resumed.derived_from(replies), asked) == found


def test_an_estimate_leaves_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / REPLIES).write_bytes(b'{"judge": "being written')
    made, _ = judge(tmp_path)
    assert made.estimate(items()).calls == 1
    assert (tmp_path / REPLIES).read_bytes() == b'{"judge": "being written'


def test_a_run_made_from_the_cache_has_its_replies_too(tmp_path: Path) -> None:
    found = verdicts(judge(tmp_path / "first")[0], items())
    second, wire = judge(tmp_path / "second")
    assert verdicts(second, items()) == found
    assert wire.calls == []
    kept = [(tmp_path / name / REPLIES).read_bytes() for name in ("first", "second")]
    assert kept[0] == kept[1]
    assert verdicts(second, items()) == found  # known by now: not written again
    assert (tmp_path / "second" / REPLIES).read_bytes() == kept[0]


@pytest.mark.parametrize(
    ("first", "second", "calls"),
    [
        pytest.param(TEXTS, TEXTS[:2], 1, id="a-response-less"),
        pytest.param(TEXTS[:2], TEXTS, 1, id="a-response-more"),
        pytest.param(TEXTS, tuple(reversed(TEXTS)), 0, id="another-order"),
        pytest.param(TEXTS, (*TEXTS, TEXTS[0], " "), 0, id="repeats-and-silence"),
    ],
)
def test_a_call_is_adopted_as_a_whole_or_not_at_all(
    tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...], calls: int
) -> None:
    verdicts(judge(tmp_path / "first")[0], items(*first))
    made, wire = judge(tmp_path / "second")
    assert made.estimate(items(*second)).calls == calls
    found = verdicts(made, items(*second))
    assert len(wire.calls) == calls
    replies = read_replies(tmp_path / "second")
    judged = [text for reply in replies for text in reply.responses.values()]
    assert sorted(judged) == sorted({text for text in second if text.strip()})
    assert verdicts(made.derived_from(replies), items(*second)) == found


def test_the_same_fact_with_other_aliases_is_another_fact(tmp_path: Path) -> None:
    verdicts(judge(tmp_path / "first")[0], items())
    asked = [
        JudgeItem(i.key, i.question, i.answer, ("twelve",), i.response, FACT.question)
        for i in items()
    ]
    made, wire = judge(tmp_path / "second")
    verdicts(made, asked)
    assert len(wire.calls) == 1


def test_a_jury_keeps_the_calls_of_all_members_in_one_file(tmp_path: Path) -> None:
    members = [judge(None, name)[0] for name in ("gemini", "gemini-3")]
    jury = JuryJudge("jury", [*members, RulesJudge()], "majority")
    jury.keep_in(tmp_path)
    found = verdicts(jury, [*items(), *other_fact("Rome")])
    replies = read_replies(tmp_path)
    assert len(replies) == 4
    assert verdicts(jury.derived_from(replies), [*items(), *other_fact("Rome")]) == found


def test_without_a_folder_nothing_is_written_but_the_cache(tmp_path: Path, cache: Path) -> None:
    verdicts(judge(None)[0], items())
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"verdicts.sqlite"}
    again, wire = judge(None)
    verdicts(again, items())
    assert wire.calls == []


def test_a_secret_in_a_reply_is_removed_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "There")  # too short to be a secret: five letters
    monkeypatch.setenv("OTHER_API_KEY", TEXTS[1])
    made, wire = judge(tmp_path)
    wire.change = ('"a doz"', f'"{TEXTS[1]}"')
    found = verdicts(made, items())
    (reply,) = read_replies(tmp_path)
    assert TEXTS[1] not in reply.reply
    assert "[OTHER_API_KEY]" in reply.reply
    monkeypatch.delenv("OTHER_API_KEY")
    assert verdicts(made.derived_from([reply]), items()) == found
