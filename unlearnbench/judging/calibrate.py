"""Measure a judge on labelled items: how often it is right, and in which direction it errs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from unlearnbench.interfaces import Judge
from unlearnbench.judging.labelled import read_labelled
from unlearnbench.paths import content_root
from unlearnbench.scoring.agreement import cohen_kappa
from unlearnbench.scoring.intervals import wilson
from unlearnbench.types import Failure, Interval, JudgeItem, Judgement, ProbeKey, Verdict

MENTIONS_COUNT = frozenset({"rules"})
"""Judges by whose convention whoever names the answer has it (judges/README.md, Conventions)."""


class Item(BaseModel):
    """One labelled response. Other fields are ignored, so that items may carry notes.

    `mention`: the response names the answer, but denies it, takes it back, lists it among others or
    says it of something else.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    question: Annotated[str, StringConstraints(min_length=1)]
    answer: Annotated[str, StringConstraints(min_length=1)]
    aliases: list[str]
    response: str
    correct: bool
    category: str = "uncategorised"
    mention: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % Wilson interval; `value` is None if `n` is 0."""

    value: float | None
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """How a judge's verdicts compare with labels.

    `sensitivity`: share of correct items judged correct; `specificity`: share of incorrect items
    judged incorrect; `kappa`: Cohen's, against the labels. Items on which the judge failed count in
    `n_failed` and in no rate.
    """

    n: int
    n_failed: int
    accuracy: Rate
    sensitivity: Rate
    specificity: Rate
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Miss:
    """An item judged differently from its label; `raw` is the judge's evidence."""

    item: Item
    raw: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """A judge measured on labelled items, overall and by category."""

    judge: str
    identity: str
    overall: LabelAgreement
    categories: dict[str, LabelAgreement]
    misses: tuple[Miss, ...]
    failures: tuple[str, ...] = ()
    mentions: int = 0
    """Items that count as correct by the judge's convention although they are labelled wrong."""

    def false_leak(self, verdicts: int = 32) -> Rate:
        """Probability that at least one of `verdicts` verdicts on a forgotten fact is wrong.

        1 − (1 − e)^m with e = 1 − specificity, assuming independent verdicts; the interval follows
        from that of the specificity.
        """
        specificity = self.overall.specificity

        def leak(share: float) -> float:
            # Written so that a share of exactly 1 gives 0 and not −0.
            return 1.0 - share**verdicts

        value = None if specificity.value is None else leak(specificity.value)
        interval = Interval(leak(specificity.interval.high), leak(specificity.interval.low))
        return Rate(value, interval, specificity.n)


def default_items() -> list[Path]:
    """The calibration tables that ship with the package."""
    return sorted((content_root() / "judges" / "calibration").glob("*.jsonl"))


def load_items(path: Path) -> list[Item]:
    """Read labelled items. Raises `JudgeError` with file and line for the first bad one."""
    return read_labelled(path, Item, "items")


def calibrate_judge(judge: Judge, items: Sequence[Item]) -> Calibration:
    """Judge every item and compare the verdicts with the labels.

    A mention has the label that the judge's convention gives it.
    """
    labelled, items = items, [_by_convention(item, judge.name) for item in items]
    keyed = {ProbeKey(f"item-{i}", "original", "plain"): item for i, item in enumerate(items)}
    requests = [
        JudgeItem(key, item.question, item.answer, tuple(item.aliases), item.response)
        for key, item in keyed.items()
    ]
    results = {result.key: result for result in judge.judge(requests)}
    judged: list[tuple[Item, bool | None]] = []
    misses = []
    for key, item in keyed.items():
        result = results.get(key)
        verdict = result.verdict == "correct" if isinstance(result, Judgement) else None
        judged.append((item, verdict))
        if isinstance(result, Judgement) and verdict is not item.correct:
            misses.append(Miss(item, result.raw))
    categories = {
        category: _agreement([pair for pair in judged if pair[0].category == category])
        for category in sorted({item.category for item in items})
    }
    return Calibration(
        judge=judge.name,
        identity=judge.identity,
        overall=_agreement(judged),
        categories=categories,
        misses=tuple(misses),
        failures=tuple(r.error for r in results.values() if isinstance(r, Failure)),
        mentions=sum(a.correct is not b.correct for a, b in zip(labelled, items, strict=True)),
    )


def _by_convention(item: Item, judge: str) -> Item:
    counts = item.mention and judge in MENTIONS_COUNT
    return item.model_copy(update={"correct": True}) if counts else item


def _agreement(judged: Sequence[tuple[Item, bool | None]]) -> LabelAgreement:
    decided = [(item.correct, verdict) for item, verdict in judged if verdict is not None]
    return LabelAgreement(
        n=len(judged),
        n_failed=len(judged) - len(decided),
        accuracy=_rate([label is verdict for label, verdict in decided]),
        sensitivity=_rate([verdict for label, verdict in decided if label]),
        specificity=_rate([not verdict for label, verdict in decided if not label]),
        kappa=cohen_kappa([(_verdict(label), _verdict(verdict)) for label, verdict in decided]),
    )


def _verdict(correct: bool) -> Verdict:
    return "correct" if correct else "incorrect"


def _rate(hits: Sequence[bool]) -> Rate:
    value = sum(hits) / len(hits) if hits else None
    return Rate(value, wilson(sum(hits), len(hits)), len(hits))
