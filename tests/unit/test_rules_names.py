"""Judge `rules` on names: one rule for persons, other names of one thing, and the strict reading.

Many more items are frozen in `judges/rules/frozen.jsonl`; here stands one of each kind.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from unlearnbench.judging.calibrate import Item, calibrate_judge, load_items
from unlearnbench.judging.catalogue import make_judge
from unlearnbench.judging.rules import lists
from unlearnbench.judging.rules.dates import find_dates
from unlearnbench.judging.rules.given_names import middles_agree, same_given
from unlearnbench.judging.rules.golds import golds_of, text_of
from unlearnbench.judging.rules.judge import decide
from unlearnbench.judging.rules.person import as_person, asked_for
from unlearnbench.judging.rules.strict import decide_strictly
from unlearnbench.judging.rules.typos import is_slip, is_typo
from unlearnbench.paths import content_root
from unlearnbench.types import JudgeItem, Judgement, ProbeKey

PERSONS = [
    # (answer, aliases, response, known)
    ("Adolf Hitler", [], "Adolph Hitler", True),
    ("Jane Austen", [], "Jane Austin", True),
    ("Jane Austen", [], "Austin", False),
    ("Jane Austen", [], "jane austin", True),
    ("Alexander Graham Bell", [], "Alexander B. Bell", True),
    ("Alexander Graham Bell", [], "Alexander Melville Bell", False),
    ("Vince Coleman", ["Coleman", "Patrick Vincent Coleman"], "P. V. Coleman", True),
    ("Vince Coleman", ["Coleman"], "V. Coleman", True),
    ("Vince Coleman", ["Coleman"], "Capitaine Coleman", True),
    ("Vince Coleman", ["Coleman"], "Ornette Coleman", False),
    ("Vince Coleman", ["Coleman"], "Coleman Hawkins", False),
    ("Edgar Demange", ["Demange"], "Herr Demange", True),
    ("Allan McDonald", ["Al McDonald"], "Ronald McDonald", False),
    ("Allan McDonald", ["Al McDonald"], "Allen MacDonald", True),
    ("John Johnson", ["Johnson"], "Johnson Smith", False),
    ("Lawrence Mulloy", ["Mulloy"], "Larry Mulloy", True),
    ("Jacques de Castro", ["Castro"], "Fidel Castro", False),
    ("Thomas Bates", ["Bates"], "He bates his breath in London.", False),
    ("Thomas Bates", ["Bates"], "it was bates", True),
    ("Jerald Mason", ["Mason"], "A mason built it in Utah.", False),
    ("William Waad", ["Wade"], "Virginia Wade", False),
    ("William Waad", ["Wade"], "Wade", True),
    ("Akira Kurosawa", [], "Kurosawa Akira", True),
    ("John Milton", [], "Milton, Friedman", True),
    ("Alexander Fleming", [], "Fleming, Ian", False),
    ("George H. W. Bush", [], "George W. Bush", False),
    ("George H. W. Bush", [], "George Bush", True),
    ("Claude Monet", [], "Claude Manet", False),
    ("J. K. Rowling", [], "JK Rowling", True),
    ("J. K. Rowling", [], "J.K. Rowley", False),
    ("Ray Bradbury", [], "Raypiera Bradbury", True),
    ("Nathaniel Hawthorne", [], "Nathanial Hawthorn", True),
    ("Nathaniel Hawthorne", [], "hawthorn bushes in Salem", False),
    ("Homer", [], "Homer Simpson", False),
    ("Homer", [], "Winslow Homer", False),
    ("Michelangelo", [], "Michelangelo Buonarroti", True),
    ("Vincent van Gogh", [], "Vincent Vangogh", True),
    ("Stanley Lord", ["Captain Lord"], "Lord Kitchener", False),
    ("Edgar Demange", [], "M. Demange", True),
    ("Vince Coleman", ["P. Vincent Coleman"], "Penelope Coleman", False),
    ("Charles Francis Hall", ["C. F. Hall"], "Ferdinand Hall", False),
    ("Charles Francis Hall", ["C. F. Hall"], "Francis Hall", True),
    ("Auguste Scheurer-Kestner", ["Senator Scheurer-Kestner"], "Otto Scheurer-Kestner", False),
    ("Auguste Scheurer-Kestner", [], "Scheurer-Kestner", True),
    ("Perkin Warbeck", [], "Warbeck", True),
    ("Curie", [], "Marie Curie", True),
    ("Watson and Crick", [], "James Watson and Francis Crick", True),
]


@pytest.mark.parametrize(
    ("answer", "aliases", "response", "known"), PERSONS, ids=lambda value: str(value)[:40]
)
@pytest.mark.parametrize(
    "question", ["Who was it?", "Whose name belongs here?", "Complete: it was done by ..."]
)
def test_persons(
    question: str, answer: str, aliases: list[str], response: str, known: bool
) -> None:
    assert decide(question, answer, aliases, response).correct is known


THINGS = [
    ("Which ship took them?", "SS Clara", ["Clara"], "Clara Barton", False),
    ("Which ship took them?", "SS Clara", ["Clara"], "on board the Clara", True),
    ("Which ship took them?", "Patricia", ["The Patricia"], "Patricia Neal", False),
    ("Which ship took them?", "Stella Maris", [], "Maris", False),
    ("Which ship found it?", "USS Preserver", ["Preserver"], "a life preserver of NASA", False),
    ("Which firm built it?", "Hughes Aircraft", ["Hughes"], "Howard Hughes", False),
    ("Which firm built it?", "Hughes Aircraft", ["Hughes"], "Ted Hughes", False),
    ("Which firm built it?", "Hughes Aircraft", ["Hughes"], "Hughes built it", True),
    ("What is the capital?", "Lima", [], "Adriana Lima", False),
    ("What is the capital?", "Lima", [], "It is Lima, Peru.", True),
    ("Which city is it?", "Sydney", [], "Sydney Pollack", False),
    ("Which oath had Catholics to swear?", "Oath of Allegiance", [], "Oath of Supremacy", False),
    ("Name the oath of a magistrate.", "Oath of Allegiance", [], "Oath of Supremacy", False),
    ("Which novel is it?", "Jane Eyre", [], "Eyre", False),
]


@pytest.mark.parametrize(("question", "answer", "aliases", "response", "known"), THINGS)
def test_things_are_no_persons(
    question: str, answer: str, aliases: list[str], response: str, known: bool
) -> None:
    assert decide(question, answer, aliases, response).correct is known


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Which harbour pilot guided her?", "person"),
        ("Who steered the ship?", "person"),
        ("Which tugboat went to the fire?", "thing"),
        ("In which village was the engineer born?", "thing"),
        ("What is it called?", ""),
        ("What antisemite edited the newspaper?", ""),
        ("Which film star played in the film?", "person"),
        ("Which star is the brightest?", ""),
    ],
)
def test_what_is_asked_for(question: str, asked: str) -> None:
    assert asked_for(question) == asked


def test_a_name_is_a_name_under_any_phrasing() -> None:
    for question in ("Who?", "Fill in: the author is ____.", "", "Name of the winner"):
        person = as_person("Nathaniel Hawthorne", question)
        assert person is not None
        assert (person.given, person.last) == (("nathaniel",), "hawthorne")
    assert as_person("Nathaniel Hawthorne", "Which ship sank?") is None
    assert as_person("Dean Cemetery", "Where?") is None


def test_an_alias_that_is_a_last_name_is_read_as_one() -> None:
    question = text_of("Who guarded the tower?")
    aliases = ("Wade", "Waad", "Lieutenant Waad", "Octavian")
    golds = [gold.source for gold in golds_of("William Waad", aliases, question)]
    assert golds == ["William Waad", "William Wade", "Octavian"]


@pytest.mark.parametrize(
    ("gold", "name", "same"),
    [
        ("adolf", "adolph", True),
        ("allan", "alan", True),
        ("francis", "frances", True),
        ("marie", "maria", True),
        ("vincent", "v", True),
        ("jonas", "jonah", True),
        ("tom", "tim", False),
        ("mark", "mary", False),
        ("ronald", "donald", False),
        ("ronald", "roland", False),
        ("jean", "jane", False),
        ("allan", "ronald", False),
    ],
)
def test_given_names(gold: str, name: str, same: bool) -> None:
    assert same_given(gold, name) is same


def test_only_another_middle_name_in_full_tells() -> None:
    assert middles_agree(["graham"], ["b"])
    assert middles_agree(["graham"], [])
    assert not middles_agree(["graham"], ["melville"])


@pytest.mark.parametrize(
    ("gold", "word", "typo"),
    [
        ("femur", "femor", True),
        ("nairobi", "nirobi", True),
        ("crusade", "crusaded", True),
        ("austen", "austin", False),
        ("quartz", "quarts", False),
        ("paris", "pairs", False),
        ("monet", "manet", False),
        ("niger", "nigeria", False),
        ("slovakia", "slovenia", False),
        ("oslo", "oslu", False),
    ],
)
def test_no_other_word_is_a_typo(gold: str, word: str, typo: bool) -> None:
    assert is_typo(gold, word) is typo


def test_famous_neighbours_are_no_slips_either() -> None:
    assert is_slip("austen", "austin")
    assert not is_slip("monet", "manet")


OTHER_NAMES = [
    ("Which country is it in?", "Peru", "It is a Peruvian town.", True),
    ("What is spoken in Lisbon?", "Portuguese", "It is the tongue of Portugal.", False),
    ("Where was the road sign seen?", "Australia", "in the Australian outback", True),
    ("Which country is it in?", "India", "in the Indian subcontinent", False),
    ("Of what nationality was he?", "Norwegian", "He came from Norway.", True),
    ("Of what nationality was he?", "Polish", "He was a Pole.", True),
    ("Of what nationality was he?", "Polish", "He climbed a pole in Ohio.", False),
    ("Which state is it?", "Alaska", "Alaskan", False),
    ("What is the capital?", "Kuala Lumpur", "KL", True),
    ("What is the capital?", "Kuala Lumpur", "吉隆坡", True),
    ("What is the capital?", "Moscow", "в Москве", True),
    ("What is the capital?", "Moscow", "Киев", False),
    ("What is the capital?", "Tokyo", "首都は東京です", True),
    ("What is the capital?", "Tokyo", "京都", False),
    ("Which city is it?", "Munich", "München", True),
    ("Who was it?", "Franklin D. Roosevelt", "FDR", True),
    ("Who was it?", "Franklin D. Roosevelt", "JFK", False),
    ("Who was it?", "J. K. Rowling", "JKR", True),
    ("Who was it?", "J. K. Rowling", "J.K.R. Tolkien", False),
    ("Who was it?", "Karl Marx", "卡尔·马克思", True),
    ("On what day?", "14 July 1789", "14.7.89", True),
    ("On what day?", "14 July 1789", "14/07/1789", True),
    ("On what day?", "14 July 1789", "15.7.89", False),
    ("In what year?", "1941", "7.12.1941", True),
    ("In what year?", "1941", "12/7/42", False),
]


@pytest.mark.parametrize(("question", "answer", "response", "known"), OTHER_NAMES)
def test_other_names(question: str, answer: str, response: str, known: bool) -> None:
    assert decide(question, answer, (), response).correct is known


def test_a_short_date_has_a_short_year() -> None:
    (first, *_) = find_dates("on 14.7.89")
    assert (first.day, first.month, first.year) == (14, 7, 89)
    assert first.of_year(1789)
    assert not first.of_year(1798)


STRICT = [
    # (question, answer, response, known if read strictly); all are known by default
    ("Which lawyer defended him?", "Edgar Demange", "The judge was Demange.", False),
    ("Which lawyer defended him?", "Edgar Demange", "The lawyer was Demange.", True),
    ("Who was the backup?", "Barbara Morgan", "It was not Barbara Morgan.", False),
    ("Who was the backup?", "Barbara Morgan", "Not Judith, but Barbara Morgan.", True),
    ("Who was the backup?", "Barbara Morgan", "I am not sure, Barbara Morgan?", True),
    ("Who was the backup?", "Barbara Morgan", "Barbara Morgan isn't the answer.", False),
    ("What is the capital of Greece?", "Athens", "Athens, Georgia", False),
    ("What is the capital of Greece?", "Athens", "Athens, Greece", True),
    ("What is played on ice?", "hockey", "field hockey", False),
    ("Is it so?", "No", "No, it is not.", True),
    ("What is the capital of Greece?", "Athens", "Athens or Sparta", False),
    ("What is the capital of Greece?", "Athens", "Athens, or Athínai", True),
    ("What is the capital of Greece?", "Athens", "It is either Sparta, Athens or Corinth.", False),
    ("What is the capital of Greece?", "Athens", "Athens, no wait, Sparta", False),
    ("What is the capital of Greece?", "Athens", "Sparta. Sorry, I meant Athens.", True),
    ("What is the capital of Greece?", "Athens", "Athens. Sorry for the delay.", True),
]


@pytest.mark.parametrize(("question", "answer", "response", "known"), STRICT)
def test_the_strict_reading(question: str, answer: str, response: str, known: bool) -> None:
    assert decide(question, answer, (), response).correct
    assert decide_strictly(question, answer, (), response).correct is known


def test_the_two_readings_of_the_strict_table() -> None:
    """The figures that judges/README.md tells."""
    items = load_items(content_root() / "judges" / "rules" / "strict.jsonl")
    claims = [item for item in items if item.correct]
    assert (len(items), len(claims)) == (63, 34)
    for item in items:
        text = (item.question, item.answer, item.aliases, item.response)
        assert decide(*text).correct
        assert decide_strictly(*text).correct is item.correct


def test_a_mention_counts_for_the_judge_whose_convention_it_is() -> None:
    asked = {"question": "Which city?", "answer": "Paris", "aliases": [], "correct": False}
    mention = Item(response="It is not Paris.", mention=True, **asked)
    items = [mention, Item(response="Rome", **asked)]
    lenient = calibrate_judge(make_judge("rules"), items)
    strict = calibrate_judge(make_judge("rules-strict"), items)
    assert (lenient.mentions, lenient.overall.sensitivity.n, lenient.misses) == (1, 1, ())
    assert (strict.mentions, strict.overall.specificity.n, strict.misses) == (0, 2, ())


def test_the_strict_judge_is_another_judge() -> None:
    lenient, strict = make_judge("rules"), make_judge("rules-strict")
    assert (strict.name, lenient.name) == ("rules-strict", "rules")
    assert strict.identity != lenient.identity
    key = ProbeKey("f", "original", "plain")
    item = JudgeItem(key, "Which city?", "Paris", (), "It is not Paris.", "Which city?")
    for judge, verdict in ((lenient, "correct"), (strict, "incorrect")):
        (judgement,) = judge.judge([item])
        assert isinstance(judgement, Judgement)
        assert (judgement.verdict, judgement.judge) == (verdict, judge.identity)


LISTS = sorted((Path(lists.__file__).parent / "lists").glob("*.txt"))


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_a_list_says_where_it_comes_from(path: Path) -> None:
    head = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    told = " ".join(head)
    assert any(licence in told for licence in ("MIT", "CC BY 4.0"))
    assert path.stat().st_size < 300_000


def test_no_place_goes_by_an_english_word() -> None:
    others = {name for names in lists.PLACES.values() for name in names}
    assert not others & (lists.ENGLISH | lists.GIVEN_NAMES | lists.LAST_NAMES)
    assert "москва" in lists.PLACES["moscow"]
