"""Two models' utility, unit by unit: questions, instructions and paragraphs paired by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from unlearnbench.benchmark.utility_sets import UtilitySets
from unlearnbench.runs.schema.utility import Measurement, UtilityRecord
from unlearnbench.runs.utility_pair import UtilityComparison, UtilityDifference
from unlearnbench.scoring.paired import holm, paired_difference, paired_mean
from unlearnbench.utility.choice import chosen_letter
from unlearnbench.utility.degeneration import answer_kind
from unlearnbench.utility.drift import bits_per_byte
from unlearnbench.utility.repetitiveness import cut_words, ngram_entropy
from unlearnbench.utility.ways import differences_of_ways
from unlearnbench.utility.whole import is_whole

Value = TypeVar("Value", bool, float)


def compare_utility(
    first: UtilityRecord | None, second: UtilityRecord | None, sets: UtilitySets
) -> UtilityComparison:
    """Compare two records on the shipped rows.

    choice: right or not, by letters and by written-out choices; answers: degenerate or not, and
    n-gram entropy; prose: bits a byte.
    """
    refused = _refusal(first, second, sets)
    if first is None or second is None or refused is not None:
        return UtilityComparison({}, 0, refused)
    sets = sets.first(len(first.model.letters))
    one, two = _Units(first.model, sets), _Units(second.model, sets)
    tests = {
        "choice.letters": _counted(one.right(one.of.letters), two.right(two.of.letters), 1),
        "choice.texts": _counted(one.right(one.of.choices), two.right(two.of.choices), 1),
        "answers.degenerate": _counted(*_common(one.degenerate(), two.degenerate()), -1),
        "answers.ngram_entropy": _averaged(*_common(one.entropy(), two.entropy()), 1),
        "prose.bits_per_byte": _averaged(one.bits(), two.bits(), -1),
    }
    made = {name: test for name, test in tests.items() if test is not None}
    adjusted = holm({name: p for name, (_, _, p, _) in made.items()})
    differences = {
        name: UtilityDifference(difference, gain, p, adjusted[name], n)
        for name, (difference, gain, p, n) in made.items()
    }
    open_in_either = [name for name in one.of.answers if None in (one.text(name), two.text(name))]
    return UtilityComparison(differences, len(open_in_either))


def _refusal(
    first: UtilityRecord | None, second: UtilityRecord | None, sets: UtilitySets
) -> str | None:
    """Why two records cannot be compared."""
    if first is None or second is None:
        return "not measured in " + ("the first" if first is None else "the second")
    if first.data != second.data:
        return "measured on other questions"
    if first.data != sets.first(len(first.model.letters)).fingerprint:
        return "measured on other questions than this version's"
    for record in (first, second):
        if not is_whole(record.model, sets.first(len(record.model.letters))):
            return f"{record.model.checkpoint}: its utility.json lacks rows, or holds no numbers"
    ways = ", ".join(differences_of_ways(second.model.settings, first.model.settings))
    return f"measured in another way: {ways}" if ways else None


class _Units:
    """What one model did on each unit, by id; open answers are left out."""

    def __init__(self, of: Measurement, sets: UtilitySets) -> None:
        self.of, self._sets = of, sets

    def text(self, name: str) -> str | None:
        answer = self.of.answers.get(name)
        return None if answer is None else answer.text

    def right(self, table: Mapping[str, tuple[float, ...]]) -> dict[str, bool]:
        return {q.id: chosen_letter(table[q.id]) == q.answer for q in self._sets.questions}

    def degenerate(self) -> dict[str, bool]:
        languages = {row.id: row.language for row in self._sets.instructions}
        return {n: answer_kind(t, languages[n]) != "good" for n, t in self._texts().items()}

    def entropy(self) -> dict[str, float]:
        return {name: ngram_entropy(cut_words(text)) for name, text in self._texts().items()}

    def bits(self) -> dict[str, float]:
        prose = self.of.prose
        return {p.id: bits_per_byte(np.asarray(prose[p.id]), p.text) for p in self._sets.prose}

    def _texts(self) -> dict[str, str]:
        texts = {name: self.text(name) for name in self.of.answers}
        return {name: text for name, text in texts.items() if text is not None}


_Test = tuple[float, float, float, int]


def _counted(first: Mapping[str, bool], second: Mapping[str, bool], sign: int) -> _Test | None:
    """McNemar's test of a share."""
    if not first:
        return None
    test = paired_difference(first, second)
    difference = (len(test.second_only) - len(test.first_only)) / len(first)
    return difference, sign * difference, test.p, len(first)


def _averaged(first: Mapping[str, float], second: Mapping[str, float], sign: int) -> _Test | None:
    """Fisher's randomisation test of a mean."""
    if not first:
        return None
    test = paired_mean(second, first)
    return test.difference, sign * test.difference, test.p, test.n


def _common(
    first: Mapping[str, Value], second: Mapping[str, Value]
) -> tuple[dict[str, Value], dict[str, Value]]:
    names = [name for name in first if name in second]
    return {name: first[name] for name in names}, {name: second[name] for name in names}
