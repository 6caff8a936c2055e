"""What a call of `make-benchmark` is about: a table, who is asked, and what decides the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from unlearnbench.api.judges import decided_by_rules
from unlearnbench.api.own_rows import OwnRows, read_own_rows
from unlearnbench.api.proposals import FactProposers, make_fact_proposers
from unlearnbench.api.proposers import FILE, Proposers, make_proposers, sample_table
from unlearnbench.authoring.answers import AnswerRules
from unlearnbench.authoring.facts import COLUMNS, FactTable, id_of, read_facts
from unlearnbench.authoring.forms_table import FORM_COLUMNS
from unlearnbench.authoring.general import ENOUGH
from unlearnbench.authoring.indirect_table import INDIRECT_COLUMNS
from unlearnbench.authoring.records import MakingRecord
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Generator
from unlearnbench.judging.catalogue import named_judge
from unlearnbench.judging.rules.itself import not_found
from unlearnbench.paraphrasing.candidates import Paraphraser, SecondReader
from unlearnbench.paraphrasing.table import PARAPHRASE_COLUMNS
from unlearnbench.types import Fact
from unlearnbench.types.authoring import MakeOptions


@dataclass(frozen=True, slots=True)
class MakingJob:
    """A table that was read, those beside it, who paraphrases it, and what decides the result."""

    table: FactTable
    source: str
    proposers: Proposers
    more: FactProposers
    own: OwnRows
    rules: AnswerRules
    request: MakingRecord

    @property
    def facts(self) -> list[Fact]:
        """The table's own facts."""
        return [fact for fact, _ in self.table.facts]

    def keep_in(self, path: Path) -> None:
        """Keep what is paid for in a file, and look there before a call."""
        self.proposers.keep_in(path)
        self.more.keep_in(path)


def making_job(
    facts: str | Path,
    target: Path,
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None,
    base: str | Generator | None,
    max_cost: float | None,
    options: MakeOptions,
) -> MakingJob:
    """Read a table and find who is asked; raises as `make_benchmark`."""
    source, rules = sample_table(str(facts), "facts.csv"), _rules(options.judge)
    columns = _columns_of_facts(paraphraser, options)
    table = read_facts(source, columns, options.sheet, rules)
    own = [fact for fact, _ in table.facts]
    proposers = make_proposers(paraphraser, second_reader, max_cost, own, options.column)
    beside = read_own_rows(own, options, rules)
    more = make_fact_proposers(paraphraser, second_reader, proposers, base, options)
    request = _request(target, table, proposers, more, options)
    request = request.model_copy(update={"forms": beside.identity})
    return MakingJob(table, source, proposers, more, beside, rules, request)


def _columns_of_facts(paraphraser: str | Paraphraser, options: MakeOptions) -> Mapping[str, str]:
    """The names of columns, without those that only another table of this call has."""
    others: set[str] = set()
    if isinstance(paraphraser, str) and paraphraser.startswith(f"{FILE}:"):
        others |= set(PARAPHRASE_COLUMNS)
    if options.indirect is not None:
        others |= set(INDIRECT_COLUMNS)
    if options.forms is not None:
        others |= set(FORM_COLUMNS)
    others -= set(COLUMNS)
    return {ours: theirs for ours, theirs in options.column.items() if ours not in others}


def _rules(judge: str) -> AnswerRules:
    """What the judge called `judge` can hold. Raises `JudgeError` if there is none."""
    if not decided_by_rules(named_judge(judge)):
        return AnswerRules(judge, None)
    return AnswerRules(judge, lambda fact: not_found(fact.question, fact.answer, fact.aliases))


def _request(
    target: Path,
    table: FactTable,
    proposers: Proposers,
    more: FactProposers,
    options: MakeOptions,
) -> MakingRecord:
    """Everything that decides what is made. Raises `BenchmarkError` for an id that is none."""
    general = options.general_retain
    if general is None:
        general = ENOUGH if len(table.split("retain")) < ENOUGH else 0
    name = options.id or target.absolute().name
    return MakingRecord(
        id=_id(name, options.id is not None),
        title=options.title or f"Made of {Path(table.name).name}",
        table=table.name,
        facts=sha256_json([asdict(fact) for fact, _ in table.facts]),
        judge=options.judge,
        general_retain=general,
        private=not options.public,
        neighbours=options.neighbours,
        never=options.never,
        for_attacks=options.for_attacks,
        proposals=more.identity,
        forms="",
        base="" if more.base is None else more.base.name,
        base_fingerprint="" if more.base is None else more.base.fingerprint,
        **proposers.identities,
    )


def _id(name: str, given: bool) -> str:
    slug = id_of(name)
    if not slug or (given and slug != name):
        what = "an id has small letters, digits and hyphens"
        raise BenchmarkError("invalid-id", f"--id {name}", f"{what}{f': {slug}' if slug else ''}")
    return slug
