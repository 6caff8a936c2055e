"""Signs that belong to a name: C++ is not C, Na+ is not Na, A- is not A+, .NET is not net.

A sign may be written or spoken (`C plus plus`, `O negative`, `F sharp`). A gold answer with a sign
needs it; a short one without must not bear one. Where a dash could as well be punctuation it is
read as such, so that the answer counts as known.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import takewhile

from unlearnbench.judging.rules.text import Text
from unlearnbench.judging.rules.tokens import Token

_MARK = re.compile(r"\+\+(?!\+)|--(?![\w-])|[+#♭](?![\w+#])|-(?![\w-])")
_CLEAR_END = re.compile(r"\s*(?:[.,;:!?)\"'\]]|$)")
_SPOKEN = {
    "+": (("plus",), ("positive",)),
    "++": (("plus", "plus"), ("plusplus",)),
    "-": (("minus",), ("negative",)),
    "--": (("minus", "minus"),),
    "#": (("sharp",), ("hash",)),
    "♭": (("flat",),),
}
_UNMISTAKABLE = (("plus", "plus"), ("sharp",), ("flat",))
"""Spoken signs that are nothing else after a single letter."""
_SHORT = 3
"""Letters up to which a name without a sign is another than the same name with one."""
_AMPERSAND = re.compile(r"\w&\w")
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f"
    "\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)
"""Scripts that put no spaces between words, and Hangul, whose particles are written on."""
_SENTENCE_SIGNS = frozenset(".,;:!?'\"-")
_STOPS = ".,;:!?"
_EMPHASIS = "*_`#|~"
_AROUND = f"{_EMPHASIS}\"'()[]"


@lru_cache(maxsize=4096)
def signed(gold: Text) -> dict[str, tuple[str, str]]:
    """The words of a gold answer that bear a sign: (before it, after it)."""
    signs_of = {token.text: _signs(token, gold.plain) for token in gold.tokens}
    return {word: signs for word, signs in signs_of.items() if any(signs)}


def spoken_signs(gold: Text) -> frozenset[str]:
    """The words by which the signs of a gold answer may be spoken, save those that are its own."""
    ways = (way for _, after in signed(gold).values() for way in _SPOKEN.get(after, ()))
    return frozenset(word for way in ways for word in way) - set(gold.words)


def same_signs(gold: Text, response: Text, places: dict[str, int]) -> bool:
    """Whether the gold answer's words bear its signs in a response, and a short one no others.

    `places` are the indices of the response's tokens by the gold word they stand for.
    """
    gold_signs = signed(gold)
    short = len(gold.tokens) == 1 and len(gold.tokens[0].raw) <= _SHORT
    if not gold_signs and not short and "^" not in gold.plain:
        return True
    for token in gold.tokens:
        at = places.get(token.text)
        if at is None:
            if token.text in gold_signs:
                return False
            continue
        before, after = gold_signs.get(token.text, ("", ""))
        if not _before(before, token, response, at) or not _after(after, token, response, at):
            return False
    return True


def _signs(token: Token, text: str) -> tuple[str, str]:
    mark = _MARK.match(text, token.end)
    return _lead(token, text), mark.group() if mark else ""


def _lead(token: Token, text: str) -> str:
    """A root, a negative exponent, or a single dot at the start of a word."""
    before = text[max(0, token.start - 2) : token.start]
    if before.endswith("√"):
        return "√"
    if before == "^-":
        return before
    return "." if before[-1:] == "." and before[:-1] in ("", " ", "(", '"', "'", "\n") else ""


def _before(want: str, gold: Token, response: Text, at: int) -> bool:
    token = response.tokens[at]
    have = _lead(token, response.plain)
    if want == have or (want == "." and response.plain[: token.start].endswith(".")):
        return True
    if "." in (want, have):
        spoken = at > 0 and response.tokens[at - 1].text == "dot"
        return token.raw == gold.raw or (want == "." and spoken) or len(gold.raw) > _SHORT
    if have == "^-":
        return False
    return not want or (want == "√" and at > 0 and response.tokens[at - 1].text in ("root", "of"))


def _after(want: str, gold: Token, response: Text, at: int) -> bool:
    token = response.tokens[at]
    following = response.tokens[at + 1 : at + 4]
    if want and following and following[0].text == "rh":  # O Rh+, O Rh positive
        token, following = following[0], following[1:]
    mark = _MARK.match(response.plain, token.end)
    have = mark.group() if mark else ""
    spoken = _next_words(token, following, response.plain)
    if want:
        return have == want or any(spoken[: len(s)] == s for s in _SPOKEN[want])
    if len(gold.raw) > _SHORT:
        return True
    if have.startswith("-"):
        return _CLEAR_END.match(response.plain, token.end + len(have)) is None
    lone = len(gold.raw) == 1 and gold.raw.isupper()
    if lone and _AMPERSAND.search(response.plain[max(0, token.start - 2) : token.end + 2]):
        return False
    return not have and not (lone and any(spoken[: len(s)] == s for s in _UNMISTAKABLE))


def _next_words(token: Token, following: list[Token], text: str) -> tuple[str, ...]:
    """The words that follow with no more than a space, a hyphen or a bracket between."""
    ends = [token.end, *(t.end for t in following)]
    near = takewhile(
        lambda pair: text[pair[1] : pair[0].start].strip(" -(") == "",
        zip(following, ends, strict=False),
    )
    return tuple(t.text for t, _ in near)


def symbol_stands_in(gold: Text, response: Text) -> bool:
    """Whether a gold answer without any letter or digit (`$`, `->`, an emoji) stands in a response.

    ASCII signs must stand as such: `=` is not in `==`, and the stop of a sentence is no answer.
    """
    symbol = gold.symbols.strip()
    if not symbol:
        return False
    if " " in symbol or not symbol.isascii() or set(symbol) <= set("*_`#|~$%&@"):
        return symbol in response.symbols
    for match in re.finditer(r"(\w?)([^\w\s]+)", response.symbols):
        run = match[2]
        if match[1] and set(symbol) <= _SENTENCE_SIGNS:
            continue
        bare = {run, run.strip(_EMPHASIS), run.strip(_AROUND)}
        ended = {r[:-1] for r in bare if r[-1:] in _STOPS}
        if symbol in bare | ended | {r.strip(_AROUND) for r in ended}:
            return True
    return False


def written_without_spaces(gold: Text, response: Text) -> bool:
    """Whether a gold answer in a script without spaces stands within a response's longer word."""
    if gold.plain.isascii():
        return False
    contained = gold.plain.strip().lower() in response.plain.lower()
    return contained and bool(UNSPACED.search(gold.plain))
