"""Other forms of forget facts that a user has written, in a table of any format.

Columns: `cloze`, `distractors`, `reverse_question`, `reverse_answer`, `reverse_responses`, and
`question` or `id` to say of which fact; optionally `reverse_aliases`. Several texts of a cell are
separated by `|`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.authoring.proposed.other_forms import form_faults, form_row
from unlearnbench.benchmark.quality.breaches import JudgeRules
from unlearnbench.benchmark.schema import FormRow
from unlearnbench.benchmark.tables.cells import list_cell, text_cell
from unlearnbench.benchmark.tables.table import Faults, UserRow
from unlearnbench.paraphrasing.llm.rows import FormProposal
from unlearnbench.paraphrasing.table import FactOwners, table_about
from unlearnbench.types import Fact

_NEEDED = ("cloze", "distractors", "reverse_question", "reverse_answer", "reverse_responses")
FORM_COLUMNS = (*_NEEDED, "question", "id", "reverse_aliases")


@dataclass(frozen=True, slots=True)
class FormsTable:
    """The rows of a table, none of which breaks a rule; `notes`: what was noted on the way."""

    name: str = ""
    rows: tuple[FormRow, ...] = ()
    notes: tuple[str, ...] = ()


def read_forms_table(
    source: str, facts: Sequence[Fact], columns: Mapping[str, str], judge: JudgeRules
) -> FormsTable:
    """Read a table with at most one row for each forget fact.

    Args:
        source: A file, or `hub:OWNER/NAME`.
        facts: The user's facts.
        columns: The names of columns in the facts' table, by ours.
        judge: Judge `rules`, which has to find a reverse answer in each response.

    Raises:
        TableError: With every fault of the table, each with its `file:row`.
    """
    table = table_about(source, FORM_COLUMNS, _NEEDED, columns)
    faults = Faults(table.name)
    owners, by_id = FactOwners(facts), {fact.id: fact for fact in facts}
    places: dict[str, str] = {}
    rows = []
    for row in table.rows:
        fact = by_id.get(owners.owner(row, faults))
        before = len(faults.found)
        form = _form(row, faults)
        if fact is None:
            continue
        if fact.split != "forget":
            faults.add(row.where, f"{fact.id} is a {fact.split} fact; only forget facts have forms")
        if fact.id in places:
            faults.add(row.where, f"{fact.id} has a form at {places[fact.id]} already")
        places.setdefault(fact.id, row.where)
        for doubt in form_faults(fact, form, facts, judge) if len(faults.found) == before else ():
            faults.add(row.where, f"{doubt.rule}: {fact.id}: {doubt.what}")
        if len(faults.found) == before:
            rows.append(form_row(fact, form))
    faults.check()
    return FormsTable(table.name, tuple(rows), table.notes)


def _form(row: UserRow, faults: Faults) -> FormProposal:
    for name in ("distractors", "reverse_responses"):
        if not row.cells.get(name):
            faults.add(row.where, f"{name} is empty")
    return FormProposal(
        cloze=text_cell(row, "cloze", faults, needed=True),
        distractors=list_cell(row, "distractors", faults),
        reverse_question=text_cell(row, "reverse_question", faults, needed=True),
        reverse_answer=text_cell(row, "reverse_answer", faults, needed=True),
        reverse_aliases=list_cell(row, "reverse_aliases", faults),
        reverse_responses=list_cell(row, "reverse_responses", faults),
    )
