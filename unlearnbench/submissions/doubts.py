"""What a reader of a row must know although nothing in it is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unlearnbench.display import listed
from unlearnbench.runs.run import Run
from unlearnbench.scoring.disguise import disguised_share
from unlearnbench.submissions.bases import Base
from unlearnbench.submissions.copies import plain_answer
from unlearnbench.submissions.schema import RunClaim, Submission, SurroundingsClaim
from unlearnbench.types import Completion, Split

SAME_AS_BASE = 0.995
"""Share of retain answers equal to the base's from which they may have been copied."""
MORE_DISGUISED = 0.02
"""Share of answers in disguise above the base's from which a model was made to write so."""
PARTS = {
    "config": "configuration",
    "tokenizer": "tokenizer",
    "template": "chat template",
    "special_tokens": "special tokens",
    "stop_tokens": "stop tokens",
    "generation": "generation settings",
}
"""What surrounds the weights, and how it is called."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubt on a row, shown beside it: a stable code, and the doubt in words.

    `bars`: the row is not ranked while the doubt stands. `by_rerun`: it ends when somebody else has
    run the checkpoint again with the files of the base model, and the results agree.
    """

    code: str
    what: str
    bars: bool
    by_rerun: bool = False


def doubts_of(claim: Submission, run: Run, base: Base) -> Iterator[Doubt]:
    """The doubts on a row, from its claim, its answers and its base."""
    yield from _surroundings(claim.run.surroundings, base.claim.run.surroundings)
    yield from _asked(claim.run, base.claim.run)
    yield from _copied(run, base.run)
    yield from _disguised(run, base.run)


def different_parts(
    row: SurroundingsClaim | None, base: SurroundingsClaim | None
) -> tuple[str, ...] | None:
    """The parts around the weights that differ from the base's; None if one does not say."""
    if row is None or base is None:
        return None
    return tuple(name for name in PARTS if getattr(row, name) != getattr(base, name))


def _surroundings(row: SurroundingsClaim | None, base: SurroundingsClaim | None) -> Iterator[Doubt]:
    different = different_parts(row, base)
    if row is None or base is None or different is None:
        whose = "the row" if row is None else "its base"
        what = f"{whose} does not record what surrounds the weights (tokenizer, template, stops)"
        yield Doubt("surroundings-unknown", what, bars=True, by_rerun=True)
        return
    if different:
        names = listed([PARTS[name] for name in different])
        what = f"not the base's: {names}"
        yield Doubt("surroundings", what, bars=True, by_rerun=True)
    if row.weights == base.weights:
        yield Doubt("same-weights", "its weights are the base's own", bars=True)


def _asked(row: RunClaim, base: RunClaim) -> Iterator[Doubt]:
    """Differences in how row and base were asked."""
    identity, of_base = row.identity, base.identity
    if identity.prompt_format != of_base.prompt_format:
        what = f"asked with {identity.prompt_format} prompts, its base with {of_base.prompt_format}"
        yield Doubt("prompt-format", what, bars=True, by_rerun=True)
    elif identity.prompts is None or of_base.prompts is None:
        what = "the token ids that were asked are not recorded"
        yield Doubt("prompts-unknown", what, bars=True, by_rerun=True)
    elif identity.prompts != of_base.prompts:
        what = "the token ids that were asked are not those its base was asked"
        yield Doubt("prompts", what, bars=True, by_rerun=True)
    if identity.dtype != of_base.dtype:
        what = f"asked in {identity.dtype}, its base in {of_base.dtype}"
        yield Doubt("dtype", what, bars=False)


def _copied(run: Run, base: Run) -> Iterator[Doubt]:
    pairs = list(zip(texts(run, "retain"), texts(base, "retain"), strict=True))
    equal = sum(plain_answer(one) == plain_answer(other) for one, other in pairs)
    share = equal / max(1, len(pairs))
    if share >= SAME_AS_BASE:
        what = f"{share:.1%} of its retain answers are its base's, letter for letter"
        yield Doubt("base-answers", what, bars=True, by_rerun=True)


def _disguised(run: Run, base: Run) -> Iterator[Doubt]:
    share, of_base = (disguised_share(texts(part)) for part in (run, base))
    if share > of_base + MORE_DISGUISED:
        what = f"{share:.1%} of its answers hide or disguise letters, of its base's {of_base:.1%}"
        yield Doubt("disguised", what, bars=True)


def texts(run: Run, split: Split | None = None) -> list[str]:
    """The responses of a run, or of one split, in the order of the plan."""
    results = [run.completions[p.key] for p in run.probes if split is None or p.split == split]
    return [result.text for result in results if isinstance(result, Completion)]


def after_reruns(doubts: Iterable[Doubt], by: Iterable[str]) -> list[Doubt]:
    """The doubts when these people have run the checkpoint again with its base's files."""
    names = listed(list(dict.fromkeys(by)))
    return [
        Doubt(d.code, f"{d.what}; run again with the base's files by {names}", bars=False)
        if names and d.by_rerun
        else d
        for d in doubts
    ]
