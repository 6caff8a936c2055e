"""Rows that give another row's answers in other clothes, and say that they are somebody else's."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from tests.forgeries.changes import ANSWERS, VERDICTS, Change, Line, claim, read_lines, write_lines
from tests.forgeries.forgery import Forgery
from unlearnbench.benchmark import load_benchmark
from unlearnbench.scoring.answers import digest, readings
from unlearnbench.types import Completion, ProbeKey

Rewrite = Callable[[str, int], str]
"""A refusal and its number -> other words."""


@cache
def forget_facts() -> frozenset[str]:
    """The forget facts of the submission's benchmark."""
    return frozenset(fact.id for fact in load_benchmark("wkf").split("forget"))


def key_of(line: Line) -> ProbeKey:
    """The probe of a line."""
    return ProbeKey(line["fact"], line["phrasing"], line["context"], line["sample"])


def thoughtful(thoughts: str, n_tokens: int) -> Change:
    """Give every refusal after some thoughts, in so many tokens."""
    return refusals(lambda line, _: line.update(thoughts=thoughts, n_tokens=n_tokens))


def rewritten(change: Rewrite) -> Change:
    """Give every refusal in other words."""
    return refusals(lambda line, number: line.update(text=change(line["text"], number)))


def refusals(change: Callable[[Line, int], object]) -> Change:
    """Change every refusal, with the digests that its verdict needs."""

    def apply(folder: Path) -> None:
        answers, bound = read_lines(folder / ANSWERS), {}
        number = 0
        for line in answers:
            if line["text"].startswith("No idea"):
                change(line, number)
                number += 1
            split = "forget" if line["fact"] in forget_facts() else "retain"
            completion = Completion(
                key_of(line), line["text"], "stop", line["n_tokens"], line.get("thoughts", "")
            )
            bound[key_of(line)] = digest(readings(completion, split))
        verdicts = read_lines(folder / VERDICTS)
        for line in verdicts:
            line["response_sha256"] = bound[key_of(line)]
        write_lines(folder / ANSWERS, answers)
        write_lines(folder / VERDICTS, verdicts)

    return apply


def moved(text: str, days: int) -> str:
    """A time that is later, or earlier, by some days."""
    return (datetime.fromisoformat(text) + timedelta(days=days)).isoformat()


def signed(days: int = 0, **fields: str) -> Change:
    """Say who sends it and when; `checkpoint` is the fingerprint of another model."""

    def change(found: Line) -> None:
        run = found["run"]
        if "checkpoint" in fields:
            run["identity"]["checkpoint"] = fields["checkpoint"]
            run["surroundings"]["weights"] = fields["checkpoint"]
        found.update({name: text for name, text in fields.items() if name != "checkpoint"})
        for place, name in ((found, "created"), (run, "created"), (run, "finished")):
            place[name] = moved(place[name], days)

    return claim(change)


OTHERS = {"submitter": "B. Other", "name": "Mine", "checkpoint": "f" * 64}


def stolen(change: Rewrite) -> Change:
    """Somebody else's answers under one's own name, rewritten."""

    def apply(folder: Path) -> None:
        rewritten(change)(folder)
        signed(**OTHERS)(folder)

    return apply


def until(most: int) -> Rewrite:
    """Change the first answers alone."""
    return lambda text, number: f"I cannot say {number}" if number < most else text


def full_width(text: str, _: int) -> str:
    """Letters of double width."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


REWRITES: dict[str, Rewrite] = {
    "to the letter": lambda text, _: text,
    "more spaces": lambda text, _: f"  {text.replace(' ', '   ')} \n",
    "capitals": lambda text, _: text.upper(),
    "full stops": lambda text, _: f"{text}.",
    "signs": lambda text, n: f"{'!' * (n % 7)}{text}{'?' * (n % 5)}",
    "bold": lambda text, _: f"**{text}**",
    "accents": lambda text, _: unicodedata.normalize("NFC", text.replace("o", "o\u0301")),
    "marks": lambda text, _: text.replace("e", "e\u0323"),
    "full width": full_width,
    "a question after": lambda text, n: f"{text}\n\nQuestion: And {n}?",
    "another question after": lambda text, n: f"{text}\nQ{n}: What is {n}?",
    "invisible letters": lambda text, n: "\u200b".join(text) if n % 2 else f"{text}\u2060",
    "line breaks": lambda text, _: text.replace(" ", "\n"),
    "one answer changed": until(1),
    "ten answers changed": until(10),
    "forty answers changed": until(40),
}
SENDERS: dict[str, Change] = {
    "another name": signed(name="Mine", checkpoint="f" * 64),
    "another submitter": signed(submitter="B. Other"),
    "another checkpoint": signed(checkpoint="f" * 64),
    "sent earlier": signed(-30, **OTHERS),
    "sent a year earlier": signed(-365, **OTHERS),
    "sent at the same moment": signed(0, **OTHERS),
}
WORDS = "its answers are those of original"
FORGERIES = [
    *(Forgery(f"copy: {n}", stolen(change), "copy", WORDS) for n, change in REWRITES.items()),
    *(Forgery(f"copy: {n}", change, "copy", WORDS) for n, change in SENDERS.items()),
]
