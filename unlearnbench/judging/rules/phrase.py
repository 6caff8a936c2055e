"""The answer's words as they are, whole and in a row."""

from __future__ import annotations

from unlearnbench.judging.rules.lists import LAST_NAMES, PLACES
from unlearnbench.judging.rules.longer import inside_longer_name
from unlearnbench.judging.rules.match import RuleMatch
from unlearnbench.judging.rules.namesakes import common_word, within_a_name
from unlearnbench.judging.rules.person import asked_for
from unlearnbench.judging.rules.phrases import (
    capital_rule,
    find_loosely,
    kind_dropped,
    noun_rule,
    spelt_together,
)
from unlearnbench.judging.rules.signs import (
    same_signs,
    signed,
    spoken_signs,
    symbol_stands_in,
    written_without_spaces,
)
from unlearnbench.judging.rules.tables import (
    ARTICLES,
    CASE_SENSITIVE_WORDS,
    DISTINGUISHING,
    FUNCTION_WORDS,
    GIVEN_NAMES,
    MONONYMS,
)
from unlearnbench.judging.rules.text import Text
from unlearnbench.judging.rules.tokens import Token, find
from unlearnbench.judging.rules.typos import same_word


def phrase(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """The answer's words as they are, whole and in a row."""
    if not gold.words:
        return RuleMatch(True, "text", gold.source) if symbol_stands_in(gold, response) else None
    short = len(response.tokens) <= 3
    forms = gold.forms + (kind_dropped(gold.words, question.words) if short else [])
    words = response.words
    spoken = spoken_signs(gold) if len(gold.words) > 1 and signed(gold) else frozenset()
    if spoken:  # F sharp minor
        words = [word for word in words if word not in spoken]
    present = [form for form in forms if find_loosely(form, words)]
    rest = _without_echo(gold, question, response) if present else []
    if spoken:
        rest = [pair for pair in rest if pair[0] not in spoken]
    hay = [word for word, _ in rest]
    for form in present:
        for place in find_loosely(form, hay):
            small_words = len(form) > 1 and set(form) <= FUNCTION_WORDS
            if small_words and gold.plain.strip() not in response.plain:
                continue
            if inside_longer_name(form, hay, place) or _told_apart(gold, form, hay, place):
                continue
            if not same_signs(gold, response, _tokens_at(form, rest, place)):
                continue
            core = [word for word in form if word not in ARTICLES]
            at = place + (hay[place] in ARTICLES and len(core) < len(form))
            if len(core) != 1 or _one_word(gold, core[0], question, response, rest, at):
                return RuleMatch(True, "phrase", " ".join(hay[place : place + len(form)]))
    if (not signed(gold) and _together(gold, response)) or written_without_spaces(gold, response):
        return RuleMatch(True, "phrase", "".join(gold.words))
    return None


def _told_apart(gold: Text, form: list[str], hay: list[str], place: int) -> bool:
    """Whether a shorter form of the answer has another's adjective before it (American for the
    French Revolution, North for the Republic of Korea).
    """
    before = hay[place - 1] if place else ""
    shorter = len([w for w in gold.words if w not in ARTICLES]) > len(form)
    return shorter and before in DISTINGUISHING and before not in gold.words


def _together(gold: Text, response: Text) -> bool:
    """Whether a response holds the gold answer's words as one, as written or as read."""
    written = [token.raw.lower().replace("'", "") for token in gold.tokens]
    return spelt_together(gold.words, response.words) or (
        written != gold.words and spelt_together(written, response.words)
    )


def _tokens_at(form: list[str], rest: list[tuple[str, int]], place: int) -> dict[str, int]:
    """Which token of a response stands for each word of a form that was found at `place`."""
    tokens: dict[str, int] = {}
    at = place
    for word in form:
        near = range(at, min(at + 4, len(rest)))
        at = next((i for i in near if same_word(word, rest[i][0])), at)
        if at < len(rest):
            tokens[word] = rest[at][1]
        at += 1
    return tokens


def _one_word(
    gold: Text, word: str, question: Text, response: Text, rest: list[tuple[str, int]], place: int
) -> bool:
    token_of = next((t for t in gold.tokens if t.text == word), None)
    if token_of is None or rest is not response.spelt:
        return True
    at = response.spelt[place][1]
    if not noun_rule(response.tokens, at, response.plain):
        return False
    if _another(gold, token_of, question, response, at):
        return False
    if len(token_of.raw) > 2 and token_of.text not in CASE_SENSITIVE_WORDS:
        return True
    if not token_of.raw[0].isupper():
        return True
    token = response.tokens[at]
    return capital_rule(token_of, token, response.plain, alone=len(response.tokens) <= 2)


def _another(gold: Text, word: Token, question: Text, response: Text, at: int) -> bool:
    """Whether one word of a name is a part of somebody's name, or the common word it also is."""
    if not word.raw[0].isupper():
        return False
    reduced = gold.part or len(gold.tokens) > 1
    if reduced and len(response.tokens) > 1 and common_word(response.tokens, at):
        return True
    own = frozenset((*gold.words, *question.words))
    asked = asked_for(question.plain)
    first = word.text in MONONYMS or (word.text in GIVEN_NAMES and word.text not in LAST_NAMES)
    person = asked == "person" or (asked == "" and word.text not in PLACES)
    last_name = person and not first and not reduced
    return within_a_name(response.tokens, at, own, last_name=last_name)


def _without_echo(gold: Text, question: Text, response: Text) -> list[tuple[str, int]]:
    """The response's words, each with the index of its token; without runs copied from the
    question if the answer stands in it.

    A response that merely repeats the question says nothing, even where the question holds the
    answer.
    """
    if not any(find(form, question.words) for form in gold.forms):
        return response.spelt
    words, rest, index = response.words, [], 0
    while index < len(words):
        run = 0
        while index + run < len(words) and find(words[index : index + run + 1], question.words):
            run += 1
        if run >= 4:
            index += run
        else:
            rest.append(response.spelt[index])
            index += 1
    return rest
