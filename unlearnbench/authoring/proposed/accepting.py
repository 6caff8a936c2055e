"""What becomes of proposed facts when a person has decided, and which have what it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from unlearnbench.authoring.choosing import FULL
from unlearnbench.authoring.decisions import Decisions, candidate_key
from unlearnbench.authoring.general import forget_answers
from unlearnbench.authoring.proposed.subjects import Proposed
from unlearnbench.benchmark import plain
from unlearnbench.benchmark.mentions import mentions_any
from unlearnbench.paraphrasing.candidates import (
    NOT_ITS_FAULT,
    Candidate,
    CheckedCandidate,
    Paraphrased,
)
from unlearnbench.types import Fact

STRUCK, FEW = "struck", "few-paraphrases"


def accepted(proposed: Proposed, decisions: Decisions) -> Proposed:
    """The same with decisions taken up: what was accepted is kept, what was struck is left out.

    An acceptance covers the doubts that the person saw and no others.
    """
    kept, doubtful, left_out = list(proposed.kept), [], proposed.left_out.copy()
    for one in proposed.doubtful:
        (checked,) = one.doubtful
        decision = decisions.get(candidate_key(checked.candidate))
        seen = frozenset(decision.rules) if decision is not None else frozenset()
        if decision is not None and decision.choice == "strike":
            left_out[STRUCK] += 1
        elif decision is not None and all(doubt.rule in seen for doubt in checked.doubts):
            kept.append(one.fact)
        else:
            doubtful.append(one)
    return replace(proposed, kept=tuple(kept), doubtful=tuple(doubtful), left_out=left_out)


def without_faulty(found: Sequence[Paraphrased], own: Sequence[Fact]) -> list[Paraphrased]:
    """The facts without paraphrases of proposed ones that hold a forget answer, or that a person
    would have to mend: those of a fact that a model proposed are not worth that work.

    Those of the user's own facts are left as they are: a person wrote what they ask.
    """
    answers, names = forget_answers(own), {fact.id for fact in own}

    def silent(candidate: Candidate) -> bool:
        return not mentions_any(candidate.text, answers)

    def sound(checked: CheckedCandidate) -> bool:
        rules = {doubt.rule for doubt in checked.doubts}
        return rules <= NOT_ITS_FAULT and silent(checked.candidate)

    return [
        one
        if one.fact.id in names
        else replace(
            one,
            evaluation=tuple(filter(silent, one.evaluation)),
            training=tuple(filter(silent, one.training)),
            doubtful=tuple(filter(sound, one.doubtful)),
        )
        for one in found
    ]


def lacking_paraphrases(found: Sequence[Paraphrased], own: Sequence[Fact]) -> list[Paraphrased]:
    """Proposed facts with fewer paraphrases than the user's own of their split have (without any of
    those: than a split has in full), since they would take paraphrases from every other fact of it;
    and those that ask what a paraphrase of a forget fact asks.
    """
    names = {fact.id for fact in own}
    mine = [one for one in found if one.fact.id in names]
    asked = {plain(c.text) for one in mine if one.fact.split == "forget" for c in one.evaluation}

    def lacks(one: Paraphrased) -> bool:
        same = [other for other in mine if other.fact.split == one.fact.split]
        least = min([FULL[one.fact.split], *(len(other.evaluation) for other in same)])
        trains = one.fact.split == "retain" and all(other.training for other in same)
        return (
            len(one.evaluation) < least
            or (trains and not one.training)
            or plain(one.fact.question) in asked
        )

    return [one for one in found if one.fact.id not in names and lacks(one)]


def without_lean(proposed: Proposed, lean: Sequence[Paraphrased]) -> Proposed:
    """The same without kept facts that lack paraphrases; their topics have fewer than wanted."""
    names = {one.fact.id for one in lean}
    kept = tuple(fact for fact in proposed.kept if fact.id not in names)
    left_out, missing = proposed.left_out.copy(), dict(proposed.missing)
    dropped = Counter(fact.topic for fact in proposed.kept if fact.id in names)
    for topic, count in dropped.items():
        left_out[FEW] += count
        told = [missing[topic]] if topic in missing else []
        missing[topic] = "; ".join([*told, f"{count} with too few paraphrases"])
    return replace(proposed, kept=kept, left_out=left_out, missing=missing)
