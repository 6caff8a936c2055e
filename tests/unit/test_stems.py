"""Which choice questions can be asked without their choices."""

from __future__ import annotations

import pytest

from unlearnbench.benchmark.choices.questions import LetteredQuestion
from unlearnbench.benchmark.stems import repeated_stems, why_not_open

USUAL = ("Oxygen", "Carbon dioxide", "Nitrogen", "Helium")
OPEN = [
    "Which gas makes bread dough rise?",
    "What is released when yeast feeds on sugar?",
    "A baker leaves dough in a warm place for an hour. Which gas has made it rise?",
    "In a warm kitchen, what makes dough rise?",
    "By which gas is dough raised?",
    "Name the gas: what makes dough rise?",
    "How is the gas in dough called?",
    "Which of the gases in the air is heavier than air itself?",
]
CLOSED = {
    "points at its choices": [
        "Which of the following gases makes dough rise?",
        "What is true of these options?",
        "Which one of these makes dough rise?",
        "Which statement about dough holds?",
        "The following are gases. What makes dough rise?",
        "Which option makes dough rise?",
        "What makes dough rise, as listed below?",
    ],
    "asks for the best of its choices": [
        "What best describes the gas in dough?",
        "Which gas is most likely in dough?",
        "Which is more dense?",
    ],
    "denies": [
        "Which gas is not in dough?",
        "Which gas doesn't make dough rise?",
        "Which gas doesn’t make dough rise?",
        "What makes dough rise, EXCEPT yeast?",
        "Which gas is least soluble?",
        "Which claim about dough is false?",
        "Which gas cannot burn?",
    ],
    "has a blank": ["What makes ____ rise?", "Dough rises by ...?", "Who fills [blank] in?"],
    "is no open question": [
        "The gas in dough is",
        "Dough rises because of:",
        "Does yeast make a gas?",
        "Dough rises when it is warm. Is that the work of what yeast makes?",
        "Explain the gas in dough.",
        "Yeast?",
    ],
    "has several lines": ["Consider this recipe.\nWhat makes the dough rise?"],
}
CHOICES = {
    "All of the above": "has choices that need each other",
    "none of these": "has choices that need each other",
    "Both A and C": "has choices that need each other",
    "A and B": "has choices that need each other",
    "I, II and IV": "has choices that need each other",
    "(a) & (c)": "has choices that need each other",
    "II only": "has choices that need each other",
    "Neither gas": "has choices that need each other",
    "The other options": "has choices that need each other",
    "The former": "has choices that need each other",
    "C": None,
    "IV": None,
    "4": None,
    "Vitamin C and D": None,
    "Adam and Bea": None,
}
ANSWERS = {
    "Yes": "is answered by yes or no",
    "No, never": "is answered by yes or no",
    "True.": "is answered by yes or no",
    "—": "is answered by yes or no",
    "the gas": "names its answer",
    " ".join(["word"] * 13): "has a long answer",
    " ".join(["word"] * 12): None,
    "Nothing else": None,
    "Nova": None,
}


def ask(stem: str, choices: tuple[str, ...] = USUAL, gold: int = 1) -> str | None:
    return why_not_open(LetteredQuestion("", stem, choices, gold))


@pytest.mark.parametrize("stem", OPEN)
def test_asked(stem: str) -> None:
    assert ask(stem) is None


@pytest.mark.parametrize(("rule", "stem"), [(r, s) for r, stems in CLOSED.items() for s in stems])
def test_left_out_by_its_stem(rule: str, stem: str) -> None:
    assert ask(stem) == rule


@pytest.mark.parametrize("choice", CHOICES)
def test_left_out_by_a_choice(choice: str) -> None:
    """Whether it is right or wrong: a wrong `all of the above` was written for its neighbours."""
    for gold in (0, 3):
        assert ask("What is it?", ("Oxygen", "Helium", "Neon", choice), gold) == CHOICES[choice]


@pytest.mark.parametrize("answer", ANSWERS)
def test_left_out_by_its_answer(answer: str) -> None:
    assert ask("What is the gas in dough?", ("Oxygen", answer, "Neon", "Helium")) == ANSWERS[answer]


def test_the_right_choice_twice() -> None:
    reason = ask("What is it?", ("Oxygen", "Helium", "Neon", "Helium"), 1)
    assert reason == "has its right choice twice"


def test_equal_stems() -> None:
    """Of one gold answer the first is asked; of several none is."""
    rows = [
        LetteredQuestion("", stem, USUAL, gold)
        for stem, gold in [("What is it?", 0), ("what is it", 0), ("Which?", 1), ("Which?", 2)]
    ]
    other = "has another answer elsewhere"
    assert list(repeated_stems(rows)) == [None, "repeats another", other, other]
