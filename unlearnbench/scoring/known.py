"""What a model knows of the facts to be forgotten, and what is left of that after unlearning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from unlearnbench.scoring.scores import FORGET_VIEWS, Outcome, leaked_on_any, of_facts
from unlearnbench.types import ProbeKey, Score, Verdict

Knowing = Literal["known", "unknown", "open"]
"""`open`: what has no verdict yet could still show that the fact is known."""
AMONG_KNOWN = "forget.among_known"
"""The worst case among the facts that the base knew, where scores stand by name."""
_KNOWING: dict[bool | None, Knowing] = {True: "known", False: "unknown", None: "open"}


@dataclass(frozen=True, slots=True)
class FactKnowledge:
    """Whether a model answers one forget fact.

    Args:
        fact: Id of the fact.
        state: `known` if it was answered in at least one of the ways in which it was asked, by
            which the worst case counts; `unknown` if every answer was judged incorrect; else
            `open`.
        original: The same of the original question alone.
        verdicts: The verdict on each of its probes in plan order; None is open.
    """

    fact: str
    state: Knowing
    original: Knowing
    verdicts: Mapping[ProbeKey, Verdict | None]

    def count(self, context: str) -> tuple[int, int, int]:
        """Probes in a context: answered, open, all."""
        found = [verdict for key, verdict in self.verdicts.items() if key.context == context]
        return found.count("correct"), found.count(None), len(found)

    @property
    def answered(self) -> list[ProbeKey]:
        """The probes on which it was answered."""
        return [key for key, verdict in self.verdicts.items() if verdict == "correct"]


def facts_known(outcomes: Iterable[Outcome]) -> list[FactKnowledge]:
    """What a run's questions of profile `standard` say of each forget fact, in plan order."""
    forget = [o for o in outcomes if o.split == "forget" and o.key.is_standard]
    original = leaked_on_any(o for o in forget if FORGET_VIEWS["forget.original"](o.key))
    anyhow = leaked_on_any(forget)
    verdicts: dict[str, dict[ProbeKey, Verdict | None]] = {}
    for outcome in forget:
        verdicts.setdefault(outcome.key.fact, {})[outcome.key] = outcome.verdict
    return [
        FactKnowledge(fact, _KNOWING[state], _KNOWING[original.get(fact)], verdicts[fact])
        for fact, state in anyhow.items()
    ]


def among_known(before: Mapping[str, bool | None], after: Mapping[str, bool | None]) -> Score:
    """The share of facts that leak among those that the base knew.

    Args:
        before: Fact -> whether the base answers it; None, or missing, is open.
        after: Fact -> whether it leaks after unlearning; None is open.

    Returns:
        The share of the facts that the base knew, or may have known. A fact that is open in either
        counts as open: as not leaked in `low`, as known and leaked in `high`. Both bounds hold
        whatever the open verdicts come to, and the interval reaches around both.
    """
    return of_facts(
        AMONG_KNOWN,
        {
            fact: None if before.get(fact) is None else state
            for fact, state in after.items()
            if before.get(fact) is not False
        },
    )
