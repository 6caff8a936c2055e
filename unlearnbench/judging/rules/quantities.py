"""Numbers with or without a unit, in digits or words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from unlearnbench.judging.rules.tables import (
    COUNT_WORDS,
    FRACTION_WORDS,
    NUMBER_WORDS,
    ORDINAL_WORDS,
    SCALES,
    UNITS,
)

_COMPOUND = (
    (r"(\b\d+\s*(?:ft|feet|foot)\.?,?\s*\d+(?:\.\d+)?)\s*in\b", r"\1 inch"),
    (r"per\s+cent\b", "percent"),
    (r"\b(?:usd|us\$)\s?(?=\d)", "$"),
    (r"\beur\s?(?=\d)", "€"),
    (r"\bgbp\s?(?=\d)", "£"),
    (r"([$€£¥]\s?\d[\d.,]*)\s?m\b", r"\1 million"),
    (r"([$€£¥]\s?\d[\d.,]*)\s?b\b", r"\1 billion"),
    (r"([$€£¥]\s?\d[\d.,]*)\s?k\b", r"\1 thousand"),
    (r"\ban?\s+(?=(?:third|fourth|fifth|sixth|eighth|tenth)\b)", "one "),
    (r"\b(\d+)\s*h(?:rs?|ours?)?\s*(\d+)\s*m(?:ins?)?\b", r"\1 h \2 min"),
    (r"\b(?:troy\s+(?:ounces?|oz)|ounces?\s+troy|oz\.?\s?t)\b", "toz"),
    (r"\ban?\s+(\w+)\s+and\s+a\s+half\b", r"1.5 \1"),
    (r"\b(half|quarters?|thirds?|fifths?|tenths?)\s+(?:of\s+)?an?\s+(?=\w)", r"\1 "),
    (r"\b(?:one|1)\s+(?:in|out\s+of)\s+(?:every\s+)?two\b", "1/2"),
    (r"\b(?:one|1)\s+(?:in|out\s+of)\s+(?:every\s+)?(?:three|3)\b", "1/3"),
    (r"\b(?:one|1)\s+(?:in|out\s+of)\s+(?:every\s+)?(?:four|4)\b", "1/4"),
    (r"\b(?:one|1)\s+(?:in|out\s+of)\s+(?:every\s+)?(?:five|5)\b", "1/5"),
    (r"\b(\d+)\s+(?:in|out\s+of)\s+(?:every\s+)?(\d+)\b", r"\1/\2"),
    (r"\b(?:kilometers?|kilometres?|km)\s+(?:per|an)\s+hour\b|\bkm\s*/\s*hr?\b", "km/h"),
    (r"\b(?:miles?|mi)\s+(?:per|an)\s+hour\b", "mph"),
    (r"\b(?:kilometers?|kilometres?|km)\s+(?:per|a)\s+second\b|\bkm\s*/\s*s(?:ec)?\b", "km/s"),
    (r"\b(?:meters?|metres?|m)\s+(?:per|a)\s+second\b|\bm\s*/\s*s(?:ec)?\b", "m/s"),
    (r"\bmiles?\s+(?:per|a)\s+second\b", "mi/s"),
    (r"\b(?:square|sq\.?)\s+(?:kilometers?|kilometres?|km)\b|\bkm\^2", "km2"),
    (r"\b(?:square|sq\.?)\s+(?:meters?|metres?|m)\b", "m2"),
    (r"\b(?:square|sq\.?)\s+(?:miles?|mi)\b", "mi2"),
    (r"\b(?:square|sq\.?)\s+(?:feet|foot|ft)\b", "ft2"),
    (r"\bcubic\s+(?:meters?|metres?)\b", "m3"),
    (r"\bcubic\s+(?:kilometers?|kilometres?)\b", "km3"),
    (r"\bcubic\s+(?:centimeters?|centimetres?)\b", "cm3"),
    (r"\bcubic\s+(?:feet|foot)\b", "ft3"),
    (r"\b(?:nautical\s+miles?)\b", "nmi"),
    (r"\blight[\s-]years?\b", "ly"),
    (r"\bmetric\s+(?:tons?|tonnes?)\b", "tonne"),
    (r"\bastronomical\s+units?\b", "au"),
    (r"\b(?:us|u\.s\.|american)\s+dollars?\b", "dollars"),
    (r"\bpounds?\s+sterling\b", "sterling"),
    (r"(?:°|\bdeg(?:rees?)?\b)\s*(?:celsius|centigrade|c\b)", " temp_c"),
    (r"(?<=\d)\s?°?\s?c\b|\bcelsius\b", " temp_c"),
    (r"(?:°|\bdeg(?:rees?)?\b)\s*(?:fahrenheit|f\b)|\bfahrenheit\b", " temp_f"),
    (r"(?<=\d)\s?k\b(?!m)|\bkelvins?\b", " temp_k"),
    (r"°", " degrees "),
)  # fmt: skip
_COMPOUNDS = tuple((re.compile(pattern), unit) for pattern, unit in _COMPOUND)
_SPELT = {*NUMBER_WORDS, *SCALES, *COUNT_WORDS, *FRACTION_WORDS, *ORDINAL_WORDS, "and"}
_WORDS = "|".join(sorted(_SPELT, key=len, reverse=True))
_DIGITS = "|".join(word for word, value in NUMBER_WORDS.items() if value < 10)
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)])-)?(?P<money>[$€£¥])?\s?"
    r"(?<![\w.])(?<![a-z]-)(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+(?!\d)"
    r"|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s*x\s*10\s*\^?\s*(?P<power>-?\d{1,2})(?!\d))?"
    r"(?P<over>\s?/\s?\d+)?(?P<ordinal>st\b|nd\b|rd\b|th\b)?"
    r"(?:[\s-]*(?P<scale>hundred|thousand|million|billion|trillion|bn|mn)\b)?"
    rf"|\b(?P<words>(?:{_WORDS})(?:[\s-]+(?:and[\s-]+)?(?:{_WORDS}))*)\b"
)
_POINT = re.compile(
    rf"\b((?:{_WORDS})(?:[\s-]+(?:{_WORDS}))*)\s+point\s+((?:{_DIGITS})(?:[\s-]+(?:{_DIGITS}))*)\b"
)
_MIXED = re.compile(r"(?<![\d/.,])(\d{1,3})\s+(\d)\s?/\s?(\d{1,2})(?![\d/])")
_CONTINENTAL = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d{1,2})(?![\d]|[.,]\d)")
"""Numbers as much of Europe writes them: 380.000 and 3,14."""
_SWAP = str.maketrans(".,", ",.")
_MINUS = re.compile(r"\b(?:minus|negative)\s*$")
_ROUGH = re.compile(
    r"(?:\b(?:about|approximately|approx\.?|roughly|around|circa|nearly|almost|some)|[~≈])\s*$"
)
_UNIT = re.compile(r"[ \t-]*(?P<unit>[a-z_]+(?:/[a-z]+)?\d?|%|\$|€|£)")
_ERA = re.compile(r"\s*\b(bce?|b\.c\.(?:e\.)?|ad|a\.d\.|ce)(?![a-z])")
_ERA_BEFORE = re.compile(r"\b(ad|a\.d\.|bc)\s*$")
_MONEY = {"$": "dollar", "€": "euro", "£": "sterling", "¥": "yen"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it stands in a text.

    `unit` is a key of `UNITS` or None; `decimals` are those written; `era` is "bc", "ad" or None;
    `rough` if a word such as `about` stands before it.
    """

    value: float
    unit: str | None
    ordinal: bool
    fraction: bool
    decimals: int
    era: str | None
    start: int
    end: int
    rough: bool = False

    @property
    def dimension(self) -> str | None:
        """What kind of quantity the unit measures."""
        return UNITS[self.unit][0] if self.unit else None

    @property
    def base(self) -> float:
        """The value in the dimension's base unit."""
        if self.unit is None:
            return self.value
        _, factor, offset = UNITS[self.unit]
        return (self.value + offset) * factor


def unit_text(text: str) -> str:
    """Lower-case text with units of several words written as one key."""
    lowered = _MIXED.sub(_mixed, text.lower())
    for pattern, unit in _COMPOUNDS:
        lowered = pattern.sub(unit, lowered)
    return _POINT.sub(_pointed, lowered)


def _mixed(match: re.Match[str]) -> str:
    """`8 1/2` as 8.5."""
    under = int(match[3])
    return f"{int(match[1]) + int(match[2]) / under:g}" if under else match.group()


def _pointed(match: re.Match[str]) -> str:
    """`three point one four` as 3.14."""
    whole = _words_value(match[1])
    if whole is None:
        return match.group()
    decimals = "".join(str(NUMBER_WORDS[word]) for word in re.split(r"[\s-]+", match[2]))
    return f"{whole[0]:.0f}.{decimals}"


def find_quantities(text: str) -> list[Quantity]:
    """Every number in `unit_text`'s form of a text, with its unit."""
    quantities = [q for match in _NUMBER.finditer(text) for q in _quantity(match, text)]
    swapped = _CONTINENTAL.sub(lambda match: match.group().translate(_SWAP), text)
    if swapped != text:
        quantities += [q for match in _NUMBER.finditer(swapped) for q in _quantity(match, swapped)]
    return list(_joined(quantities, text))


def _quantity(match: re.Match[str], text: str) -> Iterator[Quantity]:
    ordinal = match["ordinal"] is not None
    fraction, decimals = False, 0
    if match["words"]:
        read = _words_value(match["words"])
        if read is None:
            return
        value, ordinal, fraction = read
    else:
        digits = match["digits"].replace(",", "").replace(" ", "")
        value = float(digits)
        decimals = len(digits.partition(".")[2])
        if match["power"]:
            value *= 10.0 ** int(match["power"])
        if match["over"]:
            under = float(match["over"].strip(" /"))
            value, fraction = (value / under if under else value), True
        if match["scale"]:
            value *= SCALES[match["scale"]]
        if match["sign"]:
            value = -value
    if _MINUS.search(text, 0, match.start()):
        value = -value
    unit, end = _unit_after(text, match.end())
    if match["words"] is None and match["money"]:
        unit = _MONEY[match["money"]]
    era = _ERA.match(text, end) or _ERA_BEFORE.search(text, 0, match.start())
    which = None if era is None else ("bc" if era.group(1).startswith("b") else "ad")
    rough = _ROUGH.search(text, 0, match.start()) is not None
    yield Quantity(value, unit, ordinal, fraction, decimals, which, match.start(), end, rough)


def _unit_after(text: str, at: int) -> tuple[str | None, int]:
    match = _UNIT.match(text, at)
    if match and match["unit"] in UNITS:
        return match["unit"], match.end()
    return None, at


def _joined(quantities: list[Quantity], text: str) -> Iterator[Quantity]:
    """Also the sums of neighbours such as `5 ft 10 in`."""
    for index, one in enumerate(quantities):
        yield one
        if index + 1 == len(quantities):
            continue
        two = quantities[index + 1]
        between = text[one.end : two.start].strip(" ,")
        close = between in ("", "and") and one.dimension is not None
        if close and one.dimension == two.dimension and two.base < one.base and one.unit:
            factor = UNITS[one.unit][1]
            total = one.value + two.base / factor
            yield Quantity(total, one.unit, False, False, 2, None, one.start, two.end)


def _words_value(text: str) -> tuple[float, bool, bool] | None:
    """(value, ordinal, fraction) of number words, or None if they make no number."""
    parts = [part for part in re.split(r"[\s-]+", text) if part != "and"]
    if not parts:
        return None
    total, current, begun = 0.0, 0.0, False
    ordinal = fraction = False
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part in NUMBER_WORDS:
            current += NUMBER_WORDS[part]
        elif part in SCALES and SCALES[part] == 100:
            current = (current or 1) * 100
        elif part in SCALES:
            total, current = total + (current or 1) * SCALES[part], 0.0
        elif part in COUNT_WORDS:
            current = (current or 1) * COUNT_WORDS[part]
        elif part in FRACTION_WORDS and (part in ("half", "quarter") or begun) and last:
            many = part not in ORDINAL_WORDS or current in (1, 0)
            value = (current or 1) * FRACTION_WORDS[part] if many else current + ORDINAL_WORDS[part]
            return total + value, not many, many
        elif part in ORDINAL_WORDS:
            current, ordinal = current + ORDINAL_WORDS[part], True
        else:
            return None
        begun = True
    return total + current, ordinal, fraction
