"""What a relearning arm trains on and which facts it scores; needs neither model nor tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearnbench.benchmark import Benchmark, holds
from unlearnbench.types import Fact, RelearnSet


@dataclass(frozen=True, slots=True)
class ArmTexts:
    """The texts of an arm, (question, answer) or (plain text,), and the ids of the scored facts.

    `left_out` counts texts that hold the answer of a scored fact and are therefore not trained on.
    """

    texts: tuple[tuple[str, ...], ...]
    scored: frozenset[str]
    left_out: int

    @property
    def rows(self) -> int | None:
        """How many rows they make; None for plain text, which a tokenizer cuts."""
        return None if any(len(text) == 1 for text in self.texts) else len(self.texts)


def arm_texts(name: str, benchmark: Benchmark) -> ArmTexts:
    """The texts of an arm: original questions only, so that paraphrases remain a test of the fact.

    `name` must be one of the benchmark's arms.
    """
    forget = benchmark.split("forget")
    part = next((p for p in benchmark.relearn if p.name == name), None)
    taught = _taught(name, forget, part)
    scored = [f for f in forget if name == "forget" or f.id not in taught]
    texts = _texts(name, benchmark, forget, part, taught)
    golds = [] if name == "forget" else [g for f in scored for g in (f.answer, *f.aliases)]
    whole = (" ".join(text) for text in texts)
    told = [any(holds(text, gold) for gold in golds) for text in whole]
    kept = tuple(text for text, is_told in zip(texts, told, strict=True) if not is_told)
    return ArmTexts(kept, frozenset(f.id for f in scored), len(texts) - len(kept))


def _taught(name: str, forget: Sequence[Fact], part: RelearnSet | None) -> set[str]:
    if name == "forget":
        return {f.id for f in forget}
    return set(part.half) if part is not None and part.kind == "half" else set()


def _texts(
    name: str,
    benchmark: Benchmark,
    forget: Sequence[Fact],
    part: RelearnSet | None,
    taught: set[str],
) -> list[tuple[str, ...]]:
    if part is not None and part.kind == "prose":
        return [(text,) for text in part.texts]
    if part is not None and part.kind == "pairs":
        return [(pair.question, pair.answer) for pair in part.pairs]
    facts = benchmark.split("retain") if name == "retain" else forget
    return [(f.question, f.answer) for f in facts if name == "retain" or f.id in taught]
