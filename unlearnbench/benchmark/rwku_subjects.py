"""Subjects of RWKU by name, however a user spells it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import lru_cache

from anyascii import anyascii

from unlearnbench.benchmark.matching import plain
from unlearnbench.errors import BenchmarkError

_FOLDER_NUMBER = re.compile(r"\d+[_-](?=\D)")
_SHOWN = 3


def chosen_subjects(named: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The subjects that are named, each once; all if none is.

    Case, accents and punctuation do not matter, nor does a number before the name as the authors'
    folders have it: `stephen king`, `1_Stephen_King`, `prince-harry-duke-of-sussex`. Raises
    `BenchmarkError` with the nearest names for one that does not exist.
    """
    if not named:
        return tuple(known)
    by_slug = {subject_slug(subject): subject for subject in known}
    chosen = []
    for name in named:
        slugs = (subject_slug(name), subject_slug(_FOLDER_NUMBER.sub("", name, count=1)))
        found = next((by_slug[slug] for slug in slugs if slug in by_slug), None)
        if found is None:
            close = difflib.get_close_matches(slugs[0], by_slug, n=_SHOWN, cutoff=0.5)
            near = [by_slug[slug] for slug in close] or sorted(known)[:_SHOWN]
            names = ", ".join(map(repr, near))
            hint = f"did you mean {names}?" if close else f"there are for instance {names}."
            what = f"{hint} The tables have {len(known)} subjects"
            raise BenchmarkError("unknown-subject", repr(name), what)
        chosen.append(found)
    return tuple(dict.fromkeys(chosen))


@lru_cache(maxsize=1024)
def subject_slug(subject: str) -> str:
    """A subject as a part of ids: `prince-harry-duke-of-sussex`."""
    return plain(anyascii(subject)).replace(" ", "-")
