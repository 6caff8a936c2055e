"""Make the probes of a benchmark under a profile, and split them into blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from unlearnbench.benchmark import Benchmark, holds
from unlearnbench.errors import BenchmarkError, EngineError
from unlearnbench.protocol.phrasings import phrasings
from unlearnbench.protocol.profiles import Profile
from unlearnbench.protocol.render import chat_messages, paper_text, raw_text
from unlearnbench.protocol.strict import strict_probes
from unlearnbench.runs.codec import plan_fingerprint
from unlearnbench.types import (
    Context,
    Fact,
    Message,
    Probe,
    ProbeKey,
    PromptFormat,
)

BLOCK_PROBES = 384
"""A block is closed once it holds this many probes; facts are never split between blocks."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every probe of a run, in order."""

    probes: tuple[Probe, ...]

    @property
    def fingerprint(self) -> str:
        """sha256 of the exact prompts."""
        return plan_fingerprint(self.probes)

    def blocks(self) -> list[tuple[Probe, ...]]:
        """Blocks of `BLOCK_PROBES` probes or a few more; no fact is split between blocks, but for
        what profile `strict` asks beyond `standard`.
        """
        blocks: list[list[Probe]] = [[]]
        for probe in self.probes:
            block = blocks[-1]
            full = len(block) >= BLOCK_PROBES and probe.key.fact != block[-1].key.fact
            # The questions of `standard` are batched as they are without what `strict` adds.
            if full or (block and probe.key.is_standard != block[-1].key.is_standard):
                blocks.append([])
            blocks[-1].append(probe)
        return [tuple(block) for block in blocks if block]


def make_plan(
    benchmark: Benchmark,
    profile: Profile,
    prompt_format: PromptFormat,
    seed: int = 0,
    limit: int | None = None,
    system_prompt: str | None = None,
) -> Plan:
    """All probes of `benchmark` under `profile`.

    `system_prompt` opens every conversation, which is then not the protocol's. `limit` takes the
    first so many facts of each split; in-context examples are still drawn from all retain facts,
    so a limited run asks the same prompts as a full one.
    Raises `BenchmarkError` if there are too few retain facts to draw examples from, or no fact of
    the profile's splits, `EngineError` if raw prompts are to hold a system prompt.
    """
    has_raw = profile.prompt == "paper" or profile.beyond is not None
    if system_prompt is not None and (prompt_format == "raw" or has_raw):
        raise EngineError(
            f"--system-prompt: profile {profile.name} asks with raw text here, which has no system "
            "role"
        )
    pool = benchmark.split("retain")
    probes: list[Probe] = []
    if not any(benchmark.split(split) for split in profile.splits):
        message = f"profile {profile.name} asks {', '.join(profile.splits)} facts; it has none"
        raise BenchmarkError("no-facts", benchmark.id, message)
    for split in profile.splits:
        contexts: tuple[Context, ...] = ("plain",) if split == "retain" else profile.forget_contexts
        for fact in benchmark.split(split)[:limit]:
            for context in contexts:
                probes += _probes(
                    fact, context, pool, benchmark.styles, profile, prompt_format, seed
                )
    if profile.beyond is not None:
        probes += strict_probes(benchmark, profile, prompt_format, limit)
    if system_prompt is not None:
        opening = Message("system", system_prompt)
        probes = [replace(probe, messages=(opening, *probe.messages)) for probe in probes]
    return Plan(tuple(probes))


def _probes(
    fact: Fact,
    context: Context,
    pool: Sequence[Fact],
    styles: Sequence[str],
    profile: Profile,
    prompt_format: PromptFormat,
    seed: int,
) -> Iterator[Probe]:
    """The probes of one fact in one context."""
    draws: dict[str, tuple[Fact, ...]] = {}
    for phrasing, family, question in phrasings(fact, styles, profile.per_style):
        key = ProbeKey(fact.id, phrasing, context)
        draw = family if profile.shared_examples else phrasing
        count = profile.icr_examples if context == "icr" else 0
        if draw not in draws:
            draws[draw] = draw_examples(fact, draw, pool, count, seed)
        examples = draws[draw]
        if len(examples) < count:
            message = f"{fact.id} needs {count} that do not name its answer, {len(examples)} exist"
            raise BenchmarkError("too-few-retain-facts", profile.name, message)
        pairs = [(f.question, f.answer) for f in examples]
        chat = profile.prompt == "chat" and prompt_format == "chat"
        raw = paper_text if profile.prompt == "paper" else lambda q, e: raw_text(profile, q, e)
        yield Probe(
            key=key,
            split=fact.split,
            topic=fact.topic,
            tier=fact.tier,
            question=question,
            answer=fact.answer,
            aliases=fact.aliases,
            examples=tuple(f.id for f in examples),
            messages=chat_messages(profile, question, pairs) if chat else (),
            text=None if chat else raw(question, pairs),
        )


def draw_examples(
    fact: Fact, family: str, pool: Sequence[Fact], count: int, seed: int
) -> tuple[Fact, ...]:
    """`count` retain facts for one family of one fact, none of which names the fact's answer.

    Each candidate gets a pseudo-random rank from sha256 of seed, fact, family and its own id; the
    lowest ranks are taken. This is the same on every machine and Python version, and removing one
    retain fact changes only the draws that held it.
    """
    if not count:
        return ()

    def rank(candidate: Fact) -> bytes:
        text = f"{seed}\n{fact.id}\n{family}\n{candidate.id}"
        return hashlib.sha256(text.encode()).digest()

    silent = (
        candidate
        for candidate in sorted(pool, key=rank)
        if not any(
            holds(text, answer)
            for text in (candidate.question, candidate.answer)
            for answer in (fact.answer, *fact.aliases)
        )
    )
    return tuple(islice(silent, count))
