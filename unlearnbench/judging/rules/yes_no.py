"""Answers of yes or no."""

from __future__ import annotations

import re

from unlearnbench.judging.rules.match import NO_MATCH, RuleMatch
from unlearnbench.judging.rules.tables import FUNCTION_WORDS, NO, NO_COMMITMENT, YES
from unlearnbench.judging.rules.text import Text
from unlearnbench.judging.rules.typos import same_word

_CLAUSES = re.compile(r"[.!;:]|,\s|\bbut\b|\n|(?<=\?)")
_ANSWER_IS = re.compile(r"^\W*(?:(?:the\s+)?(?:correct\s+)?answer(?:\s+is)?|a|well|so|and)\b\W*")
_UNSURE = re.compile(r"\b(?:know|sure|certain|idea|remember|tell|say|answer|unclear|depends)\b")
_NEGATED = re.compile(r"n't\b|\bnot\b")
_PRONOUNS = frozenset({"it", "he", "she", "they", "that", "this", "there"})
_VERBS = (
    frozenset({"is", "was", "are", "were"}),
    frozenset({"did", "does", "do"}),
    frozenset({"has", "have", "had"}),
    frozenset({"can", "could"}),
    frozenset({"will", "would"}),
)


def yes_no(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """Yes and no must be given as the answer: at the start of a clause, or as a plain statement."""
    if len(gold.tokens) != 1 or gold.words[0] not in {"yes", "no", "true", "false"}:
        return None
    expected = gold.words[0] in YES
    for clause in _CLAUSES.split(response.plain.lower()):
        stated = _ANSWER_IS.sub("", clause.strip())
        asks_back = stated.endswith("?") and " " in stated
        if asks_back or any(stated.startswith(empty) for empty in NO_COMMITMENT):
            continue
        first = re.match(r"[\W_]*([^\W\d_]+)", stated)
        meaning: bool | None = None
        if first is not None and first.group(1) in YES | NO:
            meaning = first.group(1) in YES
        elif stated.startswith("not ") and not _UNSURE.search(stated):
            meaning = False
        else:
            meaning = _statement(stated, question)
        if meaning is not None:
            return RuleMatch(True, "yes-no", clause.strip()) if meaning is expected else NO_MATCH
    return NO_MATCH


def _statement(clause: str, question: Text) -> bool | None:
    """What a clause says to a yes-or-no question: True, False, or None if it says neither.

    It must take up the question: begin with a pronoun or one of the question's words, hold its
    verb, and repeat what the question says of its subject, unless it ends right after the verb.
    """
    verbs = next((v for v in _VERBS if question.words and question.words[0] in v), None)
    words = [token.text for token in Text(clause).tokens]
    if verbs is None or not words or _UNSURE.search(clause):
        return None
    topics = set(question.words) - FUNCTION_WORDS - verbs
    if words[0] not in _PRONOUNS and not any(_among(topic, words[:4]) for topic in topics):
        return None
    if "never" in words:
        return False
    verb = next((i for i, word in enumerate(words[:6]) if _positive(word) in verbs), None)
    if verb is None:
        return None
    claims = {t.text for t in question.tokens if t.raw.islower()} & topics
    if len(words) > verb + 2 and claims and not any(_among(word, words[verb:]) for word in claims):
        return None
    return not _NEGATED.search(clause)


def _positive(verb: str) -> str:
    """`isn't` as `is`; tokens have lost their apostrophe."""
    return {"cant": "can", "wont": "will"}.get(verb, verb.removesuffix("nt"))


def _among(word: str, words: list[str]) -> bool:
    return any(same_word(word, other) for other in words)
