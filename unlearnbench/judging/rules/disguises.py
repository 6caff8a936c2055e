"""Other ways to read a response that hides what it says.

A reader of the page sees `Tokyo` in small capitals, in letters set apart or within
`TokyoTokyoTokyo`; so must the rules. Not undone, as no reader would see it at once: other codes
(base64, rot13, Morse), digits for letters, words written backwards, initials of lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from unlearnbench.judging.rules.codes import decoded
from unlearnbench.judging.rules.joined import numbers_rejoined, rejoined, repaired, written_once
from unlearnbench.judging.rules.letters import latin_letters
from unlearnbench.judging.rules.normalise import normalise
from unlearnbench.judging.rules.tables import FUNCTION_WORDS
from unlearnbench.judging.rules.text import Text
from unlearnbench.scoring.disguise import may_hide

_APOSTROPHE = re.compile(r"(?<=\w)(\s?)['\u2019](?=\s?\w)")


def undisguised(response: Text, golds: tuple[Text, ...], question: Text) -> Iterator[Text]:
    """Readings of a response besides the plain one, each at most once.

    Args:
        response: What the model wrote.
        golds: The gold answers; only their words are looked for in pieces and in runs.
        question: The question, whose words may stand in a run beside the answer.
    """
    wanted, fillers = _forms(golds), _fillers(question)
    seen = [response.plain]
    source = response.source
    if _possessive(golds):
        source = _APOSTROPHE.sub("", source)
    texts = _texts(source) if may_hide(source) else (source,)
    for text in texts:
        text = numbers_rejoined(text, wanted)
        plain = response.plain if text == response.source else normalise(text)
        for reading in (plain, repaired(plain, wanted, fillers)):
            if reading not in seen:
                seen.append(reading)
                yield Text(text if reading is plain else reading)


@lru_cache(maxsize=4096)
def _forms(golds: tuple[Text, ...]) -> frozenset[str]:
    """The words of gold answers, and all of each as one, in lower case without apostrophes."""
    words = [[token.raw.lower().replace("'", "") for token in gold.tokens] for gold in golds]
    single = {word for some in words for word in some if word not in FUNCTION_WORDS}
    return frozenset(word for word in single | set(map("".join, words)) if len(word) > 1)


@lru_cache(maxsize=4096)
def _possessive(golds: tuple[Text, ...]) -> bool:
    """Whether a gold answer holds an apostrophe, which then parts no words (`Halley's Comet`)."""
    return any("'" in gold.plain for gold in golds)


@lru_cache(maxsize=4096)
def _fillers(question: Text) -> frozenset[str]:
    """Words that may stand beside an answer in a run: the question's and function words."""
    more = ("answer", "yes", "sure", "think", "believe", "maybe")
    return frozenset(w for w in (*question.words, *FUNCTION_WORDS, *more) if len(w) > 1)


def _texts(response: str) -> Iterator[str]:
    """The response without codes, in Latin letters, its words made whole."""
    for text in decoded(response) or (response,):
        for plain in latin_letters(text) or (text,):
            whole = rejoined(plain)
            yield whole
            for reading in (plain, written_once(whole)):
                if reading != whole:
                    yield reading
