"""Relearning arms: their training data, and the forget facts that are scored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from unlearnbench.attacks.catalog import ARMS, BENIGN, available_arms
from unlearnbench.attacks.relearn.texts import arm_texts
from unlearnbench.benchmark import Benchmark
from unlearnbench.errors import TrainingError
from unlearnbench.naming import nearest
from unlearnbench.training.batch import Row
from unlearnbench.training.encode import Encoder, TrainingQuestion
from unlearnbench.types import Fact

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

    Raises `TrainingError` if nothing is left to train on.
    """
    chosen = arm_texts(name, benchmark)
    if not chosen.texts:
        raise TrainingError(f"--arm {name}: every row holds an answer that is scored")
    left_out = chosen.left_out
    if left_out:
        _log.info("arm %s: %d rows hold a scored answer and are left out", name, left_out)
    rows = _encode(name, chosen.texts, tokenizer, max_length, text_tokens)
    return Arm(name, rows, chosen.scored, left_out)


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
