"""What is known of a benchmark that was made: what its card and its report are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlearnbench.authoring.decisions import Decisions
from unlearnbench.paraphrasing.candidates import Paraphrased
from unlearnbench.types import Fact, Usage


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """A table of facts or of paraphrases: its name, its rows, and the sha256 of its bytes."""

    name: str
    rows: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class MadeBy:
    """A paraphraser or a second reader: its name, its identity, and what it used."""

    name: str
    identity: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one kind of proposals.

    `in_doubt` wait for a person, `left_out` counts others by rule, `missing` says why there are
    fewer than wanted, by topic or fact.
    """

    kept: int
    in_doubt: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """A benchmark that was made.

    `facts` are those of the benchmark; `paraphrased` the user's own with all candidates, after
    `take_up`. `carries` says which profile it can carry, in a sentence. `unjudged`: why judge
    `rules` cannot hold an answer, by fact. `languages`: facts whose language no check reads, by
    language. `notes`: what was found in the tables. `date`: when it was made, if that is to be
    told. `proposed`: what a model proposed beside paraphrases, by kind.
    `strict`: whether it can carry profile `strict`, in a sentence; empty if there is none yet.
    """

    id: str
    version: str
    title: str
    licence: str
    judge: str
    private: bool
    facts: tuple[Fact, ...]
    paraphrased: tuple[Paraphrased, ...]
    carries: str
    tables: tuple[MadeFrom, ...] = ()
    paraphraser: MadeBy | None = None
    second_reader: MadeBy | None = None
    decisions: Decisions = field(default_factory=dict)
    unjudged: Mapping[str, str] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    date: str = ""
    proposed: Mapping[str, Tally] = field(default_factory=dict)
    strict: str = ""
