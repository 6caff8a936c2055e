"""A loopback server that paraphrases and reads a second time, in the providers' wire formats.

Its replies follow from what it is asked alone. With `fault_rate` a share of requests fails, decided
by the prompt and by how often it came before, never by the order in which requests arrive.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.judges_server import Behaviour, Handler, dressed, user_text
from unlearnbench.benchmark import plain
from unlearnbench.paraphrasing.candidates import Candidate, CandidateDoubt, CheckedCandidate
from unlearnbench.types import Fact

CALL_FAULTS = ("429", "500", "503", "cut", "empty", "not-json", "missing-id", "extra-id", "refusal")
PROPOSAL_FAULTS = ("wrong-language", "repeats", "leaked")
READING_FAULTS = ("yes", "no", "missing-verdict", "twice")


@dataclass
class Paraphrasing(Behaviour):
    """`answered` counts the facts by id that a whole reply was sent about."""

    calls: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    fault_always: str | None = None

    def fault_of(self, body: dict[str, Any]) -> str | None:
        user = user_text(body)
        facts = json.loads(user)["facts"]
        with self.lock:
            number = self.calls[user]
            self.calls[user] += 1
        if self.fault_always is not None:
            return self.fault_always
        chance = random.Random(f"{self.seed} {number} {user}")
        fault = None
        if chance.random() < self.fault_rate:
            fault = chance.choice((*CALL_FAULTS, *self.faults_of(facts[0])))
        if fault is None:
            with self.lock:
                self.answered.update(fact["id"] for fact in facts)
        return fault

    def faults_of(self, fact: dict[str, Any]) -> tuple[str, ...]:
        """Faults of the contents of a reply, by what is asked."""
        return READING_FAULTS if "texts" in fact else PROPOSAL_FAULTS


class ParaphrasesHandler(Handler):
    """Answers about all facts of a request, the last first: a client must join by id."""

    def _verdicts(self, body: dict[str, Any], gemini: bool, fault: str | None) -> str:
        facts = json.loads(user_text(body))["facts"]
        rows = [self.row(fact, fault) for fact in reversed(facts)]
        if fault == "missing-id":
            rows.pop()
        elif fault == "extra-id":
            rows.append({**rows[0], "id": "ffffffffffff"})
        elif fault == "not-json":
            return "Sorry, here are some ideas: 1) What is it? 2) Which one?"
        return dressed(json.dumps({"facts": rows}), fault)

    def row(self, fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
        """The entry of a reply about one fact."""
        return reading(fact, fault) if "texts" in fact else proposals(fact, fault)

    def _envelope(
        self,
        text: str,
        body: dict[str, Any],
        gemini: bool,
        fault: str | None,
        behaviour: Behaviour,
    ) -> dict[str, Any]:
        """Lengths as they are: what may be spent depends on them."""
        whole = super()._envelope(text, body, gemini, fault, behaviour)
        read, written = len(json.dumps(body)) // 4, len(text) // 4
        if gemini:
            whole["usageMetadata"] = {"promptTokenCount": read, "candidatesTokenCount": written}
        else:
            whole["usage"] |= {"prompt_tokens": read, "completion_tokens": written}
        return whole


def proposals(fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
    """As many texts of each kind as are wanted, none of those to avoid."""
    avoid = {one["text"] for one in fact["avoid"]}
    row: dict[str, Any] = {"id": fact["id"], "wording": [], "syntax": [], "situation": []}
    row["training"] = []
    for kind, most in fact["wanted"].items():
        texts = (candidate(fact["question"], kind, number) for number in range(100))
        row[kind] = [text for text in texts if text not in avoid][:most]
        if fault == "repeats":
            row[kind] = row[kind][:1] * most
        elif fault == "leaked":
            row[kind] = [f"{text} ({fact['answer']})" for text in row[kind]]
        elif fault == "leaked-one":
            row[kind][2] += f" ({fact['answer']})"
        elif fault == "wrong-language":
            row[kind] = [f"Großartig: {text}" for text in row[kind]]
    return row


def candidate(question: str, kind: str, number: int) -> str:
    """A candidate; number 1 of each kind passes the checks, but asks something else."""
    other = "another thing: " if number == 1 else ""
    return f"{kind.capitalize()} way {number}: {other}{question.rstrip('?')}, please?"


def reading(fact: dict[str, Any], fault: str | None) -> dict[str, Any]:
    verdicts = [
        {"id": one["id"], "same": same, "reason": "" if same else "another thing"}
        for one in reversed(fact["texts"])
        for same in [fault == "yes" or (fault != "no" and fact["question"][:-1] in one["text"])]
    ]
    for verdict, one in zip(verdicts, reversed(fact["texts"]), strict=True):
        if "another thing" in one["text"] and fault != "yes":
            verdict |= {"same": False, "reason": "asks for another thing"}
    if fault == "missing-verdict":
        verdicts.pop()
    elif fault == "twice":
        verdicts.append(verdicts[0])
    return {"id": fact["id"], "verdicts": verdicts}


def check_plainly(
    fact: Fact,
    candidates: Sequence[Candidate],
    kept: Sequence[str] = (),
    others: Sequence[Fact] = (),
) -> list[CheckedCandidate]:
    """Stands for the checks, which would refuse the server's monotonous texts."""
    seen = {plain(text) for text in (fact.question, *kept)}
    checked = []
    for one in candidates:
        doubts = []
        if plain(fact.answer) in plain(one.text):
            doubts.append(CandidateDoubt("answer-inside", "the answer is in it", final=True))
        if "ß" in one.text:
            doubts.append(CandidateDoubt("other-language", "looks like 'de'"))
        if plain(one.text) in seen:
            doubts.append(CandidateDoubt("repeat", "it is there already", final=True))
        seen.add(plain(one.text))
        checked.append(CheckedCandidate(one, tuple(doubts)))
    return checked
