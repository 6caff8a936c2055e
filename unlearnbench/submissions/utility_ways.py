"""How a submitted utility was asked: prompt format, system prompt, room for thoughts.

A base that was asked with its chat template and a row that was asked without are two things.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from unlearnbench.runs.identity import departures
from unlearnbench.submissions.layout import SENT_UTILITY, SETTINGS
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.utility_claim import UtilityClaim
from unlearnbench.utility.ways import differences_of_ways

PROMPT_FORMAT = "prompt_format"
SENT_SETTINGS = SETTINGS | {PROMPT_FORMAT}
"""The settings of an engine that are sent."""
UNKNOWN = "does not say how it was asked; measure it again"


def why_not_the_protocol(settings: Mapping[str, object]) -> str | None:
    """Why settings are not those that rows are measured by; None if they are."""
    if settings.get(PROMPT_FORMAT) not in ("chat", "raw"):
        return UNKNOWN
    changes = departures(settings)
    return f"not the protocol: {', '.join(changes)}" if changes else None


def check_ways(claim: UtilityClaim, prompt_format: str) -> Iterator[Refusal]:
    """The settings must be the protocol's, and the prompt format that of the run beside it.

    A claim of version 1 has none, which is a doubt on its row.
    """
    settings, where = claim.settings, f"{SENT_UTILITY}, settings"
    if settings is None:
        return
    if (reason := why_not_the_protocol(settings)) is not None:
        yield Refusal("utility", where, reason)
        return
    unknown = sorted(set(settings) - SENT_SETTINGS)
    if unknown:
        yield Refusal("utility", where, f"{unknown[0]!r}: no such setting of an engine")
    if settings.get("dtype", claim.dtype) != claim.dtype:
        yield Refusal("utility", where, f"dtype is {claim.dtype} and {settings['dtype']!r}"[:120])
    if settings[PROMPT_FORMAT] != prompt_format:
        what = f"asked with {settings[PROMPT_FORMAT]} prompts, its run with {prompt_format}"
        yield Refusal("utility", where, what)


def ways_apart(row: UtilityClaim, base: UtilityClaim) -> list[str]:
    """In what both are known to differ, precision apart, which is a doubt on the run itself."""
    if row.settings is None or base.settings is None:
        return []
    theirs, mine = (
        {name: value for name, value in claim.settings.items() if name != "dtype"}
        for claim in (base, row)
        if claim.settings is not None
    )
    return list(differences_of_ways(theirs, mine))
