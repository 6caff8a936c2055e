"""Gold answers that cannot be given, that anybody guesses, or that a judge cannot recognise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import FUNCTION_WORDS
from unlearnbench.benchmark.sentences import sentence_rows
from unlearnbench.benchmark.tables.table import Faults, shown
from unlearnbench.benchmark.validation import Located
from unlearnbench.scoring.refusals import is_refusal
from unlearnbench.types import Fact

MOST_WORDS = 50
"""An answer has at most as many words as a response has tokens."""
MOST_LETTERS = 500
_GUESSED = frozenset(
    [
        "yes", "no", "y", "n", "true", "false", "right", "wrong", "correct", "incorrect",
        "ja", "nein", "wahr", "falsch", "oui", "non", "vrai", "faux", "si", "sí", "sì",
        "sim", "não", "да", "нет", "はい", "いいえ", "是", "否", "对", "错",
    ]
)  # fmt: skip
_NAME_JUDGE = "or name an LLM judge with --judge"


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What the benchmark's judge can hold.

    `missed` gives the first of a fact's gold answers that judge `rules` does not find in itself;
    None where another judge decides.
    """

    judge: str
    missed: Callable[[Fact], str | None] | None


def check_gold_answer(answer: str, aliases: Sequence[str], where: str, faults: Faults) -> None:
    """What no gold answer may be, whichever judge reads it."""
    for given in (answer, *aliases):
        if len(given.split()) > MOST_WORDS or len(given) > MOST_LETTERS:
            what = f"an answer of {len(given.split())} words and {len(given)} letters cannot be "
            what += f"given in {MOST_WORDS} tokens; shorten it to what must be said"
            faults.add(where, f"{what}: {shown(given)}")
    if "|" in answer:
        faults.add(where, f"answer {shown(answer)}: give one, and the others in column aliases")


def check_judged(located: Sequence[Located], rules: AnswerRules, faults: Faults) -> None:
    """What judge `rules` cannot hold: sentences, guesses, single letters, and mere signs."""
    if rules.missed is None:
        return
    sentences = set(sentence_rows([(fact.answer, fact.aliases) for fact, _ in located]))
    for number, (fact, where) in enumerate(located):
        if not fact.answer:
            continue
        if number in sentences:
            what = "is a whole sentence, which judge rules cannot recognise; give a short answer or"
            faults.add(where, f"{shown(fact.answer)} {what} alias, {_NAME_JUDGE}")
        elif (reason := unjudged(fact, rules.missed)) is not None:
            faults.add(where, f"answer {shown(fact.answer)} {reason}, {_NAME_JUDGE}")


def unjudged(fact: Fact, missed: Callable[[Fact], str | None]) -> str | None:
    """Why the rules cannot hold a fact's gold answer; None if they can."""
    if fact.answer.casefold().strip(".!") in _GUESSED:
        return "is guessed by every second model; ask for the thing itself"
    if not plain(fact.answer):
        return "has no letter or digit, so judge rules cannot look for it; spell it out"
    if set(plain(fact.answer).split()) <= FUNCTION_WORDS and fact.answer.islower():
        return "stands in any text; ask for something that does not"
    if is_refusal(fact.answer):
        return "is what a model says that does not know; ask for something else"
    if len(fact.answer) == 1 and fact.answer.isascii() and fact.answer.isalpha():
        return "is one letter, which stands in any text; ask for what it stands for"
    gold = missed(fact)
    if gold is not None:
        return f"holds {shown(gold)}, which judge rules does not find in itself; rephrase it"
    return None


def alternatives(located: Sequence[Located]) -> list[str]:
    """Places of forget answers that look like two in one: a response must then give both."""
    return [
        where
        for fact, where in located
        if fact.split == "forget"
        and any(sign in f" {fact.answer} " for sign in (" / ", " or ", " oder ", " ou "))
    ]
