"""Data of the judge: word lists from `tables.toml`, and tables kept in Python."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from unlearnbench.judging.rules import lists

_TABLES: dict[str, Any] = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_TABLES["lists"][name].split())


ARTICLES = _words("articles")
FUNCTION_WORDS = _words("function_words")
TITLES = _words("titles")
ADDRESSES = TITLES | _words("foreign_titles") | _words("ranks")
"""Every word that may stand before a person's name and is no part of it."""
SUFFIXES = _words("suffixes")
PARTICLES = _words("particles")
MONONYMS = _words("mononyms")
PERSON_CUES = _words("person_cues") | _words("person_words")
YES = _words("yes")
NO = _words("no")
CASE_SENSITIVE_WORDS = _words("case_sensitive_words")
NO_DOER = _words("no_doer")
VERB_HOMOGRAPHS = _words("verb_homographs")
NOUN_PLACES = _words("noun_places")
WORD_NAMES = _words("word_names")
GENERIC_BEFORE = _words("generic_before")
GENERIC_AFTER = _words("generic_after")
GENERIC_OF = _words("generic_of")
KIND_WORDS = _words("kind_words")
NOBLES = _words("nobles")
THINGS = _words("things")
NAME_PLACES = _words("name_places")
DETERMINERS = _words("determiners")
TOWN_NAMES = _words("town_names")
OWN_LAST_NAMES = _words("own_last_names")
PHRASE_ENDS = _words("phrase_ends")
NOT_ALONE = _words("not_alone")
SYMBOL_WORDS = _words("symbol_words")
FILLER = _words("filler")
SHORT_WORDS = _words("short_words")
CONFUSABLE = frozenset(frozenset(pair.split("/")) for pair in _words("confusable"))
NO_COMMITMENT: tuple[str, ...] = tuple(_TABLES["lists"]["no_commitment"])
ABBREVIATIONS: dict[str, str] = _TABLES["abbreviations"]
SPELLINGS: dict[str, str] = _TABLES["spellings"]
LONGER_NAMES: list[list[str]] = [name.split() for name in _TABLES["lists"]["longer_names"]]


def _synonyms() -> dict[str, tuple[str, ...]]:
    """Each name of a group -> the other names."""
    groups = [[name.strip() for name in group.split("=")] for group in _TABLES["lists"]["synonyms"]]
    others: dict[str, tuple[str, ...]] = {}
    for group in groups:
        for name in group:
            key = " ".join(name.lower().split())
            others[key] = others.get(key, ()) + tuple(other for other in group if other != name)
    return others


SYNONYMS = _synonyms()


def _names(name: str) -> frozenset[str]:
    """Names of one word or several, set apart by bars and lines."""
    return frozenset(_TABLES["lists"][name].strip().replace("\n", "|").split("|"))


def _pairs(name: str) -> dict[str, tuple[str, ...]]:
    """Lines of `name = other | other`."""
    lines = (line.partition(" = ") for line in _TABLES["lists"][name].split("\n") if line)
    return {name: tuple(others.split(" | ")) for name, _, others in lines}


ROLES: list[str] = [line for line in _TABLES["lists"]["roles"].splitlines() if line]
REGIONS = _names("regions")
QUALIFIED = _names("qualified")
SHORT_NAMES = _pairs("short_names")
NAMES_ELSEWHERE = _pairs("names_elsewhere")
_PEOPLE = _pairs("demonyms")
COUNTRIES = frozenset(_PEOPLE)
_GROUPS = [(name, *others) for name, others in _PEOPLE.items()]
DEMONYMS = {one: tuple(o for o in group if o != one) for group in _GROUPS for one in group}
DISTINGUISHING = _words("directions") | {w for others in _PEOPLE.values() for w in others}
"""Adjectives that tell one thing from its namesakes: of a direction or a country."""


def _name_groups() -> dict[str, frozenset[int]]:
    """A given name -> the numbers of the groups of equal names that it is in."""
    pairs = [(short, long) for short, long in _TABLES["nicknames"].items()]
    groups = [group.split() for group in _TABLES["lists"]["same_names"].splitlines()]
    numbers: dict[str, set[int]] = {}
    for number, group in enumerate([*pairs, *groups]):
        for name in group:
            numbers.setdefault(name, set()).add(number)
    return {name: frozenset(found) for name, found in numbers.items()}


NAME_GROUPS = _name_groups()
_WORDS_TOO = frozenset(("al", "art", "august", "dot", "oz", "rich", "sandy", "will"))
GIVEN_NAMES = _words("given_names") | lists.GIVEN_NAMES | (NAME_GROUPS.keys() - _WORDS_TOO)
TELLING_MIDDLES = frozenset({("john", "adams"), ("george", "bush")})
"""Given and last names of more than one famous person, told apart by what stands between."""

UNITS: dict[str, tuple[str, float, float]] = {
    name: (dimension, factor, 0.0)
    for dimension, members in _TABLES["units"].items()
    for names, factor in members.items()
    for name in names.split()
}
"""Unit -> (dimension, factor, offset): base value = (value + offset) * factor."""
UNITS |= {
    "temp_c": ("temperature", 1.0, 0.0),
    "temp_f": ("temperature", 5 / 9, -32.0),
    "temp_k": ("temperature", 1.0, -273.15),
}

LETTERS = str.maketrans(
    {
        "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
        "þ": "th", "Þ": "Th", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ı": "i",
        "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "ʻ": "'", "“": '"', "”": '"',
        "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "‒": "-", "×": "x",
        "♯": "#",
    }
)  # fmt: skip

LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеѕіјорсухѵɡԁΑΒΕΖΗΙΚΜΝΟΡΤΥΧαοριυνκ",
    "ABESIJKMHOPCTXYaesijopcyxvgdABEZHIKMNOPTYXaopiuvk",
)

NUMBER_WORDS = (
    {
        word: value
        for value, word in enumerate(
            [
                "zero",
                "one",
                "two",
                "three",
                "four",
                "five",
                "six",
                "seven",
                "eight",
                "nine",
                "ten",
                "eleven",
                "twelve",
                "thirteen",
                "fourteen",
                "fifteen",
                "sixteen",
                "seventeen",
                "eighteen",
                "nineteen",
            ]
        )
    }
    | {
        word: 10 * value
        for value, word in enumerate(
            ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
        )
    }
    | {"fourty": 40, "nought": 0, "nil": 0}
)

SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "mn": 10**6, "bn": 10**9,
}  # fmt: skip

ORDINAL_WORDS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
    "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50,
    "sixtieth": 60, "seventieth": 70, "eightieth": 80, "ninetieth": 90, "hundredth": 100,
}  # fmt: skip

FRACTION_WORDS = {
    "half": 0.5, "halves": 0.5, "third": 1 / 3, "thirds": 1 / 3, "quarter": 0.25,
    "quarters": 0.25, "fourth": 0.25, "fourths": 0.25, "fifth": 0.2, "fifths": 0.2,
    "sixth": 1 / 6, "sixths": 1 / 6, "eighth": 0.125, "eighths": 0.125, "tenth": 0.1,
    "tenths": 0.1, "twelfth": 1 / 12, "twelfths": 1 / 12,
}  # fmt: skip

COUNT_WORDS = {"dozen": 12, "score": 20, "pair": 2, "couple": 2}

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier januar enero gennaio janeiro januari",
            "february feb fevrier februar febrero febbraio fevereiro februari",
            "march mar mars marz marzo marco maart",
            "april apr avril abril aprile",
            "may mai mayo maggio maio mei",
            "june jun juin juni junio giugno junho",
            "july jul juillet juli julio luglio julho",
            "august aug aout agosto augustus",
            "september sep sept septembre septiembre settembre setembro",
            "october oct octobre oktober octubre ottobre outubro",
            "november nov novembre noviembre novembro",
            "december dec decembre dezember diciembre dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip

CHEMICAL_ENDINGS = ("ate", "ite", "ide", "ane", "ene", "yne", "ine", "ous", "ium", "ase", "ose")

LEARNED_ENDINGS = ("ology", "ologist", "ography", "onomy", "phobia", "cracy", "archy", "itis")
"""Endings of words of learning, whose stems must agree to the letter."""
TELLING_BEGINNINGS = (
    "hyper", "hypo", "inter", "intra", "macro", "micro", "endo", "exo", "ecto", "pre", "pro",
    "post", "anti", "ante", "homo", "hetero", "mono", "poly", "sub", "super", "ultra", "infra",
    "meta", "para",
)  # fmt: skip
"""Beginnings that make two words of one stem different things."""
