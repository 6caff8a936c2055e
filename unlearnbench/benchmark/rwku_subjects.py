"""Subjects of RWKU by name, however a user spells it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from itertools import product

from unlearnbench.benchmark.slugs import romanised, slug_of, spelling_key
from unlearnbench.errors import BenchmarkError

_FOLDER_NUMBER = re.compile(r"\d+[_-](?=\D)")
_SHOWN = 3


def chosen_subjects(named: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The subjects that are named, each once; all if none is.

    Case, accents and punctuation do not matter, nor does a number before the name as the authors'
    folders have it: `stephen king`, `1_Stephen_King`, `prince-harry-duke-of-sussex`. A name in
    another script is also found as it sounds, if no other sounds alike. Raises `BenchmarkError`
    with the nearest names for one that does not exist, or that could be several.
    """
    return tuple(dict.fromkeys(_chosen(name, known) for name in named)) if named else tuple(known)


def _chosen(name: str, known: Sequence[str]) -> str:
    spellings = (name, _FOLDER_NUMBER.sub("", name, count=1))
    for way, typed in product(_ways(), spellings):
        wanted = name if way is slug_of else way(typed)
        alike = [subject for subject in known if way(subject) == wanted != ""]
        if len(alike) == 1:
            return alike[0]
        if alike:
            names = ", ".join(map(repr, alike[:_SHOWN]))
            raise BenchmarkError("unknown-subject", repr(name), f"could be {names}: give the name")
    sounds = {romanised(subject) or subject: subject for subject in known}
    close = difflib.get_close_matches(romanised(name), sounds, n=_SHOWN, cutoff=0.5)
    names = ", ".join(map(repr, [sounds[s] for s in close] or sorted(known)[:_SHOWN]))
    hint = f"did you mean {names}?" if close else f"there are for instance {names}."
    what = f"{hint} The tables have {len(known)} subjects"
    raise BenchmarkError("unknown-subject", repr(name), what)


def _ways() -> tuple[Callable[[str], str], ...]:
    """How names are compared, one after the other."""
    return (spelling_key, slug_of, _sound)


def _sound(name: str) -> str:
    return romanised(name).replace("-", "")
