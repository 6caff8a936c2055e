"""What a user has written beside facts and paraphrases: indirect questions, and other forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from unlearnbench.api.benchmarks import JUDGE_RULES
from unlearnbench.api.proposers import sample_table
from unlearnbench.authoring.answers import AnswerRules
from unlearnbench.authoring.forms_table import FormsTable, read_forms_table
from unlearnbench.authoring.indirect_table import IndirectTable, read_indirect_table
from unlearnbench.authoring.made import MadeFrom
from unlearnbench.hashing import sha256_json
from unlearnbench.types import Fact
from unlearnbench.types.authoring import MakeOptions


@dataclass(frozen=True, slots=True)
class OwnRows:
    """What a user has written beside facts: indirect questions and forms, if anything."""

    indirect: IndirectTable | None = None
    forms: FormsTable = field(default_factory=FormsTable)

    @property
    def identity(self) -> str:
        """sha256 of the forms, which are part of a benchmark's fingerprint; empty without any."""
        rows = [row.model_dump(mode="json") for row in self.forms.rows]
        return sha256_json(rows) if rows else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noted about the tables."""
        return (*(self.indirect.notes if self.indirect else ()), *self.forms.notes)

    @property
    def tables(self) -> list[MadeFrom]:
        """The tables that were read."""
        read = (self.indirect, self.forms)
        return [MadeFrom(one.name, len(one.rows)) for one in read if one is not None and one.rows]

    def without_form(self, facts: Sequence[Fact]) -> list[Fact]:
        """The facts that a form can still be proposed for."""
        have = {row.fact for row in self.forms.rows}
        return [fact for fact in facts if fact.id not in have]

    def without_indirect(self, facts: Sequence[Fact]) -> list[Fact]:
        """The facts that indirect questions can still be proposed for."""
        have = {row.fact for row in self.indirect.rows} if self.indirect else set[str]()
        return [fact for fact in facts if fact.id not in have]


def read_own_rows(facts: Sequence[Fact], options: MakeOptions, rules: AnswerRules) -> OwnRows:
    """The tables that `options` name. Raises `TableError` for a table with faults."""
    indirect, forms = None, FormsTable()
    if options.indirect is not None:
        source = sample_table(options.indirect, "indirect.csv")
        indirect = read_indirect_table(source, facts, options.column, rules)
    if options.forms is not None:
        source = sample_table(options.forms, "forms.csv")
        forms = read_forms_table(source, facts, options.column, JUDGE_RULES)
    return OwnRows(indirect, forms)
