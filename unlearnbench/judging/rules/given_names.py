"""Given names: initials, nicknames, and middle names in order."""

from __future__ import annotations

from unlearnbench.judging.rules.tables import (
    NICKNAMES,
)
from unlearnbench.judging.rules.tokens import Token
from unlearnbench.judging.rules.typos import is_typo


def name_parts(token: Token) -> list[str]:
    """Initials written together (`A.G.`) are one name each."""
    return list(token.text) if token.raw.count(".") > 1 and len(token.text) <= 3 else [token.text]


def same_given(gold: str, name: str) -> bool:
    """Whether a name is a given name of the gold answer: as it is, by initial or nickname."""
    if is_typo(gold, name) or NICKNAMES.get(name) == gold or NICKNAMES.get(gold) == name:
        return True
    initials = len(name) <= 3 and name[0] == gold[0] and (len(name) == 1 or len(gold) <= 3)
    return initials or (len(gold) <= 3 and gold[0] == name[0])


def middles_in_order(some: list[str], all_of: list[str]) -> bool:
    """Whether middle names are, in order, among others (`H. W.` is in `Herbert Walker`; `W.` comes
    second there, so `George W.` is another man than `George H. W.`).
    """
    return len(some) <= len(all_of) and all(
        same_given(a, b) for a, b in zip(some, all_of, strict=False)
    )
