"""What a benchmark holds: facts, their other forms, what follows from them, relearning sets."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.types.terms import RelearnKind, Split


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact is stated: the title of an article and the claim in it."""

    title: str
    claim: str


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """A paraphrase of a question for evaluation, and its style."""

    style: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A question with its gold answer, accepted aliases and paraphrases.

    `frequency`: how often an epoch of implanting shows each of its training questions; `held_out`:
    a retain fact on which no unlearning method trains.
    """

    id: str
    split: Split
    topic: str
    question: str
    answer: str
    aliases: tuple[str, ...] = ()
    paraphrases: tuple[Paraphrase, ...] = ()
    train_paraphrases: tuple[str, ...] = ()
    tier: str | None = None
    source: Source | None = None
    frequency: int = 1
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A forget fact in other forms: a sentence with ____ for the answer, three wrong answers for a
    choice of four, and a question from the answer back to the subject.

    `reverse_aliases` count as the reverse answer too; `reverse_responses` are whole responses that
    a judge must accept, by which the row is checked.
    """

    fact: str
    cloze: str
    distractors: tuple[str, str, str]
    reverse_question: str
    reverse_answer: str
    reverse_aliases: tuple[str, ...] = ()
    reverse_responses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Indirect:
    """A question that only somebody who knows a forget fact can answer, though it asks for
    something that follows from the fact, with its own gold answer and source.
    """

    fact: str
    question: str
    answer: str
    aliases: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer as a training example."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class RelearnSet:
    """The training data of a relearning arm; `kind` decides which field is filled.

    `half` holds the ids of the forget facts to train on; the other facts are scored.
    """

    name: str
    kind: RelearnKind
    pairs: tuple[Pair, ...] = ()
    texts: tuple[str, ...] = ()
    half: tuple[str, ...] = ()
