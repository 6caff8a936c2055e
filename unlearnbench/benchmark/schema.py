"""The edge where benchmark files come in: the shape of `benchmark.toml` and of a row.

Unknown keys are refused, so that a misspelt one is an error and not a silently ignored setting.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from unlearnbench.types import Fact, Form, Indirect, Paraphrase, RelearnKind, Source, Split

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S(.*\S)?$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
JudgeText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*(:\S+)?$")]
Style = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z]*$")]
MOST_OFTEN = 1000
"""How often a fact can be implanted in an epoch."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceRow(_Strict):
    """Where a fact is stated."""

    title: Text
    claim: Text

    def to_source(self) -> Source:
        """The source this declares."""
        return Source(self.title, self.claim)


class ParaphraseRow(_Strict):
    """One evaluation paraphrase."""

    style: Style
    text: Text


class FactRow(_Strict):
    """One line of a rows file."""

    id: Slug
    topic: Slug
    tier: Slug | None = None
    question: Text
    answer: Text
    aliases: list[Text] = []
    source: SourceRow | None = None
    paraphrases: list[ParaphraseRow] = []
    train_paraphrases: list[Text] = []
    frequency: int = Field(ge=1, le=MOST_OFTEN, default=1)
    held_out: bool = False

    def to_fact(self, split: Split) -> Fact:
        """The fact this row declares, as a member of `split`."""
        return Fact(
            id=self.id,
            split=split,
            topic=self.topic,
            tier=self.tier,
            question=self.question,
            answer=self.answer,
            aliases=tuple(self.aliases),
            paraphrases=tuple(Paraphrase(p.style, p.text) for p in self.paraphrases),
            train_paraphrases=tuple(self.train_paraphrases),
            source=self.source.to_source() if self.source else None,
            frequency=self.frequency,
            held_out=self.held_out,
        )


class FormRow(_Strict):
    """Other forms of one forget fact, for stress tests."""

    fact: Slug
    cloze: Text
    distractors: Annotated[list[Text], Field(min_length=3, max_length=3)]
    reverse_question: Text
    reverse_answer: Text
    reverse_aliases: list[Text] = []
    reverse_responses: list[Text] = []

    def to_form(self) -> Form:
        """The form this row declares."""
        one, two, three = self.distractors
        return Form(
            fact=self.fact,
            cloze=self.cloze,
            distractors=(one, two, three),
            reverse_question=self.reverse_question,
            reverse_answer=self.reverse_answer,
            reverse_aliases=tuple(self.reverse_aliases),
            reverse_responses=tuple(self.reverse_responses),
        )


class IndirectRow(_Strict):
    """One question for something that follows from a forget fact."""

    fact: Slug
    question: Text
    answer: Text
    aliases: list[Text] = []
    source: SourceRow

    def to_indirect(self) -> Indirect:
        """The indirect question this row declares."""
        return Indirect(
            fact=self.fact,
            question=self.question,
            answer=self.answer,
            aliases=tuple(self.aliases),
            source=self.source.to_source(),
        )


class PairRow(_Strict):
    """A question with its answer in a relearning set."""

    id: Slug
    topic: Slug
    question: Text
    answer: Text


class ProseRow(_Strict):
    """A stretch of text in a relearning set."""

    id: Slug
    topic: Slug
    text: Text


class HalfRow(_Strict):
    """A forget fact that the `half` set trains on."""

    fact: Slug


class RelearnDeclaration(_Strict):
    """One relearning set: its file, what its rows are, and how many there must be."""

    file: Text
    kind: RelearnKind
    rows: int = Field(ge=1)


class SplitDeclaration(_Strict):
    """One rows file of a benchmark and how many paraphrases each of its rows must have."""

    file: Text
    paraphrases: int = Field(ge=0)
    train_paraphrases: int = Field(ge=0, default=0)
    tiers: list[Slug] = []


class MadeDeclaration(_Strict):
    """By what its paraphrases were proposed: a paraphraser's name, and its identity."""

    paraphraser: Text
    identity: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BenchmarkDeclaration(_Strict):
    """`benchmark.toml`. `styles` are the paraphrase families in the order they are asked.

    `answers`: `sentences` if the gold answers are whole sentences, which the rules refuse to judge,
    `short` if none is; without it each answer is looked at. `topics`: for topics of forget facts, a
    sentence that says what is forgotten. `private`: its runs are not submitted unless the user says
    so. `made`: how it was made, for one that `make-benchmark` wrote.
    """

    id: Slug
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    title: Text
    licence: Text
    judge: JudgeText
    answers: Literal["short", "sentences"] | None = None
    profile: Slug
    private: bool = False
    made: MadeDeclaration | None = None
    styles: list[Style] = Field(min_length=1)
    splits: dict[Split, SplitDeclaration]
    forms: Text | None = None
    indirect: Text | None = None
    relearn: dict[Slug, RelearnDeclaration] = {}
    topics: dict[Slug, Text] = {}
