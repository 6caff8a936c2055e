"""The forms in which a phrase answer may appear as whole words."""

from __future__ import annotations

from itertools import pairwise

from unlearnbench.judging.rules.lists import ENGLISH
from unlearnbench.judging.rules.sounds import same_sound
from unlearnbench.judging.rules.tables import (
    ARTICLES,
    DISTINGUISHING,
    FUNCTION_WORDS,
    GENERIC_AFTER,
    GENERIC_BEFORE,
    GENERIC_OF,
    NOT_ALONE,
    NOUN_PLACES,
    SYMBOL_WORDS,
    TITLES,
    VERB_HOMOGRAPHS,
)
from unlearnbench.judging.rules.tokens import Token, find
from unlearnbench.judging.rules.typos import same_word


def answer_forms(words: list[str]) -> list[list[str]]:
    """The answer's words, and the same without an article or a word that only says its kind."""
    forms = [words]
    core = [w for i, w in enumerate(words) if i or w not in ARTICLES]
    forms.append(core)
    if len(core) > 1 and core[0] in GENERIC_BEFORE:
        forms.append(core[1:])
    if len(core) > 1 and core[-1] in GENERIC_AFTER:
        forms.append(core[:-1])
    if len(core) > 2 and core[0] in GENERIC_OF and core[1] == "of":
        forms.append([w for i, w in enumerate(core[2:]) if i or w not in ARTICLES])
    if len(core) > 1 and core[0] in TITLES and core[1] not in FUNCTION_WORDS:
        forms += [core[1:]] if not _bare_kind(core) else []
    forms = [form for form in forms if form == words or not set(form) <= FUNCTION_WORDS]
    allowed = [form for form in forms if form and not (len(form) == 1 and form[0] in NOT_ALONE)]
    allowed = allowed or [words]
    return [form for i, form in enumerate(allowed) if form not in allowed[:i]]


def _bare_kind(core: list[str]) -> bool:
    """Whether only a kind of thing is left without an adjective (French Revolution)."""
    return core[0] in DISTINGUISHING and len(core) == 2 and core[1] in ENGLISH


def kind_dropped(words: list[str], question: list[str]) -> list[list[str]]:
    """The answer's words without the kind of thing that the question asks for by name.

    `Which street …` is answered by `Fleet` if it is Fleet Street.
    """
    forms = [words[:-1]] if words[-1] in _asked_kind(question) else []
    forms += [words[1:]] if words[0] in _asked_kind(question) else []
    return [f for f in forms if f and not set(f) <= NOT_ALONE | FUNCTION_WORDS | ARTICLES]


def _asked_kind(question: list[str]) -> list[str]:
    """The words right after `which` or `what`."""
    places = [i for i, word in enumerate(question) if word in ("which", "what")]
    return [word for i in places[:1] for word in question[i + 1 : i + 3]]


def find_loosely(needle: list[str], hay: list[str]) -> list[int]:
    """Where `needle` stands in `hay`, plurals and small typos allowed, inner articles ignored."""
    exact = find(needle, hay)
    if exact:
        return exact
    words = [w for w in needle if w not in ARTICLES]
    places = [i for i, w in enumerate(hay) if w not in ARTICLES]
    n = len(words)
    if not n:
        return []
    windows = ([hay[at] for at in places[i : i + n]] for i in range(len(places) - n + 1))
    return [places[i] for i, window in enumerate(windows) if _same_words(words, window)]


def _same_words(words: list[str], window: list[str]) -> bool:
    """Whether each word stands in its place, well or badly spelt. Beside another that is right, one
    may be a word that exists and sounds the same (Haley's Comet).
    """
    if not _near(words[0], window[0]):
        return False
    strict = [same_word(a, b) for a, b in zip(words, window, strict=True)]
    exact = any(a == b for a, b in zip(words, window, strict=True))
    return all(
        same or (exact and _near(a, b)) for same, a, b in zip(strict, words, window, strict=True)
    )


def _near(gold: str, word: str) -> bool:
    return same_word(gold, word) or (gold[:1] == word[:1] and same_sound(gold, word))


def spelt_together(needle: list[str], hay: list[str]) -> bool:
    """Whether two neighbours make one word or one word two (`light house`, `lighthouse`)."""
    joined = "".join(needle)
    if joined.isalnum() and not joined.isalpha() and not joined.isdigit():
        runs = range(1 if len(needle) > 1 else 2, len(joined) + 1)
        return any("".join(hay[i : i + n]) == joined for n in runs for i in range(len(hay) - n + 1))
    if len(joined) < 6 or not joined.isalpha():
        return False
    if len(needle) > 1:
        return joined in hay
    return any(a + b == joined for a, b in pairwise(hay))


def noun_rule(tokens: list[Token], index: int, text: str) -> bool:
    """Whether a word that is also a verb stands where a noun can (`the won`, not `it won its`)."""
    token = tokens[index]
    if token.text not in VERB_HOMOGRAPHS or len(tokens) <= 2:
        return True
    after = text[token.end : token.end + 2].lstrip(" ")
    before = tokens[index - 1].text if index else "is"
    return before in NOUN_PLACES or not after[:1].isalnum()


def capital_rule(answer: Token, token: Token, text: str, alone: bool) -> bool:
    """Whether a one-word answer that is also a common word is meant by `token`.

    Symbols (`Au`, `K`, `He`) and names such as `May` must be written as such; a symbol that is
    an English word must not go on as a sentence. A response that is nothing else needs no
    capital.
    """
    following = text[token.end : token.end + 3]
    if alone:
        return True
    goes_on = len(following) > 1 and following[0] in " '" and following[1:2].islower()
    if len(answer.raw) <= 2:
        # A symbol that reads as an English word must not go on as a sentence.
        wordlike = answer.raw.lower() in SYMBOL_WORDS
        return token.raw == answer.raw and not (wordlike and goes_on)
    return token.raw[0].isupper() and not (answer.text == "may" and goes_on)
