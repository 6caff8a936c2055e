"""Options of `make-benchmark`, for Python and the command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from unlearnbench.types.options import Help, pairs


@dataclass(frozen=True, slots=True)
class MakeOptions:
    """How a table is read, and what the benchmark made of it says of itself.

    Args:
        column: The table's own names of columns, by ours: `{"question": "Frage"}`.
        sheet: The sheet of a spreadsheet that has several.
        judge: The judge of its answers. Judge `rules` holds short answers only.
        id: Its id. Default: the name of its folder.
        title: Its title. Default: the table's name.
        general_retain: How many general retain facts that ship are added. Default: 20 if the table
            has fewer retain facts than that, else none.
        neighbours: How many further facts of each topic that is to be forgotten the paraphraser
            proposes as retain facts.
        never: How many invented facts in the form of each topic's it proposes as controls.
        for_attacks: It proposes the relearning sets `syntax` and `prose` too, the forms of the
            stress tests, and the indirect questions of profile `strict`.
        indirect: A table of your own indirect questions, with columns `indirect`, `answer`, and
            `question` or `id` of the fact that it follows from.
        forms: A table of your own forms of facts, with columns `cloze`, `distractors`,
            `reverse_question`, `reverse_answer`, `reverse_responses`, and `question` or `id`.
        public: Runs of it may be submitted to a board; otherwise only by `submit --public`.
    """

    column: Annotated[
        Mapping[str, str],
        Help(
            "OURS=YOURS, such as question=Frage, for each column of another name; repeated.",
            read=pairs,
            repeated=True,
        ),
    ] = field(default_factory=dict)
    sheet: Annotated[str | None, Help("The sheet of a spreadsheet that has several.")] = None
    judge: Annotated[
        str, Help("Judge of its answers; rules holds short ones only, an LLM judge any.")
    ] = "rules"
    id: Annotated[str | None, Help("Its id. Default: the name of its folder.")] = None
    title: Annotated[str | None, Help("Its title. Default: the table's name.")] = None
    general_retain: Annotated[
        int | None,
        Help(
            "General retain facts that ship, added to your own. Default: 20 if the table has "
            "fewer retain facts.",
            least=0,
        ),
    ] = None
    neighbours: Annotated[
        int,
        Help(
            "Further facts of each topic to be forgotten that the paraphraser proposes as retain "
            "facts; with --base, kept where that model knows them.",
            least=0,
        ),
    ] = 0
    never: Annotated[
        int,
        Help("Invented facts in the form of each topic's, proposed as controls.", least=0),
    ] = 0
    for_attacks: Annotated[
        bool,
        Help(
            "Relearning sets syntax and prose, the forms of stress tests and the indirect "
            "questions of profile strict are proposed too.",
            "--for-attacks",
        ),
    ] = False
    indirect: Annotated[
        str | None, Help("A table of your own indirect questions, which profile strict asks.")
    ] = None
    forms: Annotated[
        str | None,
        Help("A table of your facts in other forms, which stress tests and profile strict ask."),
    ] = None
    public: Annotated[
        bool, Help("Its runs may be submitted without a word; default: private.", "--public")
    ] = False
