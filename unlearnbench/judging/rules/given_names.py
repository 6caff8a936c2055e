"""Given names: initials, short forms, spellings, and middle names."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

from unlearnbench.judging.rules.sounds import consonants, sound
from unlearnbench.judging.rules.tables import GIVEN_NAMES, NAME_GROUPS
from unlearnbench.judging.rules.tokens import Token

_LONG = 8
"""Letters from which no two given names are one slip apart."""


def name_parts(token: Token) -> list[str]:
    """Initials written together (`A.G.`, `JK`) are one name each."""
    short = len(token.text) <= 3
    dotted = token.raw.count(".") > 1
    run = token.raw.isupper() and len(token.text) > 1 and token.text not in GIVEN_NAMES
    return list(token.text) if short and (dotted or run) else [token.text]


def same_given(gold: str, name: str) -> bool:
    """Whether a name is a given name of the gold answer: as it is, by its initial, in short or in
    another language, or misspelt.
    """
    if 1 in (len(gold), len(name)):
        return gold[0] == name[0]
    return _same_name(gold, name)


@lru_cache(maxsize=1 << 14)
def _same_name(gold: str, name: str) -> bool:
    if gold == name or NAME_GROUPS.get(gold, frozenset()) & NAME_GROUPS.get(name, frozenset()):
        return True
    if len(gold) > 2 and name.startswith(gold) and name not in GIVEN_NAMES:
        return True  # with debris at its end
    if len(gold) < 4 or len(name) < 3:
        return False
    ours, theirs = sound(gold), sound(name)
    if ours == theirs or (sorted(gold) == sorted(name) and OSA.distance(gold, name) == 1):
        return True
    slips = OSA.distance(gold, name, score_cutoff=2)
    if ours[0] != theirs[0] or slips > 2:
        return False
    if name not in GIVEN_NAMES and len(gold) > 4:
        return slips == 1 or len(gold) > 5  # nobody else's name
    skeleton = consonants(ours)
    if slips == 1 and len(gold) >= _LONG:
        return True
    return slips == 1 and skeleton == consonants(theirs) and len(skeleton) >= 3


def middles_agree(gold: list[str], said: list[str]) -> bool:
    """Whether middle names can be one person's: a wrong or missing initial does not matter, nothing
    but another name in full does (Alexander Melville Bell is not Alexander Graham Bell).
    """
    full = [name for name in said if len(name) > 1]
    return not gold or not full or any(same_given(g, name) for g in gold for name in said)


def middles_in_order(some: list[str], all_of: list[str]) -> bool:
    """Whether middle names are, in order, among others (`H. W.` is in `Herbert Walker`; `W.` comes
    second there, so `George W.` is another man than `George H. W.`).
    """
    return len(some) <= len(all_of) and all(
        same_given(a, b) for a, b in zip(some, all_of, strict=False)
    )
