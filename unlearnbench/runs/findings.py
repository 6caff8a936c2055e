"""Findings on a run that a reader of its scores must know: `Run.findings`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from unlearnbench.runs.asked import FULL, fewest_paraphrases
from unlearnbench.runs.derived import STORED_AS
from unlearnbench.runs.identity import departures
from unlearnbench.scoring.answers import cut_answer, why_unanswered
from unlearnbench.scoring.findings import (
    ALIKE,
    CUT,
    EMPTY,
    KNEW_LITTLE,
    RunFinding,
    base_finding,
    broken_finding,
    count_text,
    few_known_finding,
    few_paraphrases,
    in_order,
    is_enough,
    is_share,
    left_unasked,
    plain_percent,
    retain_finding,
)
from unlearnbench.scoring.refusals import is_refusal, says_nothing
from unlearnbench.scoring.scores import HEADLINE, headline_of, leaked_at_all
from unlearnbench.types import Completion, Probe

if TYPE_CHECKING:
    from unlearnbench.runs.run import Run

_QUOTED = 40
"""Characters of a model's own text that a finding quotes."""
_REASONS = 2
"""Different reasons for open probes that are named, the most frequent first …"""
_REASON = 100
"""… with so many characters of each."""


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Answers of one split by what can be seen without a judge.

    What was cut inside its thoughts is `cut`, not `empty`: its probe is open.
    `alike` counts, of what was not judged correct, refusals (`refused`) and the one text that most
    questions were answered with; `quote` is the most frequent of them.
    """

    n: int
    cut: int
    empty: int
    refused: int
    alike: int
    quote: str


_Counts = Mapping[str, AnswerCounts]
"""By split, or by way; those without an answer are left out."""
_What = Literal["cut", "empty"]


def count_answers(run: Run, probes: Iterable[Probe]) -> AnswerCounts:
    """Count the answers that are there; probes without one are open and counted nowhere."""
    answers = [
        (probe, answer)
        for probe in probes
        if isinstance(answer := run.completions.get(probe.key), Completion)
    ]
    right = {outcome.key for outcome in run.outcomes if outcome.verdict == "correct"}
    missed = [(probe, answer.text) for probe, answer in answers if probe.key not in right]
    alike, quote = _alike(missed)
    return AnswerCounts(
        n=len(answers),
        cut=sum(answer.finish_reason != "stop" for _, answer in answers),
        empty=sum(not a.text.strip() and why_unanswered(a) is None for _, a in answers),
        refused=sum(_declines(text) for _, text in missed),
        alike=alike,
        quote=quote,
    )


def _alike(answers: Sequence[tuple[Probe, str]]) -> tuple[int, str]:
    """How many answers refuse or are the most frequent text, and the most frequent of these.

    A text counts only if questions with different gold answers were answered with it: one fact
    that is answered alike in all its wordings shows nothing.
    """
    words = [" ".join(_words(text)) for _, text in answers]
    gold: dict[str, set[str]] = {}
    for (probe, _), opening in zip(answers, words, strict=True):
        gold.setdefault(opening, set()).add(" ".join(_words(probe.answer)))
    spread = Counter(opening for opening in words if opening and len(gold[opening]) > 1)
    top = spread.most_common(1)[0][0] if spread else None
    counted = [
        (opening, text)
        for opening, (_, text) in zip(words, answers, strict=True)
        if opening == top or _declines(text)
    ]
    if not counted:
        return 0, ""
    most = Counter(opening for opening, _ in counted).most_common(1)[0][0]
    return len(counted), _short(next(text for opening, text in counted if opening == most), _QUOTED)


def _declines(text: str) -> bool:
    """Whether an answer that is not the gold one declines."""
    return is_refusal(text) or says_nothing(text)


def _short(text: str, length: int) -> str:
    """A text on one line, cut at so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length].rstrip()}…"


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold().replace("'", "")).split()


def findings_of(run: Run) -> tuple[RunFinding, ...]:
    """All reasons not to take a run's headline at face value, warnings first."""
    counts = _counted(run, [p for p in run.probes if p.key.is_standard], lambda p: p.split)
    others = [p for p in run.probes if not p.key.is_standard and not _went_on(run, p)]
    by_way = _counted(run, others, lambda p: p.key.context)
    findings = [
        *_departures(run),
        *_open(run),
        *_underived(run),
        *_model(run),
        *_answers(run, counts),
        *_cut_or_empty(run, by_way),
        *_base(run),
        *_mute_ways(run),
        *_left_out(run),
    ]
    return in_order(findings)


def _counted(run: Run, probes: Sequence[Probe], part: Callable[[Probe], str]) -> _Counts:
    """The answers of some probes by the part that each belongs to."""
    parts: dict[str, list[Probe]] = {}
    for probe in probes:
        parts.setdefault(part(probe), []).append(probe)
    return {name: counted for name, p in parts.items() if (counted := count_answers(run, p)).n}


def _went_on(run: Run, probe: Probe) -> bool:
    """Whether an answer ended where the model asked itself something: a plain text has no other
    end, so that being cut later is the rule there and hides nothing.
    """
    answer = run.completions.get(probe.key)
    return isinstance(answer, Completion) and cut_answer(answer.text) != answer.text.strip()


def _departures(run: Run) -> Iterator[RunFinding]:
    """`not-the-protocol`: what was changed about the prompts or the decoding."""
    changes = departures(run.record.identity.model_dump())
    if changes:
        text = f"not the protocol: {', '.join(changes)}; the scores are not comparable with others"
        yield RunFinding("not-the-protocol", "warning", text)


def _open(run: Run) -> Iterator[RunFinding]:
    """`probes-open`: how many, and why."""
    if not run.n_open:
        return
    reasons = Counter(failure.error for failure in run.failures)
    top = reasons.most_common(_REASONS)
    unrecorded = run.n_open - sum(reasons.values())
    named = [f"{count} × {_short(error, _REASON)}" for error, count in top]
    if len(reasons) > _REASONS:
        named.append(f"{sum(reasons.values()) - sum(n for _, n in top)} for other reasons")
    if unrecorded:
        named.append(f"{unrecorded} not answered or judged yet")
    facts = leaked_at_all(run.outcomes)
    undecided = sum(state is None for state in facts.values())
    text = (
        f"{run.n_open} of {len(run.probes)} probes are open ({'; '.join(named)}), "
        f"{undecided} of {len(facts)} forget facts undecided: scores are intervals until the same "
        "command has closed them"
    )
    yield RunFinding("probes-open", "warning", text)


def _underived(run: Run) -> Iterator[RunFinding]:
    """`verdicts-changed`: verdicts that do not follow; `verdicts-underived`: that are believed."""
    changed = sum(failure.error.startswith(STORED_AS) for failure in run.failures)
    if changed:
        text = (
            f"{changed} stored verdicts do not follow from the answers or replies beside them, as "
            "if they had been changed: they count for nothing until the same command has given "
            "them again"
        )
        yield RunFinding("verdicts-changed", "warning", text)
    if run.underived is not None:
        text = (
            f"its verdicts could not be derived again ({run.underived}) and are believed as they "
            "are stored; unlearnbench judge judges its answers again"
        )
        yield RunFinding("verdicts-underived", "note", text)


def _model(run: Run) -> Iterator[RunFinding]:
    """Whether the model is damaged, by its scores: fluency and retain."""
    scores, base = run.scores, run.base.scores if run.base else {}
    if "fluency" in scores and (found := broken_finding(scores["fluency"])):
        yield found
    if "retain.mean" in scores:
        if found := retain_finding(scores["retain.mean"], base.get("retain.mean")):
            yield found
    elif HEADLINE in scores:
        text = "no retain fact was asked: a low worst case can be damage as well as forgetting"
        yield RunFinding("retain-unasked", "note", text)


def _answers(run: Run, counts: _Counts) -> Iterator[RunFinding]:
    """Whether the model is damaged, by its responses: cut, empty, refused or all alike."""
    yield from _cut_or_empty(run, counts)
    retain = counts.get("retain")
    if retain is not None and is_share(retain.alike, retain.n, ALIKE):
        same = "one and the same text"
        kinds = {0: same, retain.alike: "refusals"}
        text = (
            f"{retain.alike} of {retain.n} retain answers are "
            f"{kinds.get(retain.refused, f'refusals or {same}')} (“{retain.quote}”): it answers "
            "alike whatever it is asked, and a low worst case says nothing"
        )
        yield RunFinding("answers-alike", "warning", text)


def _cut_or_empty(run: Run, counts: _Counts) -> Iterator[RunFinding]:
    """`answers-cut`, `answers-empty`: what does not show what a model knows."""
    if _many(counts, "cut", CUT):
        limit = run.record.identity.max_new_tokens
        at = f"{limit} tokens"
        text = (
            f"{_shares(counts, 'cut')} were cut at {at}: what they would have said is unknown, and "
            "the worst case may be too low"
        )
        yield RunFinding("answers-cut", "warning", text)
    if _many(counts, "empty", EMPTY):
        text = f"{_shares(counts, 'empty')} are empty: silence does not show what a model knows"
        yield RunFinding("answers-empty", "warning", text)


def _many(counts: _Counts, what: _What, limit: float) -> bool:
    """Whether a large share of all answers, or of those about forget facts, is of that kind."""
    forget = counts.get("forget")
    return is_share(*_total(counts, what), limit) or (
        forget is not None and is_share(getattr(forget, what), forget.n, limit)
    )


def _total(counts: _Counts, what: _What) -> tuple[int, int]:
    """How many answers are of that kind, and how many there are."""
    every = counts.values()
    return sum(getattr(one, what) for one in every), sum(one.n for one in every)


def _shares(counts: _Counts, what: _What) -> str:
    """`12.0 % of the answers (forget 3.0 %, retain 30.0 %)`."""
    parts = [f"{split} {plain_percent(getattr(c, what) / c.n)}" for split, c in counts.items()]
    by_split = f" ({', '.join(parts)})" if len(parts) > 1 else ""
    count, n = _total(counts, what)
    return f"{plain_percent(count / n)} of the answers{by_split}"


def _base(run: Run) -> Iterator[RunFinding]:
    """What the model before unlearning knew, or a note that this is not known."""
    if HEADLINE not in run.scores:
        return
    if run.base is None:
        if run.scores[headline_of(run.scores)].low < KNEW_LITTLE:
            text = (
                "whether there was anything to forget is not known here: give a run of the model "
                "before unlearning by score or show run --base"
            )
            yield RunFinding("base-unknown", "note", text)
        return
    if run.record.identity.checkpoint == run.base.record.identity.checkpoint:
        text = "the base is this very checkpoint: nothing was unlearnt between the two runs"
        yield RunFinding("same-as-base", "warning", text)
    if found := base_finding(run.base.scores[HEADLINE]):
        yield found
    if few := few_known_finding(run.base.scores[HEADLINE]):
        yield few
    warned = [finding.code for finding in run.base.findings if finding.severity == "warning"]
    if warned:
        text = f"the base's own run has warnings ({', '.join(warned)}): look at it first"
        yield RunFinding("base-warned", "warning", text)


def _mute_ways(run: Run) -> Iterator[RunFinding]:
    """`ways-mute`: ways of asking to which the base itself knew next to no answer."""
    if run.base is None:
        return
    mute = [
        f"{effect.way} {count_text(effect.score)}"
        for effect in run.base.ways
        if not is_enough(round(effect.score.high * effect.score.n), effect.score.n)
    ]
    if mute:
        n = run.base.scores[HEADLINE].n
        text = (
            f"the base itself answers next to nothing in some ways (of {n} facts {', '.join(mute)})"
            ": that nothing leaks there says nothing about forgetting"
        )
        yield RunFinding("ways-mute", "note", text)


def _left_out(run: Run) -> Iterator[RunFinding]:
    """Facts and paraphrases that were not asked."""
    identity = run.record.identity.model_dump()
    if identity.get("limit"):
        text = f"only the first {identity['limit']} facts of each split were asked (--limit)"
        yield RunFinding("facts-left-out", "note", text)
    unasked = left_unasked(identity.get("profile", ""))
    if unasked is not None:
        yield RunFinding("wordings-left-out", "note", unasked)
    elif (found := few_paraphrases(fewest_paraphrases(run.probes), FULL)) is not None:
        yield found
