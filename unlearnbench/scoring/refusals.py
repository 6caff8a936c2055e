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
