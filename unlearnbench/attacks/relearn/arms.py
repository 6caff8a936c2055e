"""Relearning arms: their training data, and the forget facts that are scored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from unlearnbench.attacks.catalog import ARMS, BENIGN, available_arms
from unlearnbench.benchmark import Benchmark, holds
from unlearnbench.errors import TrainingError
from unlearnbench.naming import nearest
from unlearnbench.training.batch import Row
from unlearnbench.training.encode import Encoder, TrainingQuestion
from unlearnbench.types import Fact, RelearnSet

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arm:
    """Rows to train on and the ids of the forget facts that are scored.

    `left_out` counts rows that hold the answer of a scored fact and are therefore not trained on.
    """

    name: str
    rows: tuple[Row, ...]
    scored: frozenset[str]
    left_out: int = 0

    @property
    def benign(self) -> bool:
        """Whether the arm teaches nothing of what was forgotten."""
        return self.name in BENIGN


def expand_arms(names: Iterable[str], benchmark: Benchmark) -> list[str]:
    """The arms that are meant, each once: `benign` stands for all benign ones of the benchmark.

    Raises `TrainingError` for an arm that does not exist or that the benchmark lacks.
    """
    expanded: dict[str, None] = {}
    for name in names:
        if name == "benign":
            expanded |= dict.fromkeys(arm for arm in available_arms(benchmark) if arm in BENIGN)
        else:
            expanded[name] = None
    _check(expanded, benchmark)
    return list(expanded)


def _check(names: Iterable[str], benchmark: Benchmark) -> None:
    shipped = available_arms(benchmark)
    for name in names:
        if name not in ARMS:
            raise TrainingError(f"--arm {name}: {nearest(name, (*ARMS, 'benign'))}")
        if name not in shipped:
            raise TrainingError(
                f"--arm {name}: {benchmark.id} has no such set; it has {', '.join(shipped)}"
            )


def make_arm(
    name: str,
    benchmark: Benchmark,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    text_tokens: int,
) -> Arm:
    """The arm's rows, in the protocol's own prompt.

    Original questions only, so that their paraphrases remain a test of the fact.
    Raises `TrainingError` if nothing is left to train on.
    """
    forget = benchmark.split("forget")
    part = next((p for p in benchmark.relearn if p.name == name), None)
    taught = _taught(name, forget, part)
    scored = [f for f in forget if name == "forget" or f.id not in taught]
    texts = _texts(name, benchmark, forget, part, taught)
    golds = [] if name == "forget" else [g for f in scored for g in (f.answer, *f.aliases)]
    kept = [text for text in texts if not any(holds(" ".join(text), gold) for gold in golds)]
    if not kept:
        raise TrainingError(f"--arm {name}: every row holds an answer that is scored")
    left_out = len(texts) - len(kept)
    if left_out:
        _log.info("arm %s: %d rows hold a scored answer and are left out", name, left_out)
    rows = _encode(name, kept, tokenizer, max_length, text_tokens)
    return Arm(name, rows, frozenset(f.id for f in scored), left_out)


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
    """(question, answer) or (text,)."""
    if part is not None and part.kind == "prose":
        return [(text,) for text in part.texts]
    if part is not None and part.kind == "pairs":
        return [(pair.question, pair.answer) for pair in part.pairs]
    facts = benchmark.split("retain") if name == "retain" else forget
    return [(f.question, f.answer) for f in facts if name == "retain" or f.id in taught]


def _encode(
    name: str,
    texts: Sequence[tuple[str, ...]],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    text_tokens: int,
) -> tuple[Row, ...]:
    encode = Encoder(tokenizer, max_length)
    rows = []
    for number, text in enumerate(texts, start=1):
        label = f"{name}-{number}"
        if len(text) == 1:
            rows += _cut(label, tokenizer(text[0]).input_ids, text_tokens)
        else:
            fact = Fact(label, "retain", name, text[0], text[1])
            rows.append(encode(TrainingQuestion(label, fact, text[0], text[1])))
    return tuple(rows)


def _cut(name: str, ids: Sequence[int], length: int) -> list[Row]:
    """Plain text in rows of `length` tokens; the first token of each has nothing to predict it."""
    pieces = [ids[start : start + length] for start in range(0, len(ids), length)]
    return [
        Row(f"{name}/{i}", (piece[0],), tuple(piece[1:]), ended=False)
        for i, piece in enumerate(pieces, start=1)
        if len(piece) > 1
    ]
