"""Which names are one person's."""

from __future__ import annotations

import pytest

from unlearnbench.submissions.people import same_person

SAME = {
    "case": "a. PERSON",
    "spaces": "A.Person",
    "no stop": "A Person",
    "hyphen": "A-Person",
    "accent": "A. P\u00e9rson",
    "full width": "\uff21. Person",
    "Cyrillic": "\u0410. P\u0435rs\u043en",
    "Greek": "\u0391. P\u03b5rs\u03bfn".replace("\u03b5", "e"),
    "small capital": "\u1d00. Person",
    "turned": "Person, A.",
    "one dot": "A\u2024 Person",
}
OTHERS = {
    "another name": ("A. Person", "B. Person"),
    "more names": ("A. Person", "A. B. Person"),
    "order alone": ("Li Wei", "Wei Li"),
    "Hindi vowels": ("\u0915\u093f", "\u0915\u093e"),
    "Japanese": ("\u304b", "\u304c"),
    "signs alone": ("!", "?"),
}


@pytest.mark.parametrize("name", SAME)
def test_one_person(name: str) -> None:
    assert same_person("A. Person", SAME[name])
    assert same_person(SAME[name], "A. Person")


@pytest.mark.parametrize("name", OTHERS)
def test_two_people(name: str) -> None:
    assert not same_person(*OTHERS[name])
