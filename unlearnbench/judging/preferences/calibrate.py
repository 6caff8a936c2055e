"""Measure a judge of preferences on labelled pairs: how often it is right, and how it leans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from unlearnbench.judging.labelled import read_labelled
from unlearnbench.judging.preferences.judge import PreferenceJudge
from unlearnbench.judging.preferences.prompt import AnswerPair, Preferred
from unlearnbench.paths import content_root
from unlearnbench.runs.preference_calibrations import PreferenceCalibrationRecord
from unlearnbench.runs.schema.utility import PreferenceVerdict
from unlearnbench.scoring.intervals import wilson
from unlearnbench.types import Interval

_SWAPPED: Mapping[Preferred, Preferred] = {"first": "second", "second": "first", "tie": "tie"}


class LabelledPair(BaseModel):
    """Two answers to an instruction, and which a careful reader prefers. Other fields are notes."""

    model_config = ConfigDict(frozen=True, strict=True)

    instruction: Annotated[str, StringConstraints(min_length=1)]
    first: str
    second: str
    preferred: Preferred
    category: str = "uncategorised"

    @property
    def comparison(self) -> AnswerPair:
        """The pair in the order in which it is written."""
        return AnswerPair(self.instruction, self.first, self.second)


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """`right` of `n` pairs were judged as labelled in both orders; `n_failed` have no verdict."""

    n: int
    n_failed: int
    right: int

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of right / n."""
        return wilson(self.right, self.n)


@dataclass(frozen=True, slots=True)
class PreferenceCalibration:
    """A judge measured on labelled pairs, each shown in both orders.

    `position_bias` is the share of verdicts `first` less that of `second`, -1 to 1: 0 for a judge
    that goes by the answers, since each pair is shown both ways. None without verdicts. `misses`
    are pairs with their labels and what the judge said in both orders.
    """

    judge: str
    identity: str
    overall: PairAgreement
    categories: Mapping[str, PairAgreement]
    position_bias: float | None
    misses: Sequence[tuple[LabelledPair, Preferred, Preferred]]
    failures: Sequence[str]


def default_pairs() -> Path:
    """The labelled pairs that ship with the package."""
    return content_root() / "benchmarks" / "utility" / "preferences.jsonl"


def load_pairs(path: Path) -> list[LabelledPair]:
    """Read labelled pairs. Raises `JudgeError` with file and line for the first bad one."""
    return read_labelled(path, LabelledPair, "pairs")


def calibrate_preference_judge(
    judge: PreferenceJudge, pairs: Sequence[LabelledPair]
) -> PreferenceCalibration:
    """Compare every pair in both orders, and the verdicts with the labels."""
    shown = [side for pair in pairs for side in (pair.comparison, pair.comparison.swapped)]
    verdicts = dict(judge.compare(shown))
    decided = [(pair, *_both(pair, verdicts)) for pair in pairs]
    whole = [(pair, one, two) for pair, one, two in decided if one is not None and two is not None]
    given = [verdict for _, one, two in whole for verdict in (one, two)]
    bias = (given.count("first") - given.count("second")) / len(given) if given else None
    return PreferenceCalibration(
        judge=judge.name,
        identity=judge.identity,
        overall=_agreement(decided),
        categories={
            name: _agreement([row for row in decided if row[0].category == name])
            for name in dict.fromkeys(pair.category for pair in pairs)
        },
        position_bias=bias,
        misses=[row for row in whole if not _right(*row)],
        failures=[v.fault or "" for v in verdicts.values() if v.verdict is None],
    )


def _both(
    pair: LabelledPair, verdicts: Mapping[AnswerPair, PreferenceVerdict]
) -> tuple[Preferred | None, Preferred | None]:
    return (verdicts[pair.comparison].verdict, verdicts[pair.comparison.swapped].verdict)


def _right(pair: LabelledPair, one: Preferred | None, two: Preferred | None) -> bool:
    return one == pair.preferred and two == _SWAPPED[pair.preferred]


def _agreement(
    decided: Sequence[tuple[LabelledPair, Preferred | None, Preferred | None]],
) -> PairAgreement:
    whole = [row for row in decided if None not in row[1:]]
    return PairAgreement(len(whole), len(decided) - len(whole), sum(_right(*row) for row in whole))


def calibration_of(
    calibration: PreferenceCalibration, data: str, tuned: bool
) -> PreferenceCalibrationRecord:
    """What is stored of a calibration on the table called `data`."""
    return PreferenceCalibrationRecord(
        judge=calibration.judge,
        identity=calibration.identity,
        data=data,
        date=datetime.now(UTC).date().isoformat(),
        tuned=tuned,
        n=calibration.overall.n,
        n_failed=calibration.overall.n_failed,
        right=calibration.overall.right,
        position_bias=calibration.position_bias,
    )
