"""Checks of candidates: what speaks against taking a proposed paraphrase into a benchmark.

    checked = check_candidates(fact, candidates, kept=texts, others=facts)
    passed = [one.candidate for one in checked if one.passes]

Every rule of `rules/` looks at every candidate. The rules are those of `show benchmark --check`,
asked of one text before it enters, and some that only a paraphraser's output needs. Those that
read words or use the embedding model know English: of a question in another language each
candidate keeps the doubt `unchecked-language`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.benchmark.quality.clues import Clues
from unlearnbench.benchmark.quality.meaning import Embedded, embed_words
from unlearnbench.paraphrasing.candidates import Candidate, CandidateDoubt, CheckedCandidate
from unlearnbench.paraphrasing.rules.answers import check_answer
from unlearnbench.paraphrasing.rules.asked import check_asked
from unlearnbench.paraphrasing.rules.languages import check_language, is_english
from unlearnbench.paraphrasing.rules.likeness import check_likeness
from unlearnbench.paraphrasing.rules.repeats import Present, Questions
from unlearnbench.paraphrasing.rules.shapes import check_shape
from unlearnbench.paraphrasing.rules.templates import check_template
from unlearnbench.types import Fact


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fact, the candidates for it, and the texts that it has already."""

    fact: Fact
    candidates: Sequence[Candidate]
    kept: Sequence[str] = ()


def check_candidates(
    fact: Fact,
    candidates: Sequence[Candidate],
    kept: Sequence[str] = (),
    others: Sequence[Fact] = (),
) -> list[CheckedCandidate]:
    """Check the candidates of one fact; the result is in their order.

    `kept`: texts that the fact has, beside its own paraphrases. `others`: the other facts of the
    list, by whose texts names are told and shared questions found.

    Raises `BenchmarkError` if the embedding model is not installed.
    """
    return check_proposals([Proposal(fact, candidates, kept)], others)[0]


def check_proposals(
    proposals: Sequence[Proposal],
    others: Sequence[Fact] = (),
    synonyms: Sequence[frozenset[str]] = (),
) -> list[list[CheckedCandidate]]:
    """Check the candidates of many facts, each text embedded once; in the order given.

    `synonyms`: groups of names of one thing, as `read_synonyms` reads them.

    Raises `BenchmarkError` if the embedding model is not installed.
    """
    checks = _Checks(proposals, others, synonyms)
    return [list(checks.of(proposal)) for proposal in proposals]


class _Checks:
    """What the rules need to know of all proposals."""

    def __init__(
        self,
        proposals: Sequence[Proposal],
        others: Sequence[Fact],
        synonyms: Sequence[frozenset[str]],
    ) -> None:
        facts = list({f.id: f for f in (*others, *(p.fact for p in proposals))}.values())
        texts = [c.text for p in proposals for c in p.candidates]
        kept = [text for p in proposals for text in p.kept]
        self._clues = Clues(facts, synonyms, (*texts, *kept))
        self._questions = Questions((f.id, text) for f in facts for text in _texts(f))
        self._embedded = _embedded(proposals)

    def of(self, proposal: Proposal) -> Iterator[CheckedCandidate]:
        """The candidates of one fact with their doubts."""
        fact = proposal.fact
        present = Present(fact.question, (*_texts(fact)[1:], *proposal.kept))
        for candidate in proposal.candidates:
            doubts = tuple(self._doubts(fact, candidate, present))
            present.add(candidate.text, candidate.purpose, counts=not doubts)
            yield CheckedCandidate(candidate, doubts)

    def _doubts(
        self, fact: Fact, candidate: Candidate, present: Present
    ) -> Iterator[CandidateDoubt]:
        text = candidate.text
        english = is_english(fact.question)
        found = [
            check_answer(fact, text),
            present.repeated(text, candidate.purpose),
            self._questions.asked_by(fact.id, text),
            present.same_opening(text),
            check_template(fact.question, text),
            *check_shape(fact.question, text, english=english),
            *check_language(fact.question, text),
        ]
        if english:
            found += [*check_asked(fact.question, text), self._meaning(fact, text)]
        yield from (doubt for doubt in found if doubt is not None)
        yield from self._added(fact, text, english=english)

    def _added(self, fact: Fact, text: str, *, english: bool) -> Iterator[CandidateDoubt]:
        """Names and numbers that the question has not; of another language, numbers alone."""
        added = dict.fromkeys(self._clues.added(fact, text))
        clues = [word for word in added if english or any(c.isdigit() for c in word)]
        if clues:
            yield CandidateDoubt("added-clue", f"adds {', '.join(clues)}")

    def _meaning(self, fact: Fact, text: str) -> CandidateDoubt | None:
        question, own, answer = (self._embedded[t] for t in (fact.question, text, fact.answer))
        return check_likeness((fact.question, text), question, own, answer)


def _embedded(proposals: Sequence[Proposal]) -> Mapping[str, Embedded]:
    """Every text that a rule compares, embedded once."""
    texts = dict.fromkeys(
        text
        for proposal in proposals
        if is_english(proposal.fact.question)
        for text in (
            proposal.fact.question,
            proposal.fact.answer,
            *(candidate.text for candidate in proposal.candidates),
        )
    )
    return dict(zip(texts, embed_words(list(texts)), strict=True))


def _texts(fact: Fact) -> list[str]:
    return [fact.question, *(p.text for p in fact.paraphrases), *fact.train_paraphrases]
