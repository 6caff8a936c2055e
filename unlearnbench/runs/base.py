"""Compare a run with one of the model before unlearning: was there anything to forget?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from unlearnbench.errors import RunError
from unlearnbench.scoring.known import among_known
from unlearnbench.scoring.scores import HEADLINE, leaked_as_standard, leaked_at_all
from unlearnbench.types import Score

if TYPE_CHECKING:
    from unlearnbench.runs.run import Run

_FIELDS = {
    "benchmark_fingerprint": "benchmark",
    "profile_fingerprint": "profile",
    "limit": "limit",
    "seed": "seed",
    "judge_identity": "judge",
}
"""Fields of a run's identity that must be equal, and those that name them to people."""
_CHANGES = {"system_prompt": "system prompt", "gen": "decoding (--gen)"}
"""Fields that stand only in a run which left the protocol."""


def check_base(base: Run, identity: Mapping[str, object]) -> None:
    """Refuse a base that was not asked and judged as the run with this identity.

    Only the prompt format may differ: a base without a chat template is asked in its own.
    Raises `RunError` naming every difference.
    """
    stored = base.record.identity.model_dump()
    if "benchmark" not in stored:
        raise RunError(f"--base {base.path}: not a run of score; give the folder score wrote")
    mismatches = list(_described(stored, identity))
    if mismatches:
        remedy = "score the base the same way"
        if len(mismatches) == 1 and stored.get("judge_identity") != identity.get("judge_identity"):
            remedy = f"unlearnbench judge {base.path} --judge {identity.get('judge')}"
        raise RunError(f"--base {base.path} cannot be compared: {'; '.join(mismatches)}; {remedy}")
    if HEADLINE not in base.scores:
        raise RunError(f"--base {base.path}: no forget fact was asked in it")


def differences_from_base(base: Run, run: Run) -> Iterator[str]:
    """The differences between a base's probes and judge and a run's, in words."""
    return _described(base.record.identity.model_dump(), run.record.identity.model_dump())


def _described(stored: Mapping[str, object], identity: Mapping[str, object]) -> Iterator[str]:
    different = [f for f in _FIELDS if identity.get(f) != stored.get(f)]
    for name in (_FIELDS[field] for field in different):
        theirs, mine = stored.get(name), identity.get(name)
        yield f"its {name} is {theirs}" + (
            " in another version" if theirs == mine else f", not {mine}"
        )
    changed = list(_changed(stored, identity))
    yield from changed
    one_format = stored.get("prompt_format") == identity.get("prompt_format")
    if not different and stored.get("indirect") != identity.get("indirect"):
        yield "its indirect questions are of another version"
        return
    same = not different and not changed and one_format
    if same and stored.get("plan") != identity.get("plan"):
        yield "its prompts are others"


def _changed(stored: Mapping[str, object], identity: Mapping[str, object]) -> Iterator[str]:
    """What the user of one of the runs changed about prompts or decoding."""
    for field, name in _CHANGES.items():
        theirs, mine = (one.get(field, "the protocol's") for one in (stored, identity))
        if theirs != mine:
            yield f"its {name} is {theirs}, not {mine}"
    theirs, mine = stored.get("prompt_format"), identity.get("prompt_format")
    if theirs != mine and False in (stored.get("chat_template"), identity.get("chat_template")):
        yield f"its prompt format is {theirs}, not {mine}"


def share_among_known(run: Run, base: Run) -> Score:
    """The headline among the forget facts that the base knew in its own worst case.

    What a base knows is what it answers to questions as `standard` asks them, under profile
    `strict` too: a fact that only some hard way drew out of it would count as forgotten where it is
    not drawn out again.
    """
    return among_known(leaked_as_standard(base.outcomes), leaked_at_all(run.outcomes))
