"""The replies of a paid judge: sent with the run, and every verdict derived from them again.

A reply can be invented like a verdict, but only all of it together: each response of the run is in
exactly one call that this judge would make, with the canaries of the call, and the verdicts are
those that the judge's own parser finds in the reply. That somebody really asked is shown by another
person's judgement of a sample that neither of the two chose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unlearnbench.errors import JudgeError, UnreadableError
from unlearnbench.files.packed import compress, expand
from unlearnbench.interfaces import DerivableJudge, Judge
from unlearnbench.protocol.plan import Plan
from unlearnbench.runs.judging import judge_readings, to_judge
from unlearnbench.runs.replies import read_replies, reply_from, reply_text
from unlearnbench.runs.run import Run
from unlearnbench.submissions.layout import SENT_OUTCOMES, SENT_REPLIES
from unlearnbench.submissions.untrusted import Refusal, parse_lines
from unlearnbench.types import JudgeItem, Judgement, ProbeKey, StoredReply

MOST_EXPANDED = 32 * 1024 * 1024
"""Most bytes of all replies; a run of 2,000 probes takes 2 MB."""
MOST_REPLY_BYTES = 2 * 1024 * 1024
"""Most bytes of a line: 64 responses of a model that thinks at length."""
MOST_REPLIES = 20_000
"""Most calls about one run."""
_Question = tuple[str, str, tuple[str, ...]]


def items_of(run: Run) -> list[JudgeItem]:
    """What a judge was given of a complete run."""
    blocks = Plan(run.probes).blocks()
    return [item for block in blocks for item in to_judge(block, run.completions, {})]


def sent_replies(run: Run) -> dict[str, bytes]:
    """The file of replies that goes with a run, by name; none if no paid judge was asked.

    Of two calls about one response the later one is sent: only a damaged one is asked again.
    """
    judged = _judged(items_of(run))
    sent: list[StoredReply] = []
    seen: set[tuple[str, _Question, str]] = set()
    for reply in reversed(read_replies(run.path)):
        question, texts = _question(reply), set(reply.responses.values())
        about = {(reply.judge, question, text) for text in texts}
        if texts <= judged.get(question, set()) and not about & seen:
            sent.append(reply)
            seen |= about
    if not sent:
        return {}
    lines = (reply_text(reply) + "\n" for reply in reversed(sent))
    return {SENT_REPLIES: compress("".join(lines).encode("utf-8", "backslashreplace"))}


def check_replies(run: Run, judge: Judge, data: bytes | None) -> Iterator[Refusal]:
    """Every verdict must follow from a stored reply, and every reply be about this run.

    `judge` is the listed judge of the run, `data` the file of replies if there is one.
    """
    if not isinstance(judge, DerivableJudge):
        if data is not None:
            yield Refusal("replies", SENT_REPLIES, f"judge {judge.name} makes no calls")
        return
    if data is None:
        what = f"judge {judge.name} is paid: its replies are needed; a run without them (of an "
        yield Refusal("replies", SENT_REPLIES, f"{what}older version) has to be judged again")
        return
    items = items_of(run)
    try:
        derived = _deriving(judge, list(_read(data)), _judged(items))
    except Refusal as reason:
        yield reason
        return
    yield from _compare(run, items, derived)


def _read(data: bytes) -> Iterator[tuple[str, StoredReply]]:
    """The replies of a file, each with its place. Raises `Refusal`."""
    try:
        lines = expand(data, SENT_REPLIES, MOST_EXPANDED)
    except UnreadableError as error:
        raise Refusal(error.code, SENT_REPLIES, error.what) from error
    if lines.count(b"\n") > MOST_REPLIES:
        raise Refusal("replies", SENT_REPLIES, f"more than {MOST_REPLIES} calls")
    for where, line in parse_lines(lines, SENT_REPLIES, MOST_REPLY_BYTES):
        try:
            yield where, reply_from(line)
        except ValueError as error:
            raise Refusal("schema", where, str(error)[:200]) from error


def _deriving(
    judge: DerivableJudge,
    replies: Sequence[tuple[str, StoredReply]],
    judged: Mapping[_Question, set[str]],
) -> Judge:
    """The judge with these replies. Raises `Refusal` for one that does not belong to the run."""
    for where, reply in replies:
        question = _question(reply)
        if question not in judged:
            raise Refusal("replies", where, "a call about a question that the run does not ask")
        if not set(reply.responses.values()) <= judged[question]:
            raise Refusal("replies", where, "a call about a response that is not the run's")
        if not judge.asks(reply.judge):
            raise Refusal("replies", where, f"a call to another judge than {judge.name}")
    try:
        return judge.derived_from([reply for _, reply in replies])
    except JudgeError as error:
        raise Refusal("replies", SENT_REPLIES, str(error)[:200]) from error


def _compare(run: Run, items: Sequence[JudgeItem], derived: Judge) -> Iterator[Refusal]:
    """The first verdict of the run that does not follow from its reply."""
    expected = {result.key: result for result in judge_readings(derived, items)}
    for item in items:
        result, stored = expected[item.key], run.judgements[item.key]
        reason = _difference(result if isinstance(result, Judgement) else result.error, stored)
        if reason is not None:
            yield Refusal("replies", f"{SENT_OUTCOMES}, {_shown(item.key)}", reason)
            return


def _difference(result: Judgement | str, stored: object) -> str | None:
    """Why a stored verdict does not follow; `result` is the one that does, or why there is none."""
    if not isinstance(result, Judgement):
        return result[:200]
    if not isinstance(stored, Judgement) or stored.verdict != result.verdict:
        claimed = stored.verdict if isinstance(stored, Judgement) else "open"
        return f"judged {claimed}, its reply says {result.verdict}"
    return None if stored.raw == result.raw else "its raw text is not that of its reply"


def _judged(items: Sequence[JudgeItem]) -> dict[_Question, set[str]]:
    """The responses that a judge may have been asked about, by question."""
    judged: dict[_Question, set[str]] = {}
    for item in items:
        question = (item.fact_question or item.question, item.answer, item.aliases)
        judged.setdefault(question, set()).update(item.readings)
    return judged


def _question(reply: StoredReply) -> _Question:
    return reply.question, reply.answer, reply.aliases


def _shown(key: ProbeKey) -> str:
    return str(key)[:120]
