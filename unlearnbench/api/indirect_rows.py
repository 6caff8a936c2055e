"""Find indirect questions for a benchmark: the user's own, and for other facts a model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.api.attack_rows import AttackRows
from unlearnbench.api.benchmarks import JUDGE_RULES
from unlearnbench.api.making_job import MakingJob
from unlearnbench.authoring.decisions import Decisions
from unlearnbench.authoring.indirect_table import checked_rows
from unlearnbench.authoring.proposed.found_indirect import FoundIndirect
from unlearnbench.authoring.proposed.indirect_rules import IndirectRules, sharing_frames
from unlearnbench.authoring.relearn_sets import relearn_sets
from unlearnbench.paraphrasing.candidates import Paraphrased
from unlearnbench.paraphrasing.finding import OnRound
from unlearnbench.types import Fact

OWN, PROPOSED = "own-indirect", "indirect"
IndirectByOrigin = Mapping[str, FoundIndirect]
"""The user's own indirect questions, and those that a model proposed."""


def find_indirect(
    job: MakingJob, found: Sequence[Paraphrased], on_round: OnRound
) -> IndirectByOrigin:
    """Every indirect question, what is in doubt kept apart; makes calls for `--for-attacks`."""
    own, rows = job.own, job.more.rows
    if own.indirect is None and rows is None:
        return {}
    rules = IndirectRules.of(found, job.rules, JUDGE_RULES)
    by_origin: dict[str, FoundIndirect] = {}
    origins: dict[str, str] = {}
    if own.indirect is not None:
        by_origin[OWN] = checked_rows(own.indirect, job.facts, rules)
        origins[OWN] = own.indirect.name
    if rows is not None:
        asked = own.without_indirect([fact for fact in job.facts if fact.split == "forget"])
        by_origin[PROPOSED] = rows.propose_indirect(asked, rules, on_round)
        origins[PROPOSED] = rows.indirect.name
    facts = {fact.id: fact for fact in job.facts}
    kept = [(facts[row.fact], row) for some in by_origin.values() for row in some.kept]
    frames = sharing_frames(kept)
    return {
        name: some.waiting_for(frames, facts, origins[name]) for name, some in by_origin.items()
    }


def settled_indirect(
    found: IndirectByOrigin, decisions: Decisions, facts: Sequence[Fact], rows: AttackRows
) -> IndirectByOrigin:
    """The same with decisions taken up, and without what a benchmark of `facts` asks elsewhere; no
    facts as long as there is no benchmark.
    """
    decided = {name: some.decided(decisions) for name, some in found.items()}
    if not facts:
        return decided
    sets = [part.asks for part in (*relearn_sets(facts), *rows.sets)]
    return {name: some.fitting(facts, sets) for name, some in decided.items()}
