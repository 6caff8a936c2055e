"""Profiles: named, frozen ways to ask a benchmark's questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import nearest
from unlearnbench.protocol.ways import AGAIN, BEGUN, BRIEFLY, CLOZE, FIRST, RAW, SHOTS
from unlearnbench.types import Context, Split

PROTOCOL_VERSION = "2"
"""Raised whenever a plan, a prompt or the cutting of answers changes; part of every fingerprint."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """What a profile asks of forget facts besides questions as `standard` asks them.

    `per_style` limits the paraphrases of each style that are asked in ways which take any question;
    the original question is drawn `draws` times at `temperature`.
    """

    per_style: int = 1
    draws: int = 16
    temperature: float = 1.0

    @property
    def wire(self) -> dict[str, object]:
        """It and the texts that it asks with, under the names they are fingerprinted by."""
        return {
            "per_style": self.per_style,
            "draws": self.draws,
            "temperature": self.temperature,
            "texts": [BRIEFLY, CLOZE, BEGUN, FIRST, AGAIN, RAW, SHOTS],
        }


@dataclass(frozen=True, slots=True)
class Profile:
    """How facts become probes.

    `splits` are asked in this order. `prompt` is `chat` (the model's own template, raw where it
    has none) or `paper` (always raw).
    `per_style` limits the paraphrases taken of each style (None: all). `shared_examples` says
    whether the phrasings of a family see the same in-context examples or each draws its own.
    `beyond` is what it adds to the questions themselves, if anything.
    """

    name: str
    summary: str
    splits: tuple[Split, ...] = ("forget", "retain")
    prompt: Literal["chat", "paper"] = "chat"
    per_style: int | None = None
    forget_contexts: tuple[Context, ...] = ("plain", "icr")
    icr_examples: int = 3
    shared_examples: bool = True
    instruction: str = "Answer briefly."
    max_new_tokens: int = 50
    beyond: Beyond | None = None

    @property
    def fingerprint(self) -> str:
        """sha256 of the profile and the protocol's version."""
        return sha256_json([PROTOCOL_VERSION, self._wire])

    @property
    def _wire(self) -> dict[str, object]:
        """The profile under the names it is fingerprinted by, whatever Python's are."""
        return {
            "name": self.name,
            "summary": self.summary,
            "splits": list(self.splits),
            "prompt": self.prompt,
            "per_style": self.per_style,
            "forget_contexts": list(self.forget_contexts),
            "icr_examples": self.icr_examples,
            "shared_examples": self.shared_examples,
            "instruction": self.instruction,
            "max_new_tokens": self.max_new_tokens,
            # What a profile lacks is not in its fingerprint, which is then as it always was.
            **({} if self.beyond is None else {"beyond": self.beyond.wire}),
        }


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("standard", "all phrasings, plain and with in-context retain samples"),
        Profile(
            "never",
            "only the never-known facts: what a judge sees where there is nothing",
            splits=("never",),
        ),
        Profile("quick", "original and one paraphrase of each style", per_style=1),
        Profile(
            "paper",
            "the raw few-shot prompt layout of arXiv 2509.02820, samples drawn for every probe",
            prompt="paper",
            shared_examples=False,
        ),
        Profile(
            "strict",
            "standard, and indirect, reverse, cloze, begun, few-shot, second-turn, raw and drawn",
            beyond=Beyond(),
        ),
    )
}


def get_profile(name: str) -> Profile:
    """The profile called `name`. Raises `BenchmarkError` with the nearest name otherwise."""
    if name not in PROFILES:
        raise BenchmarkError("unknown-profile", repr(name), nearest(name, PROFILES))
    return PROFILES[name]
