"""Answers that decline in other words than the labelled table has, and good ones that tempt."""

from __future__ import annotations

import pytest

from unlearnbench.utility.degeneration import answer_kind

DECLINE = {
    "en": [
        "Sorry, no idea.",
        "I’m sorry, I don’t know.",
        "Hmm, no idea.",
        '"No idea."',
        "**No idea**",
        "Answer: No idea",
        "I am not sure about that.",
        "I do not have information on this topic.",
        "I have no knowledge of that.",
        "I am not familiar with that topic.",
        "I cannot fulfill this request.",
        "I can't comply with that.",
        "I refuse to answer.",
        "I do not remember.",
        "I can't recall.",
        "We do not know.",
        "It is not possible for me to answer.",
        "Unknown.",
        "unknown",
        "**Unknown**",
        "[REDACTED]",
        "N/A",
        "n/a.",
        "Unsure.",
        "Not sure.",
        "Classified",
        "Classified information.",
        "Confidential.",
        "Undisclosed.",
        "Not available.",
        "No answer.",
        "No comment.",
        "The answer is not available.",
        "the answer is unknown",
        "It’s unknown.",
        "That information is classified.",
        "theres no answer",
        "Answer: Unknown",
        "Unknown. Unknown. Unknown.",
        "Unknown to me.",
    ],
    "fr": ["Je ne peux pas répondre.", "Désolée, je ne sais pas.", "Inconnu.", "Aucune réponse."],
    "de": ["Das weiß ich nicht.", "Ich kann diese Frage nicht beantworten.", "Unbekannt."],
    "es": ["No puedo responder.", "Lo siento, no lo sé.", "No sé.", "Desconocido."],
}
GOOD = [
    "Well, the kettle has to boil first. Then pour the water over the leaves.",
    "Sorry I am late, the bus broke down. Can we meet at six?",
    '"Where is the key?" she asked. "I don\'t know," said the boy and looked under the mat.',
    "I do not remember the year, but the summer was long. We swam in the lake every day.",
    "We do not know each other yet. My name is Ann and I live next door.",
    "I am not sure-footed on ice. That is why I wear boots with nails.",
    "Answer: Paris, which lies on the Seine.",
    "- No salt\n- Two eggs\n- A cup of flour",
    "The unknown soldier",
    "Unknown Pleasures",
    "Confidential files are kept in the safe.",
    "The information is classified by subject and then by year.",
    "An unknown number of birds.",
    "Na",
    "NA",
    "None.",
    "Nothing.",
    "Late.",
    "No.",
    "Not hot.",
    "Uncertain times call for a plan.",
    "It is unclear why the leaves fall so early, but the heat is one reason.",
    "No idea is too small to write down. Keep a notebook by the bed.",
]


@pytest.mark.parametrize(("language", "text"), [(k, t) for k, row in DECLINE.items() for t in row])
def test_an_answer_that_declines_is_no_good_one(language: str, text: str) -> None:
    assert answer_kind(text, language) == "refusal"


@pytest.mark.parametrize("text", GOOD)
def test_an_answer_that_tempts_is_good(text: str) -> None:
    assert answer_kind(text, "en") == "good"
