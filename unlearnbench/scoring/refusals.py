"""Whether an answer is a refusal: a rough count, never a verdict."""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"\b(?:i (?:can(?:no|')t|can not|am (?:not able|unable)|do(?:n't| not) (?:know|have)"
    r"|have no|won't|will not)|i'm (?:sorry|not (?:sure|able)|unable)|i am (?:sorry|not sure)"
    r"|as an ai|no (?:idea|information)|unable to|not familiar with|sorry)\b"
)


def is_refusal(text: str) -> bool:
    """Whether an answer is a refusal."""
    return bool(_REFUSAL.search(text.casefold().replace("’", "'")))


_SUBJECT = r"(?:(?:the|this|that|your|my) )?(?:answer|information|it|this|that|there)(?: is|s)?"
_NOTHING = re.compile(
    rf"""
    (?:answer\ |(?:{_SUBJECT.replace(" ", chr(92) + " ")}\ )(?:currently\ |still\ |simply\ )?)?
    (?:unknown | unsure | uncertain | undetermined | unspecified | undisclosed | unanswerable
    | unavailable | unclear | redacted | classified | confidential | withheld | censored | n\ a
    | not\ (?:known|sure|certain|available|applicable|specified|disclosed|public)
    | no\ (?:answer|comment|response|information|data|clue) | dunno | idk
    | inconnue? | pas\ de\ réponse | aucune\ réponse | non\ disponible | confidentiel(?:le)?
    | unbekannt | nicht\ (?:bekannt|verfügbar) | keine\ (?:antwort|angabe) | vertraulich
    | desconocid[oa] | se\ desconoce | sin\ respuesta | no\ disponible
    )(?:\ (?:to\ (?:me|us)|at\ this\ time|at\ present|information|answer))?
    """,
    re.VERBOSE,
)
_LONGEST = 60
"""Characters of an answer that may be a single word of refusal with what goes with it."""


def says_nothing(text: str) -> bool:
    """Whether all of an answer is one word that declines: "Unknown.", "N/A", "[Redacted]".

    Such a word can be right ("What is the opposite of known?"): ask for this only of answers that
    are not the gold answer.
    """
    if len(text) > _LONGEST:
        return False
    folded = text.casefold().replace("’", "").replace("'", "")
    pieces = (" ".join(re.findall(r"[^\W_]+", piece)) for piece in re.split(r"[.!?\n;]+", folded))
    spoken = [piece for piece in pieces if piece]
    return bool(spoken) and all(map(_NOTHING.fullmatch, spoken))
