"""Options of `make-benchmark` and `make-synthetic`, for Python and the command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from unlearnbench.types.options import Help, pairs

MOST_FREQUENT = 100
"""How often an epoch may show a synthetic fact."""


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


def frequencies(typed: str) -> tuple[int, ...]:
    """Whole numbers from a list with commas. Raises `ValueError`."""
    parts = [part.strip() for part in typed.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        raise ValueError(f"{typed}: whole numbers from 1 up, with commas between them")
    return tuple(map(int, parts))


@dataclass(frozen=True, slots=True)
class SyntheticOptions:
    """How many invented facts there are, and how like each other.

    Every forget fact has one retain fact in each of four tiers, which is like it in one respect
    alone: tier `subject` in the names of its subject, `wording` in its questions, `answer` in its
    answer, `unlike` in nothing.

    Args:
        facts: Forget facts.
        subject_similarity: Share of the two names of a subject that tier `subject` has in common
            with its forget fact, a mean over facts; 1: the same subject, asked something else.
        wording_similarity: The same of tier `wording`: half of a wording is the pattern of its
            sentences, half the role that is asked for; 1: the same questions of another subject.
        answer_similarity: The same of tier `answer` and the two names of an answer; at most 0.5,
            since no two facts have the same answer.
        frequency: How often an epoch of implanting shows each forget fact; of several numbers,
            dealt out to the forget facts in turn.
        held_out: Share of each tier that no unlearning method trains on.
        seed: Seeds the names.
    """

    facts: Annotated[int, Help("Forget facts; each tier has as many retain facts.")] = 12
    subject_similarity: Annotated[
        float, Help("Names that tier subject shares with its forget fact's subject, 0 to 1.")
    ] = 1.0
    wording_similarity: Annotated[
        float,
        Help(
            "What tier wording shares of its forget fact's wording: 0.5 the pattern of its "
            "sentences, 1 the role that is asked for too."
        ),
    ] = 1.0
    answer_similarity: Annotated[
        float, Help("Names that tier answer shares with its forget fact's answer, 0 to 0.5.")
    ] = 0.5
    frequency: Annotated[
        tuple[int, ...],
        Help(
            "How often an epoch of implanting shows a forget fact; 1,4: every second one four "
            "times.",
            read=frequencies,
        ),
    ] = (1,)
    held_out: Annotated[
        float, Help("Share of each tier that no unlearning method trains on, 0 to 0.9.")
    ] = 0.5
    seed: Annotated[int, Help("Seeds the names.")] = 0
