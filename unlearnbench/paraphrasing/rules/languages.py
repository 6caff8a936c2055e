"""In which language and script a text is written, and whether that is its question's.

The embedding model and the rules that read words (`other-meaning`, `other-question`,
`no-question`, names among `added-clue`) know English only. Of a question in any other language
every candidate keeps the doubt `unchecked-language`, and a person reads it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from unlearnbench.benchmark.quality.breaches import FUNCTION_WORDS
from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.rules.words import ENGLISH_ONLY, is_unspaced, plain_words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SURE = 0.5
"""Confidence from which a language is taken as told; short texts full of names stay below."""
_ENGLISH = frozenset(["en", "pcm"])
"""English, and the pidgin for which its headlines are taken."""
_KIN = [
    frozenset(codes.split())
    for codes in (
        "no nb nn da sv",
        "id ms jv su",
        "hr sr bs sl",
        "ru bg uk be mk",
        "cs sk",
        "es gl ast an",
        "pt gl",
        "nl af",
        "zh yue wuu",
    )
]
"""Languages that are taken for one another in a short text."""
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "HANGUL": "CJK"}
"""Scripts that are written together."""


def is_english(text: str) -> bool:
    """Whether a question is in English, as far as can be told: if not, a person reads it."""
    code, sure = language_of(text)
    return code in _ENGLISH or (sure < _SURE and _shows_english(text))


def check_language(question: str, text: str) -> Iterator[CandidateDoubt]:
    """Doubts about the language and the script of a text."""
    english = is_english(question)
    if not english:
        code, _ = language_of(question)
        what = f"question looks like {code!r}: no rule reads its meaning"
        yield CandidateDoubt("unchecked-language", what)
    if not _in_its_language(question, text, english=english):
        yield CandidateDoubt("other-language", f"looks like {language_of(text)[0]!r}")
    if mixed := _mixed(question, text):
        yield CandidateDoubt("mixed-script", mixed)


def _in_its_language(question: str, text: str, *, english: bool) -> bool:
    code, sure = language_of(text)
    if english:
        told = sure < _SURE and (_shows_english(text) or _shares_words(question, text))
        return code in _ENGLISH or told
    asked, as_sure = language_of(question)
    if code == asked or any({code, asked} <= kin for kin in _KIN):
        return True
    return min(sure, as_sure) < _SURE and not _shows_english(text) and code not in _ENGLISH


def _shows_english(text: str) -> bool:
    return not ENGLISH_ONLY.isdisjoint(plain_words(text))


def _shares_words(question: str, text: str) -> bool:
    """Whether a text holds a word of the question that is no name."""
    small = {word for raw in question.split() if raw.islower() for word in plain_words(raw)}
    shared = small.intersection(plain_words(text)) - FUNCTION_WORDS
    return any(word.isalpha() and len(word) > 2 for word in shared)


@lru_cache(maxsize=1 << 15)
def language_of(text: str) -> tuple[str, float]:
    """ISO code of a text's language and the confidence in it, 0 to 1."""
    code, sure = _identifier().classify(text)
    return str(code), float(sure)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _mixed(question: str, text: str) -> str:
    """The words that mix scripts, or those of a script that the question has not."""
    known = {script for word in question.split() for script in _scripts(word)}
    odd = [word for word in text.split() if len(_scripts(word)) > 1]
    if odd:
        return f"{odd[0]!r} mixes scripts"
    strange = [word for word in text.split() if _scripts(word) - known and _is_word(word)]
    return f"{strange[0]!r} is in a script that the question has not" if strange else ""


def _is_word(text: str) -> bool:
    """Whether it is more than a letter that stands for something, as Ω and π do."""
    return is_unspaced(text) or sum(map(str.isalpha, text)) > 1


def _scripts(word: str) -> set[str]:
    names = (unicodedata.name(c, "").split(" ")[0] for c in word if c.isalpha() and c not in "ªºµ")
    return {_ONE_SCRIPT.get(name, name) for name in names if name}
