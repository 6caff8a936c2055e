"""Names as parts of ids: never empty, one for all spellings, never one for two names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnbench.benchmark.rwku_subjects import chosen_subjects
from unlearnbench.benchmark.slugs import slug_of, spelling_key
from unlearnbench.errors import BenchmarkError

names = st.text(min_size=1, max_size=12).filter(str.strip) | st.sampled_from(
    ["李娜", "李纳", "Ян", "Јан", "Jan", "!!!", "…", "☮", "مريم", "孔子", "Beyoncé", "\u0301", "½"]
)


@settings(deadline=None)
@given(names, names)
def test_a_slug_stands_for_one_name(one: str, other: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug_of(one))
    assert spelling_key(one)
    assert (slug_of(one) == slug_of(other)) == (spelling_key(one) == spelling_key(other))


@settings(deadline=None)
@given(names)
def test_spelling_a_key_again_changes_nothing(name: str) -> None:
    key = spelling_key(name)
    assert spelling_key(key) == key
    assert slug_of(key) == slug_of(name)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Beyoncé", "BEYONCE", True),
        ("Beyonce\u0301", "Beyoncé", True),
        ("Søren Kierkegaard", "soren_kierkegaard", True),
        ("Ｍａｒｉｅ Curie", "Marie-Curie", True),
        ("Jay-Z", "jay z", True),
        ("O’Connor", "O'Connor", True),
        ("李娜", "李纳", False),
        ("Ян", "Jan", False),
        ("!!!", "???", False),
    ],
)
def test_which_names_are_spellings_of_one(one: str, other: str, same: bool) -> None:
    assert (slug_of(one) == slug_of(other)) is same


def test_names_in_latin_letters_have_no_digest() -> None:
    assert slug_of("Prince Harry, Duke of Sussex") == "prince-harry-duke-of-sussex"
    assert re.fullmatch(r"kongzi-[0-9a-f]{8}", slug_of("孔子"))
    assert slug_of("!!!").startswith("name-")


@settings(deadline=None)
@given(st.lists(names, min_size=1, max_size=6, unique_by=spelling_key))
def test_every_subject_is_found_by_its_name_and_slug(known: list[str]) -> None:
    for name in known:
        assert chosen_subjects([name], known) == (name,)
        assert chosen_subjects([slug_of(name)], known) == (name,)


def test_a_name_that_sounds_like_several_is_not_guessed() -> None:
    assert chosen_subjects(["Li Na"], ["李娜", "Marie Curie"]) == ("李娜",)
    with pytest.raises(BenchmarkError, match="could be '李娜', '李纳'"):
        chosen_subjects(["li na"], ["李娜", "李纳"])
