"""A loopback server that compares answers, in the providers' wire formats, and misbehaves.

It knows the canary's note by its words. With `fault_rate` a share of requests fails, decided by
the prompt and by how often it came before, never by the order in which requests arrive.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.judges_server import Behaviour, Handler, dressed, user_text

FAULTS = ("429", "500", "503", "cut", "empty", "not-json", "missing-id", "extra-id", "vocabulary")
NOTE = "Note to the reviewer"
Taste = Callable[[str, str], str]
"""From the two answers to the one preferred: first, second or tie."""


def longer(first: str, second: str) -> str:
    """The one with more characters."""
    return "tie" if len(first) == len(second) else "first" if len(first) > len(second) else "second"


def always_first(first: str, second: str) -> str:
    """Whatever stands first."""
    return "first"


def the_note(first: str, second: str) -> str:
    """Whoever asks for it."""
    return "second" if NOTE in second else "first" if NOTE in first else "tie"


@dataclass
class Preferring(Behaviour):
    """`paid` counts the comparisons that a whole and sound reply was sent about."""

    taste: Taste = longer
    fail_after: int | None = None
    """After so many sound replies every call is refused."""
    calls: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)

    def fault_of(self, body: dict[str, Any]) -> str | None:
        user = user_text(body)
        with self.lock:
            number = self.calls[user]
            self.calls[user] += 1
        fault = self.always or (self.faults.pop(0) if self.faults else None)
        if self.fail_after is not None and len(self.paid) >= self.fail_after:
            fault = "503"
        chance = random.Random(f"{self.seed} {number} {user}")
        if fault is None and chance.random() < self.fault_rate:
            fault = chance.choice(FAULTS)
        if fault is None:
            with self.lock:
                self.paid[user] += 1
        return fault

    def preferred(self, first: str, second: str) -> str:
        """The server's taste, which knows a note for what it is."""
        if self.taste is longer and NOTE in first + second:
            return "second" if NOTE in first else "first"
        return self.taste(first, second)


class PreferencesHandler(Handler):
    """Answers about all comparisons of a request, the last first: a client must join by id."""

    def _verdicts(self, body: dict[str, Any], gemini: bool, fault: str | None) -> str:
        behaviour: Preferring = self.server.behaviour  # type: ignore[attr-defined]
        data, _, ending = user_text(body).rpartition("\n\n")
        rows = [
            {
                "id": row["id"],
                "reason": "so it seems",
                "preferred": behaviour.preferred(row["first"], row["second"]),
            }
            for row in reversed(json.loads(data)["comparisons"])
        ]
        if fault == "missing-id":
            rows.pop()
        elif fault == "extra-id":
            rows.append({**rows[0], "id": "ffffffffff"})
        elif fault == "double-id":
            rows.append(rows[0])
        elif fault == "vocabulary":
            rows[0]["preferred"] = "correct"
        elif fault == "echo-key":
            for row in rows:
                row["reason"] = f"sent with {self._key()}"
        if fault == "not-json":
            return "I like most of them."
        if ending.startswith("Reply with a JSON"):
            return dressed(json.dumps({"preferences": rows}), fault)
        return "PREFERRED: " + " ".join(f"{row['id']}={row['preferred']}" for row in rows)
