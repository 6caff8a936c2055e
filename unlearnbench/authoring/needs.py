"""What a benchmark needs before it is written: paraphrases of what is forgotten, and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.authoring.choosing import ChosenSplit
from unlearnbench.authoring.facts import FactTable
from unlearnbench.benchmark.tables.table import Faults, table_fault
from unlearnbench.paraphrasing.candidates import STYLES, Paraphrased
from unlearnbench.protocol.plan import draw_examples
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types import Split


def without_paraphrases(found: Sequence[Paraphrased]) -> list[Paraphrased]:
    """The forget facts that no paraphrase is there for."""
    return [one for one in found if one.fact.split == "forget" and not one.evaluation]


def check_paraphrased(found: Sequence[Paraphrased], table: FactTable) -> None:
    """Raise `TableError` with every forget fact that has no paraphrase that passed."""
    places = {fact.id: where for fact, where in table.facts}
    faults = Faults(table.name)
    for one in without_paraphrases(found):
        why = f"; {one.missing}" if one.missing else ""
        if one.doubtful:
            first = one.doubtful[0]
            why = f"; {len(one.doubtful)} are in doubt, the first: {first.doubts[0].what}"
        what = f"{one.fact.id} has no paraphrase{why}; give it some, or --paraphraser none"
        faults.add(places[one.fact.id], what)
    faults.check()


def check_examples(splits: Mapping[Split, ChosenSplit], table: FactTable) -> None:
    """Raise `TableError` if a fact has too few retain facts that do not name its answer.

    In-context questions need them, and training needs something to keep.
    """
    count = get_profile("standard").icr_examples
    pool = splits["retain"].facts if "retain" in splits else ()
    for name in ("forget", "never"):
        for fact in splits[name].facts if name in splits else ():
            have = len(draw_examples(fact, STYLES[0], pool, count, 0))
            if have < count:
                what = f"{fact.id} is asked after {count} retain facts that do not name its answer "
                what += f"and {have} exist; add rows with split retain, or give --general-retain 20"
                raise table_fault(table.name, table.name, what)
