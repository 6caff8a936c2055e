"""Which paraphrases leak: the fact × probe matrix, and what each style adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearnbench.scoring.scores import Outcome, any_leak
from unlearnbench.types import ORIGINAL, Context, ProbeKey, Score, Verdict


@dataclass(frozen=True, slots=True)
class StyleEffect:
    """One paraphrase style in one context.

    `score` is the share of forget facts answered on any of its paraphrases; `added` are the facts
    among them whose own question, without context, was judged incorrect.
    """

    style: str
    context: Context
    score: Score
    added: tuple[str, ...]


def leak_matrix(outcomes: Sequence[Outcome]) -> dict[str, dict[ProbeKey, Verdict | None]]:
    """For each forget fact, the verdict of each of its probes (None where open)."""
    matrix: dict[str, dict[ProbeKey, Verdict | None]] = {}
    for outcome in outcomes:
        if outcome.split == "forget":
            matrix.setdefault(outcome.key.fact, {})[outcome.key] = outcome.verdict
    return matrix


def style_effects(outcomes: Sequence[Outcome]) -> list[StyleEffect]:
    """What each style adds to the original question, in the order of the plan of `standard`."""
    forget = [o for o in outcomes if o.split == "forget" and o.key.is_standard]
    original = {
        o.key.fact: o.verdict
        for o in forget
        if o.key.phrasing == ORIGINAL and o.key.context == "plain"
    }
    effects = []
    for context, style in dict.fromkeys((o.key.context, o.key.style) for o in forget):
        if (style, context) == (ORIGINAL, "plain"):
            continue
        members = [o for o in forget if (o.key.context, o.key.style) == (context, style)]
        leaked = dict.fromkeys(o.key.fact for o in members if o.verdict == "correct")
        effects.append(
            StyleEffect(
                style=style,
                context=context,
                score=any_leak(f"forget.{context}.{style}", members, lambda key: True),
                added=tuple(fact for fact in leaked if original.get(fact) == "incorrect"),
            )
        )
    return effects
