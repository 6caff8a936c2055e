"""Whether a gold answer is a whole sentence, which rules that look for its words never find.

A sentence is recognised by its structure: several words with a verb that has a subject, a stop at
the end of running text, or great length. Names, titles, dates, quantities and lists are not
sentences; nor is text in quotation marks, which is to be given word by word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_QUOTED = re.compile(r"[\"“„«‘'「『].*[\"”“»’'」』]", re.DOTALL)
_STOP = re.compile(r"[.!…][\"”’)»]*$")
_IDEOGRAPHIC_STOP = re.compile(r"[。！？]")
_LONG_UNSPACED = 8
_PARTS = re.compile(r"\s*(?:[,;/]|\band\b|\bor\b|&)\s*")
_FEW, _SEVERAL, _MANY = 4, 7, 12
"""Words from which a verb (with a stop at the end, one less), a stop alone, or nothing but their
number makes a sentence.
"""

_VERBS = """
is was are were has had does did could would should
isn't wasn't aren't weren't hasn't hadn't doesn't didn't
isn’t wasn’t aren’t weren’t hasn’t hadn’t doesn’t didn’t
became began came gave went wrote took knew grew drew threw chose
becomes begins comes gives goes writes takes knows says contains includes explores
he's she's it's they're there's he’s she’s it’s they’re there’s
"""
FINITE = frozenset(_VERBS.split())
"""Words that are hardly ever anything but the verb of a statement."""
_RELATIVE = frozenset(["that", "what", "which", "who", "whose", "where", "when"])
"""Before a verb these make it part of a description (`the man who was king`)."""
_SUBJECTS = frozenset(["he", "she", "it", "they", "we", "there"])
_LINKS = """
a an and as at by de del der des di du el en et for from in la le les of on or the to und van
von with without y
"""
_SMALL = frozenset(_LINKS.split())


def is_sentence(text: str) -> bool:
    """Whether a gold answer is a whole sentence."""
    text = text.strip()
    if _QUOTED.fullmatch(text) or text.endswith("?"):
        return False
    if _IDEOGRAPHIC_STOP.search(text) and len(text) >= _LONG_UNSPACED:
        return True
    words = _WORD.findall(text)
    ended = _STOP.search(text) is not None
    if len(words) < _FEW - ended or _is_list(text):
        return False
    if words[0].lower() in _SUBJECTS and words[1].islower():
        return True
    if any(b in FINITE and a.lower() not in _RELATIVE for a, b in pairwise(words)):
        return True
    running = {word for word in words[1:] if word.islower()} - _SMALL
    stopped = ended and len(words) >= _SEVERAL
    return bool(running) and (stopped or (len(words) >= _MANY and len(running) >= _FEW))


def only_sentences(answer: str, aliases: Iterable[str]) -> bool:
    """Whether neither the gold answer nor an alias is short: rules have nothing to look for."""
    return all(map(is_sentence, (answer, *aliases)))


def sentence_rows(rows: Sequence[tuple[str, Sequence[str]]]) -> list[int]:
    """Indices of the rows (gold answer, aliases) that only a semantic judge can recognise.

    Where most answers of a benchmark are running text, all of that kind count, verb or not.
    """
    sentences = [n for n, (answer, aliases) in enumerate(rows) if only_sentences(answer, aliases)]
    texts = [n for n, (answer, aliases) in enumerate(rows) if all(map(_runs, (answer, *aliases)))]
    return sorted({*sentences, *texts}) if 2 * len(texts) > len(rows) else sentences


def _runs(text: str) -> bool:
    """Whether a text reads on for some words: a stop after four, or seven without one."""
    words = _WORD.findall(text)
    running = {word for word in words[1:] if word.islower()} - _SMALL
    enough = len(words) >= (_FEW if _STOP.search(text) else _SEVERAL)
    return enough and bool(running) and not _is_list(text) and not _QUOTED.fullmatch(text)


def _is_list(text: str) -> bool:
    """Whether all is members of one or two words: `red, white and blue`."""
    parts = [_WORD.findall(part) for part in _PARTS.split(text) if part.strip()]
    return len(parts) > 1 and all(len(part) <= 2 for part in parts)
