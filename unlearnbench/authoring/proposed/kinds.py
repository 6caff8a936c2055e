"""When a neighbour is kept, and when a never-known control is."""

from __future__ import annotations

from collections.abc import Iterator

from unlearnbench.authoring.proposed.base_model import BaseAnswer
from unlearnbench.authoring.proposed.rules import Accepts
from unlearnbench.authoring.proposed.settling import GivenAnswers, Kind, Settled
from unlearnbench.authoring.proposed.subjects import DISAGREES
from unlearnbench.benchmark import plain
from unlearnbench.display import visible_line
from unlearnbench.paraphrasing.candidates import (
    UNCHECKED_LANGUAGE,
    UNREAD,
    CandidateDoubt,
)
from unlearnbench.paraphrasing.llm.tasks import BareAnswer
from unlearnbench.paraphrasing.rules.languages import is_english
from unlearnbench.scoring.refusals import is_refusal, says_nothing
from unlearnbench.types import Fact

NEIGHBOUR = "neighbour"
"""The tier of retain facts about a subject that is to be forgotten, which a model proposed."""
NOT_KNOWN, ANSWERED, REAL = "base-does-not-know", "answered", "exists"
NO_BASE, BASE_OPEN = "no-base", "base-open"


def neighbours(accepts: Accepts) -> Kind:
    """Facts about the same subject, kept where base model and second reader give the answer."""

    def settle(fact: Fact, given: GivenAnswers) -> Settled:
        if given.base is not None and given.base.gives is False:
            what = f"the base model answers {quoted_start(given.base.response)}"
            return CandidateDoubt(NOT_KNOWN, what)
        return (*_language(fact), *_base(given.base), *_disagrees(fact, given.second, accepts))

    return Kind("neighbour", "retain", NEIGHBOUR, settle)


def controls(accepts: Accepts) -> Kind:
    """Invented facts, kept where nobody gives the answer and nobody agrees on another."""

    def settle(fact: Fact, given: GivenAnswers) -> Settled:
        base, second = given.base, given.second
        if base is not None and base.gives:
            return CandidateDoubt(ANSWERED, "the base model gives its answer")
        if _gives(fact, second, accepts):
            return CandidateDoubt(ANSWERED, "the second reader gives its answer")
        if base is not None and base.gives is False and _agree(fact, base, second, accepts):
            return CandidateDoubt(REAL, f"two models answer {quoted_start(base.response)}")
        return (*_language(fact), *_nobody_knows(base, second))

    return Kind("never", "never", None, settle)


def _language(fact: Fact) -> Iterator[CandidateDoubt]:
    if not is_english(fact.question):
        yield CandidateDoubt(UNCHECKED_LANGUAGE, "whether it asks what another fact asks")


def _base(base: BaseAnswer | None) -> Iterator[CandidateDoubt]:
    if base is None:
        yield CandidateDoubt(NO_BASE, "whether the model before unlearning knows it")
    elif base.gives is None:
        yield CandidateDoubt(BASE_OPEN, visible_line(base.response))


def _disagrees(
    fact: Fact, second: BareAnswer | str | None, accepts: Accepts
) -> Iterator[CandidateDoubt]:
    if not isinstance(second, BareAnswer):
        yield CandidateDoubt(UNREAD, second or "nobody else was asked the question")
    elif not _gives(fact, second, accepts):
        yield CandidateDoubt(DISAGREES, f"the second reader answers {quoted_start(second.text)}")


def _nobody_knows(
    base: BaseAnswer | None, second: BareAnswer | str | None
) -> Iterator[CandidateDoubt]:
    yield from _base(base)
    if not isinstance(second, BareAnswer):
        yield CandidateDoubt(UNREAD, second or "nobody else was asked the question")
    elif base is None and not knows_not(second.text):
        yield CandidateDoubt(REAL, f"the second reader answers {quoted_start(second.text)}")


def _gives(fact: Fact, second: BareAnswer | str | None, accepts: Accepts) -> bool:
    if not isinstance(second, BareAnswer) or knows_not(second.text):
        return False
    return accepts(fact.question, fact.answer, fact.aliases, second.text)


def _agree(fact: Fact, base: BaseAnswer, second: BareAnswer | str | None, accepts: Accepts) -> bool:
    if not isinstance(second, BareAnswer) or knows_not(second.text):
        return False
    return accepts(fact.question, second.text, (), base.response)


def knows_not(text: str) -> bool:
    """Whether an answer says that its model does not know."""
    bare = plain(text)
    return not bare or bare == "none" or says_nothing(text) or is_refusal(text)


def quoted_start(text: str) -> str:
    """The beginning of what a model said, quoted on one line."""
    line = visible_line(" ".join(text.split()))
    return repr(line if len(line) <= 60 else f"{line[:60]}…")
