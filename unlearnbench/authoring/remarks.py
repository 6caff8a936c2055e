"""What a user must know of the benchmark that was made, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unlearnbench.authoring.choosing import FULL, ChosenSplit
from unlearnbench.authoring.facts import FactTable
from unlearnbench.authoring.general import GENERAL
from unlearnbench.authoring.proposed.as_benchmark import as_benchmark
from unlearnbench.authoring.records import MakingRecord
from unlearnbench.benchmark.schema import FormRow, IndirectRow
from unlearnbench.display import counted, listed
from unlearnbench.paraphrasing.candidates import STYLES, Paraphrased
from unlearnbench.protocol.strict import HOW_TO_CARRY, strict_lacks
from unlearnbench.types import Fact, Split


def remarks_of(
    table: FactTable,
    found: Sequence[Paraphrased],
    splits: Mapping[Split, ChosenSplit],
    request: MakingRecord,
) -> list[str]:
    """Remarks on what was taken and what was not, in reading order."""
    remarks = [*_fewer(splits, found), *_untrained(splits["forget"])]
    remarks += _general(table, splits)
    if request.private:
        remarks.append("private: runs of it are submitted only with `submit --public`")
    return remarks


def carried(forget: ChosenSplit) -> str:
    """Which profile the benchmark can carry, and with how many paraphrases."""
    count = forget.evaluation
    if count == 0:
        return (
            "original wording only: nothing shows whether a forget fact is known in other words, "
            "and every score of it says so"
        )
    if count >= FULL["forget"]:
        return "it carries profile standard in full"
    every = all({p.style for p in fact.paraphrases} == set(STYLES) for fact in forget.facts)
    quick = "it carries profile quick in full, and " if every else "it carries "
    return (
        f"{quick}profile standard with {counted(count, 'paraphrase')} of each forget fact instead "
        f"of {FULL['forget']}: its scores are not comparable with full ones, and are never ranked"
    )


def carries_strict(
    facts: Sequence[Fact], forms: Sequence[FormRow], indirect: Sequence[IndirectRow]
) -> str:
    """Whether a benchmark can carry profile `strict`, and what it lacks."""
    beside = [row.to_form() for row in forms], [row.to_indirect() for row in indirect]
    if not (lacks := strict_lacks(as_benchmark(facts, *beside))):
        fewest = min(len(fact.paraphrases) for fact in facts if fact.split == "forget")
        few = "" if fewest >= FULL["forget"] else ", with as few paraphrases"
        return f"it carries profile strict{few}"
    return f"it cannot carry profile strict yet: {'; '.join(lacks)}; {HOW_TO_CARRY}"


def _fewer(splits: Mapping[Split, ChosenSplit], found: Sequence[Paraphrased]) -> Iterator[str]:
    """Why a split has no more paraphrases, where others of its facts have."""
    for name, split in splits.items():
        if not (split.fewest and split.spare):
            continue
        some, have = listed(split.fewest), "has" if len(split.fewest) == 1 else "have"
        count = counted(split.evaluation, "paraphrase")
        taken = {fact.id for fact in split.facts}
        own = [one for one in found if one.fact.id in taken]
        spare = sum(len(one.evaluation) + len(one.training) for one in own)
        spare -= len(own) * (split.evaluation + split.training)
        kept = f"; {counted(spare, 'more is', 'more are')} kept in making/candidates.jsonl"
        yield f"{name}: {count} of each fact, as {some} {have} no more{kept if spare else ''}"


def _untrained(forget: ChosenSplit) -> Iterator[str]:
    if not forget.training:
        some = listed(forget.fewest_training)
        have = "has" if len(forget.fewest_training) == 1 else "have"
        yield (
            f"no paraphrases for training, as {some} {have} none: `train` sees the questions alone"
        )


def _general(table: FactTable, splits: Mapping[Split, ChosenSplit]) -> Iterator[str]:
    own = len(table.split("retain"))
    facts = splits["retain"].facts if "retain" in splits else ()
    added = sum(fact.tier == GENERAL for fact in facts) - sum(
        fact.tier == GENERAL for fact in table.split("retain")
    )
    if added:
        have = f"the table has {counted(own, 'retain fact')}"
        yield f"{have}: {counted(added, 'general one')} that ship were added (--general-retain)"
