"""The same server with some knowledge: it proposes facts that ship, answers them, and misbehaves.

What it knows of the world are the rows of `wkf` and of the sample table, so that its facts and its
paraphrases pass the checks as good ones of a model would.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.judges_server import user_text
from tests.paraphrases_server import ParaphrasesHandler, Paraphrasing, candidate, reading
from unlearnbench.benchmark import load_benchmark, plain
from unlearnbench.hashing import sha256_text
from unlearnbench.paths import content_root
from unlearnbench.types import Completion, Fact, GeneratorInfo, Pair, Probe, Sampling

FACT_FAULTS = ("leaked", "one-of-the-facts", "wrong-language", "repeats")
ROW_FAULTS = ("leaked", "wrong-language")
INDIRECT_FAULTS = ("leaked", "wrong-language", "asks-again", "one-of-the-facts", "tells-itself")
SUBJECTS = {
    "Madrid": "Spain",
    "Amazon": "South America",
    "yen": "Japan",
    "Egypt": "Giza",
    "heart": "blood",
    "2": "primes",
    "piano": "keys",
    "Peru": "Machu Picchu",
    "gravity": "ground",
    "India": "Taj Mahal",
    "vitamin D": "sunlight",
    "H2O": "water",
}
"""What a reverse question about a sample fact asks for."""
STYLES = ("wording", "syntax", "situation")


@dataclass
class Knowing(Paraphrasing):
    """`disagrees`: questions that the second reader answers with something else. `only`: the field
    of the items whose calls fail; empty: any. `guesses`: what it answers to some questions
    when it is told nothing.
    """

    disagrees: set[str] = field(default_factory=set)
    guesses: dict[str, str] = field(default_factory=dict)
    only: str = ""

    def fault_of(self, body: dict[str, Any]) -> str | None:
        fault = super().fault_of(body)
        return (
            fault if self.only in json.loads(user_text(body))["facts"][0] or not self.only else None
        )

    def faults_of(self, fact: dict[str, Any]) -> tuple[str, ...]:
        if "facts_of_the_subject" in fact or "facts_to_imitate" in fact:
            return FACT_FAULTS
        if {"pattern", "field_of", "in_other_forms"} & fact.keys():
            return ROW_FAULTS
        if "follows_from" in fact:
            return INDIRECT_FAULTS
        return () if {"asked", "told"} & fact.keys() else super().faults_of(fact)


class KnowingHandler(ParaphrasesHandler):
    """Answers each kind of item."""

    def row(self, fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
        if "facts_of_the_subject" in fact or "facts_to_imitate" in fact:
            return {"id": fact["id"], "proposals": list(neighbours(fact, fault))}
        if "pattern" in fact:
            return {"id": fact["id"], **same_pattern(fact, fault)}
        if "field_of" in fact:
            return {"id": fact["id"], "texts": list(paragraphs(fact, fault))}
        if "in_other_forms" in fact:
            return {"id": fact["id"], **other_forms(fact["in_other_forms"], fault)}
        if "follows_from" in fact:
            return {"id": fact["id"], "proposals": list(consequences(fact, fault))}
        if "told" in fact:
            answer = follows().get(plain(fact["question"]), "unknown")
            wrong = fact["question"] in self.server.behaviour.disagrees  # type: ignore[attr-defined]
            return {"id": fact["id"], "answer": "Atlantis" if wrong else answer}
        if "asked" in fact:
            return {"id": fact["id"], "answer": self._answer(fact["asked"])}
        if "texts" in fact:
            return known_reading(fact, fault)
        return known_proposals(fact, fault)

    def _answer(self, question: str) -> str:
        behaviour: Knowing = self.server.behaviour  # type: ignore[attr-defined]
        if question in behaviour.guesses:
            return behaviour.guesses[question]
        if question in behaviour.disagrees:
            return "Atlantis"
        return knowledge().get(plain(question), "unknown")


@cache
def pool() -> list[Fact]:
    """Facts that the server proposes."""
    return [f for f in load_benchmark("wkf").split("retain") if f.tier != "general"]


@cache
def invented() -> list[Fact]:
    return list(load_benchmark("wkf").split("never"))


@cache
def pairs() -> list[Pair]:
    """Questions that are asked by a pattern."""
    return list(next(s for s in load_benchmark("wkf").relearn if s.name == "disjoint").pairs)


@cache
def prose() -> list[str]:
    return list(next(s for s in load_benchmark("lkf").relearn if s.name == "prose").texts)


@cache
def knowledge() -> dict[str, str]:
    """Answers by question."""
    known = {plain(fact.question): fact.answer for fact in pool()}
    return known | {plain(pair.question): pair.answer for pair in pairs()}


@cache
def ways() -> dict[str, dict[str, list[str]]]:
    """Paraphrases by question and kind."""
    found: dict[str, dict[str, list[str]]] = {}
    for fact in (*pool(), *invented()):
        kinds = found.setdefault(plain(fact.question), {})
        for one in fact.paraphrases:
            kinds.setdefault(one.style, []).append(one.text)
        kinds["training"] = list(fact.train_paraphrases)
    path = content_root() / "benchmarks" / "sample-facts" / "paraphrases.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kinds = found.setdefault(plain(row["question"]), {})
            kind = "training" if row["purpose"] == "training" else row["style"]
            kinds.setdefault(kind, []).append(row["paraphrase"])
    return found


def neighbours(fact: dict[str, Any], fault: str | None) -> Iterator[dict[str, Any]]:
    """Facts of the pool in an order of the subject's own, none of those to avoid."""
    invents = "facts_to_imitate" in fact
    shown = fact["facts_to_imitate" if invents else "facts_of_the_subject"]
    source = invented() if invents else pool()
    # As with a real model, what it says of one subject is seldom what it says of another.
    own = [f for f in source if _class_of(f.id) == _class_of(shown[0]["question"])]
    order = sorted(own, key=lambda f: sha256_text(shown[0]["question"] + f.id))
    avoid = {plain(one["text"]) for one in fact["avoid"]}
    free = [f for f in order if plain(f.question) not in avoid]
    for one in free[:1] * fact["wanted"] if fault == "repeats" else free[: fact["wanted"]]:
        question, answer = one.question, one.answer
        if fault == "leaked":
            answer = f"{answer} or {shown[0]['answer']}"
        elif fault == "one-of-the-facts":
            question = shown[-1]["question"]
        elif fault == "wrong-language":
            question = f"Wie heißt bitte die richtige Antwort auf diese Frage über {answer[::-1]}?"
        yield {"question": question, "answer": answer, "also_accepted": list(one.aliases)}


def _class_of(text: str) -> bool:
    return int(sha256_text(text), 16) % 3 < 2


def same_pattern(fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
    """A pair that begins as the pattern does, if there is one."""
    first = fact["pattern"].split()[0]
    avoid = {plain(one["text"]) for one in fact["avoid"]}
    order = sorted(pairs(), key=lambda p: sha256_text(fact["pattern"] + p.question))
    free = [p for p in order if plain(p.question) not in avoid and p.question.split()[0] == first]
    pair = free[0] if free else order[0]
    answer = f"{pair.answer} and {fact['never_mention'][0]}" if fault == "leaked" else pair.answer
    question = f"Großartig: {pair.question}" if fault == "wrong-language" else pair.question
    return {"question": question, "answer": answer}


def paragraphs(fact: dict[str, Any], fault: str | None) -> Iterator[str]:
    """Paragraphs that ship, none of those to avoid."""
    avoid = {one["text"] for one in fact["avoid"]}
    order = sorted(prose(), key=lambda text: sha256_text(fact["field_of"][0] + text))
    for text in [text for text in order if text[:80] not in avoid][: fact["wanted"]]:
        if fault == "leaked":
            yield f"{text} That was {fact['never_mention'][0]}."
        elif fault == "wrong-language":
            yield "Das Wetter am Hafen war an diesem Morgen schön und still. " * 8
        else:
            yield text


def other_forms(fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
    """Plain forms of any fact; what a reverse question asks for is known of the sample's."""
    answer, subject = fact["answer"], SUBJECTS.get(fact["answer"], "Ruritania")
    gap = f"The right answer to “{fact['question']}” is ____."
    return {
        "cloze": f"{gap} It is {answer}." if fault == "leaked" else gap,
        "distractors": ["Oslo", "Ganges", "violin"],
        "reverse_question": f"Welche Sache gehört zu {answer}, und was ist das bitte?"
        if fault == "wrong-language"
        else f"Which thing is asked about where the right answer is {answer}?",
        "reverse_answer": subject,
        "reverse_also_accepted": [],
        "reverse_responses": [f"It is {subject}.", f"That must be {subject}!", f"I say {subject}"],
    }


THIRD = (
    (
        "What is the capital of Spain?",
        "Which square with a bear and a strawberry tree lies where the Spanish government sits?",
        "Puerta del Sol",
    ),
    (
        "Which organ pumps blood through the body?",
        "With what do nurses listen to the beat of the organ of our circulation?",
        "stethoscope",
    ),
)
"""One more indirect question about each of two facts: the fact's, the question, its answer."""


@cache
def sample_indirect() -> list[dict[str, str]]:
    """The rows of the sample's table of indirect questions, and some more."""
    path = content_root() / "benchmarks" / "sample-facts" / "indirect.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    more = (dict(zip(("question", "indirect", "answer"), row, strict=True)) for row in THIRD)
    return [*rows, *({**row, "aliases": ""} for row in more)]


@cache
def follows() -> dict[str, str]:
    """What follows, by the indirect question."""
    return {plain(row["indirect"]): row["answer"] for row in sample_indirect()}


def consequences(fact: dict[str, Any], fault: str | None) -> Iterator[dict[str, Any]]:
    """Indirect questions of the sample, none of those to avoid, and then others of the kind."""
    told, avoid = fact["follows_from"], {plain(one["text"]) for one in fact["avoid"]}
    rows = [row for row in sample_indirect() if row["question"] == told["question"]]
    free = [row for row in rows if plain(row["indirect"]) not in avoid]
    for row in free[: fact["wanted"]]:
        question, answer = row["indirect"], row["answer"]
        if fault == "leaked":
            question = f"{question} ({told['answer']}s)"
        elif fault == "wrong-language":
            question = (
                f"Wie heißt bitte die richtige Antwort auf diese Frage, und warum, {answer[0]}?"
            )
        elif fault == "asks-again":
            answer = f"the old {told['answer']}"
        elif fault == "one-of-the-facts":
            question = told["question"]
        elif fault == "tells-itself":
            question = f"{question} Is it {answer}?"
        aliases = [alias for alias in row["aliases"].split("|") if alias]
        yield {
            "question": question,
            "answer": answer,
            "also_accepted": aliases,
            "because": "It belongs to it.",
        }


def known_proposals(fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
    """Paraphrases that ship, as far as there are any, and monotonous ones after them."""
    row: dict[str, Any] = {"id": fact["id"], **{kind: [] for kind in (*STYLES, "training")}}
    avoid = {one["text"] for one in fact["avoid"]}
    for kind, most in fact["wanted"].items():
        known = ways().get(plain(fact["question"]), {}).get(kind, [])
        more = (candidate(fact["question"], kind, number) for number in range(2, 100))
        texts = [text for text in (*known, *more) if text not in avoid][:most]
        if fault == "leaked":
            texts = [f"{text} ({fact['answer']})" for text in texts]
        elif fault == "wrong-language":
            texts = [f"Großartig: {text}" for text in texts]
        elif fault == "repeats":
            texts = texts[:1] * most
        row[kind] = texts
    return row


def known_reading(fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
    """What ships asks the same."""
    row = reading(fact, fault)
    texts = {one["id"]: one["text"] for one in fact["texts"]}
    kinds = ways().get(plain(fact["question"]), {})
    good = {text for some in kinds.values() for text in some}
    for verdict in row["verdicts"]:
        if texts[verdict["id"]] in good and fault not in ("no",):
            verdict |= {"same": True, "reason": ""}
    return row


class BaseEngine:
    """Knows the pool, but for the questions in `without`; does not answer those in `fails`."""

    def __init__(self, without: Sequence[str] = (), fails: Sequence[str] = ()) -> None:
        self.without, self.fails, self.asked = set(without), set(fails), 0

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo("scripted", "base", sha256_text("base"), "chat")

    def adopt(self, settings: object) -> None:
        """Nothing to adopt."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        for probe in block:
            self.asked += 1
            if probe.question in self.fails:
                continue
            known = knowledge().get(plain(probe.question), "I do not know")
            text = "I do not know" if probe.question in self.without else f"It is {known}."
            yield Completion(probe.key, text, "stop", 5)
