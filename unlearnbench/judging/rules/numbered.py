"""Names that are a word and a number: Apollo 13, 13th Amendment, World War II, Louis XIV."""

from __future__ import annotations

from unlearnbench.judging.rules.tables import ARTICLES, FUNCTION_WORDS
from unlearnbench.judging.rules.text import Text
from unlearnbench.judging.rules.tokens import find

_PLACEHOLDERS = frozenset({"no", "number", "nr", "1"})
"""Words that stand for the name when only its number is said (`number 13`, `the 13th one`)."""
_LONGEST_SHORT = 5
"""A bare number counts only as the whole of an answer of so many words."""


def says_numbered(gold: Text, question: Text, response: Text) -> bool:
    """Whether a response gives a numbered name: its words and number in either order.

    The number alone suffices where the question holds the words and the response nothing else.
    """
    words = [word for word in gold.words if word not in ARTICLES]
    numbers = [word for word in words if word.isdigit()]
    rest = [word for word in words if not word.isdigit()]
    if len(numbers) != 1 or not rest or len(numbers[0]) > 2 or words[0] == words[-1]:
        return False
    number = numbers[0]
    if number not in (words[0], words[-1]):
        return False
    hay = [word for word in response.words if word not in ARTICLES]
    if find([*rest, number], hay) or find([number, *rest], hay):
        return True
    allowed = {*rest, number, *_PLACEHOLDERS} | FUNCTION_WORDS
    alone = number in hay and len(hay) <= _LONGEST_SHORT and set(hay) <= allowed
    return alone and set(rest) <= set(question.words)
