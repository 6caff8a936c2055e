"""What a person decided about doubtful candidates, and where it is kept: `making/decisions.jsonl`.

A candidate is known by its fact, its purpose and its text, whoever proposed it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from unlearnbench.benchmark.jsonl import read_rows
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.paraphrasing.candidates import Candidate, Purpose

DECISIONS = "decisions.jsonl"
Choice = Literal["accept", "strike", "mend"]
CHOICES: tuple[Choice, ...] = get_args(Choice)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a candidate.

    `rules` are the doubts that the person saw: an acceptance covers no others. `text` is what a
    candidate is mended to; `by` the name that the person gave, if any.
    """

    key: str
    fact: str
    purpose: Purpose
    choice: Choice
    rules: tuple[str, ...] = ()
    text: str = ""
    by: str = ""


Decisions = Mapping[str, Decision]
"""Decisions by the key of their candidate."""


class DecisionLine(BaseModel):
    """A line of `decisions.jsonl`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    fact: str
    purpose: Purpose
    choice: Choice
    rules: tuple[str, ...] = ()
    text: str = ""
    by: str = ""


def candidate_key(candidate: Candidate) -> str:
    """The key of a candidate: a hash of fact, purpose and text.

    It begins with a letter, so that no spreadsheet program takes it for a number.
    """
    return f"c{sha256_json([candidate.fact, candidate.purpose, candidate.text])[:20]}"


def mended_key(decision: Decision) -> str:
    """The key of what a candidate is mended to."""
    return candidate_key(Candidate(decision.fact, decision.purpose, None, decision.text, ""))


def decision_lines(decisions: Decisions) -> str:
    """The content of `decisions.jsonl`, in an order that depends on nothing but what is decided."""
    ordered = sorted(decisions.values(), key=lambda d: (d.fact, d.purpose, d.key))
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in ordered)


def stored_decisions(making: Path) -> dict[str, Decision]:
    """The decisions kept in a folder; none where there is no file.

    Raises `BenchmarkError` for a damaged file or two decisions about one candidate.
    """
    path = making / DECISIONS
    found: dict[str, Decision] = {}
    for line, where in read_rows(path, DecisionLine) if path.is_file() else ():
        if line.key in found:
            what = f"{line.fact}: this candidate is decided twice; keep one of the lines"
            raise BenchmarkError("two-decisions", where, what)
        found[line.key] = Decision(**line.model_dump())
    return found
