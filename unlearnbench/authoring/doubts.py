"""Doubts in words that need no manual."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.paraphrasing.candidates import CandidateDoubt

_WORDS: Mapping[str, str] = {
    "added-clue": "Adds a name or a number that the question does not have",
    "alike": "Nearly the same text as another",
    "answer-in-part": "Gives a part of the answer away",
    "answer-in-question": "Gives the answer away",
    "answer-inside": "Gives the answer away",
    "answered": "A model gives the invented answer",
    "asks-for-the-fact": "Asks for the fact itself",
    "bad-cloze": "The gap is not one, or its answer stands beside it",
    "bad-distractors": "Wrong answers are lacking, or pass for the right one",
    "bad-indirect": "Asks for the fact after all, or cannot be judged",
    "bad-reverse": "The reverse question cannot be failed, or not be judged",
    "base-does-not-know": "The base model does not know it",
    "base-open": "The base model could not be asked",
    "duplicate-alias": "Has an accepted answer twice",
    "duplicate-question": "Is asked already",
    "duplicate-wording": "Is there already",
    "equal-starts": "Begins like too many others",
    "exists": "May exist",
    "few-paraphrases": "Has too few paraphrases",
    "holds-forgotten": "Holds an answer that is to be forgotten",
    "markup": "Holds signs that belong to no question",
    "mixed-script": "Mixes alphabets",
    "near-copy": "Is nearly the question itself",
    "needs-no-fact": "Can be answered without the fact",
    "no-base": "No base model was asked",
    "no-question": "Does not ask anything",
    "options": "Offers answers to choose from",
    "other-language": "Is in another language than the question",
    "other-meaning": "May ask something else than the question",
    "other-pattern": "Has another pattern",
    "other-question": "Asks for something else than the question",
    "repeated": "Is there already",
    "repeats": "Asks what is asked already",
    "second-answer": "A second reader answers something else",
    "several-questions": "Asks more than one thing",
    "shared": "Asks another fact too",
    "shared-frame": "Asks another fact in the same words",
    "shared-wording": "Asks another fact too",
    "spare": "More than are wanted",
    "struck": "Struck by a person",
    "template": "Only adds polite words to the question",
    "too-few-rows": "Too few rows for a set",
    "too-long": "Is very long",
    "too-short": "Is very short",
    "trained-wording": "Is used for the other purpose already",
    "unchecked-language": "No check reads this language",
    "unfit": "Cannot be asked or judged",
    "unread": "Was not read a second time",
    "wordless": "Holds no word",
}
"""By rule. A rule that is not here is shown by its name."""
FINAL = "it cannot be accepted as it stands"


def rule_in_words(rule: str) -> str:
    """What a rule is about, without a full stop."""
    return _WORDS.get(rule, rule.replace("-", " ").capitalize())


def in_words(doubt: CandidateDoubt) -> str:
    """A doubt as a sentence: what is the matter, and which words."""
    plain = rule_in_words(doubt.rule)
    what = f"{plain}: {doubt.what}" if doubt.what else plain
    return f"{what} ({FINAL})" if doubt.final else what
