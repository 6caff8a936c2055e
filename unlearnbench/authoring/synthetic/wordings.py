"""How synthetic facts are asked: patterns of sentences, and roles that are asked for.

A wording is a pattern and a role. No two patterns share telling words, so that wordings of another
pattern and role have next to nothing in common.
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.types import Paraphrase

STYLES = ("wording", "syntax")


@dataclass(frozen=True, slots=True)
class Wording:
    """A question with its paraphrases, for training and in the order of `STYLES` for evaluation;
    `{role}` and `{subject}` stand for what they are about.
    """

    question: str
    training: tuple[str, ...]
    evaluation: tuple[str, ...]

    def filled(self, role: str, subject: str) -> Wording:
        """The same about a role and a subject."""
        told = {"role": role, "subject": subject}
        return Wording(
            self.question.format(**told),
            tuple(text.format(**told) for text in self.training),
            tuple(text.format(**told) for text in self.evaluation),
        )

    @property
    def paraphrases(self) -> tuple[Paraphrase, ...]:
        """Those of the evaluation with their styles."""
        return tuple(map(Paraphrase, STYLES, self.evaluation))


FORGOTTEN = (
    Wording(
        "Who is recorded as the {role} of {subject}?",
        (
            "Name the person recorded as {role} to {subject}.",
            "In the records, {subject} has a {role}: what is that person called?",
        ),
        (
            "Which person do the records give as the {role} of {subject}?",
            "The {role} of {subject}, as recorded: what name is given?",
        ),
    ),
    Wording(
        "Who currently serves {subject} as {role}?",
        (
            "By whom is {subject} currently served as {role}?",
            "The post of {role} with {subject} is held by whom?",
        ),
        (
            "Who holds the post of {role} with {subject} at present?",
            "As {role}, {subject} is presently served by whom?",
        ),
    ),
)
"""The patterns of forget facts, and of retain facts with a like wording."""
OTHER = (
    Wording(
        "Whom did {subject} choose for a {role}?",
        (
            "When a {role} was needed, whom did {subject} choose?",
            "A {role} was needed; {subject} chose whom?",
        ),
        (
            "Whom did {subject} select when in need of a {role}?",
            "The {role} that {subject} chose: who was it?",
        ),
    ),
    Wording(
        "To which {role} does {subject} write letters?",
        (
            "Which {role} receives the letters that {subject} writes?",
            "Letters from {subject} go to a {role}; who opens them?",
        ),
        (
            "Which {role} gets mail from {subject}?",
            "{subject} exchanges letters with a {role}: with whom?",
        ),
    ),
)
"""The patterns of the other retain facts."""
FORGOTTEN_ROLES = (
    *("tutor", "tailor", "physician", "gardener", "herald", "steward", "piper", "ferryman"),
    *("goldsmith", "falconer", "mason", "translator"),
)
OTHER_ROLES = (
    *("baker", "clockmaker", "lawyer", "cartographer", "sculptor", "miller", "brewer", "surgeon"),
    *("locksmith", "notary", "weaver", "beekeeper"),
)
