"""What no proposed fact may be: a forgotten one in other words, one that is there already, or one
that no judge can hold.

    refusals = FactRules(own, answers, accepts).refusals(proposals, there)

Whoever trains a model to keep a fact that holds a forgotten answer teaches what was to be
forgotten, so whatever cannot be told apart from a forget fact is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from unlearnbench.authoring.answers import AnswerRules, check_gold_answer, check_judged
from unlearnbench.authoring.general import forget_answers
from unlearnbench.benchmark import holds, plain
from unlearnbench.benchmark.mentions import mentions
from unlearnbench.benchmark.quality.breaches import PAIR_LIKENESS, telling_words
from unlearnbench.benchmark.quality.meaning import Embedded, embed_words
from unlearnbench.benchmark.tables.table import Faults
from unlearnbench.display import hidden_character
from unlearnbench.paraphrasing.candidates import NOT_ITS_FAULT, CandidateDoubt
from unlearnbench.paraphrasing.rules.asked import check_asked
from unlearnbench.paraphrasing.rules.languages import check_language, is_english
from unlearnbench.paraphrasing.rules.likeness import check_likeness
from unlearnbench.paraphrasing.rules.shapes import check_shape
from unlearnbench.types import Fact

HOLDS, REPEATS, UNFIT = "holds-forgotten", "repeats", "unfit"
"""Rules by which a proposed fact is left out."""
MOST_ALIASES = 8
Accepts = Callable[[str, str, tuple[str, ...], str], bool]
"""Whether judge `rules` takes a response: (question, gold answer, aliases, response)."""


@dataclass(frozen=True, slots=True)
class FactRules:
    """What proposals are compared with: the user's facts, and what the benchmark's judge holds.

    A text is embedded once.
    """

    own: Sequence[Fact]
    answers: AnswerRules
    accepts: Accepts
    _embedded: dict[str, Embedded] = field(default_factory=dict, repr=False, compare=False)

    def refusals(
        self, proposals: Sequence[Fact], there: Sequence[Fact]
    ) -> list[CandidateDoubt | None]:
        """Why each proposal is left out, or None; `there` are proposals of earlier rounds.

        Of two that ask the same the first one stays.
        """
        known = [*self.own, *there]
        self._embed([*known, *proposals])
        found: list[CandidateDoubt | None] = []
        for fact in proposals:
            doubt = next(self._doubts(fact, known), None)
            found.append(doubt)
            if doubt is None:
                known.append(fact)
        return found

    def _embed(self, facts: Sequence[Fact]) -> None:
        texts = (t for f in facts if is_english(f.question) for t in (f.question, f.answer))
        new = [text for text in dict.fromkeys(texts) if text not in self._embedded]
        self._embedded.update(zip(new, embed_words(new), strict=True))

    def _doubts(self, fact: Fact, known: Sequence[Fact]) -> Iterator[CandidateDoubt]:
        yield from _forgotten(fact, self.own, self.accepts)
        yield from (CandidateDoubt(UNFIT, what) for what in _unfit(fact, self.answers))
        yield from _foreign(fact, self.own)
        for other in known:
            if _asks_same(fact, other, self._embedded):
                yield CandidateDoubt(REPEATS, f"asks what is asked already: {other.question!r}")


def usable_aliases(aliases: Sequence[str]) -> tuple[str, ...]:
    """Aliases that say something: a function word or a letter would let any response pass."""
    said = (a for a in aliases if telling_words(a) and (len(plain(a)) > 1 or a.isdigit()))
    return tuple(dict.fromkeys(said))[:MOST_ALIASES]


def _forgotten(fact: Fact, own: Sequence[Fact], accepts: Accepts) -> Iterator[CandidateDoubt]:
    """Whether a proposal holds a forget answer, is one in part, or would pass for one."""
    texts = (fact.question, fact.answer, *fact.aliases)
    for answer in forget_answers(own):
        if any(mentions(text, answer) for text in texts) or holds(answer, fact.answer):
            yield CandidateDoubt(HOLDS, "holds an answer that is to be forgotten", final=True)
    for other in own:
        gold = (other.question, other.answer, other.aliases)
        if other.split == "forget" and other.topic == fact.topic:
            if any(accepts(*gold, text) for text in texts[1:]):
                yield CandidateDoubt(HOLDS, "its answer passes for a forgotten one", final=True)
            if accepts(*gold, fact.question):
                yield CandidateDoubt(HOLDS, "its question gives a forgotten answer", final=True)


def _unfit(fact: Fact, rules: AnswerRules) -> Iterator[str]:
    """Answers that cannot be given or judged, and texts that are no question."""
    faults = Faults("")
    check_gold_answer(fact.answer, fact.aliases, "", faults)
    check_judged([(fact, "")], rules, faults)
    yield from (what.removeprefix(": ") for what in faults.found)
    texts = (fact.question, fact.answer, *fact.aliases)
    for hidden in filter(None, map(hidden_character, texts)):
        yield f"holds {hidden}"
    if any(holds(fact.question, answer) for answer in texts[1:] if plain(answer)):
        yield "its answer stands in its question"
    english = is_english(fact.question)
    doubts = check_shape(fact.question, fact.question, english=english)
    yield from (f"{doubt.rule}: {doubt.what}" for doubt in doubts)


def _foreign(fact: Fact, own: Sequence[Fact]) -> Iterator[CandidateDoubt]:
    """Whether it is in a language that no fact of its topic is in."""
    topic = [o for o in own if o.split == "forget" and o.topic == fact.topic]
    doubts = [
        [d for d in check_language(o.question, fact.question) if d.rule not in NOT_ITS_FAULT]
        for o in topic
    ]
    if doubts and all(doubts):
        yield doubts[0][0]


def _asks_same(fact: Fact, other: Fact, embedded: Mapping[str, Embedded]) -> bool:
    """Whether two facts ask the same, as far as can be told; in English by meaning too."""
    one, two = plain(fact.question), plain(other.question)
    if one == two or fuzz.ratio(one, two) > PAIR_LIKENESS:
        return True
    texts = (other.question, fact.question)
    if not all(text in embedded for text in texts):
        return False
    vectors = embedded[other.question], embedded[fact.question], embedded[other.answer]
    return check_likeness(texts, *vectors) is None and not any(check_asked(*texts))
