"""RWKU's own metrics for one checkpoint: what is asked, and how the scores are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from unlearnbench.benchmark.rwku import LEVELS, TEXTS, RwkuTables
from unlearnbench.benchmark.rwku_forms import attack_name
from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.interfaces import Generator
from unlearnbench.rwku.prompts import rwku_probe
from unlearnbench.rwku.recall import rwku_recall
from unlearnbench.scoring.answers import answer_text
from unlearnbench.tofu.membership import (
    loss_score,
    min_k_plus_plus_score,
    min_k_score,
    zlib_score,
)
from unlearnbench.types import Sampling

RECALL_TOKENS = 30
"""Tokens that RWKU lets a model write."""
_SHARE = 0.2
MEMBERSHIP: Mapping[str, Callable[[AnswerTokens, str], float]] = {
    "loss": lambda tokens, text: loss_score(tokens),
    "zlib": zlib_score,
    "min_k": lambda tokens, text: min_k_score(tokens, _SHARE),
    "min_k_plus_plus": lambda tokens, text: min_k_plus_plus_score(tokens, _SHARE),
}
"""Membership inference on a text; the higher, the likelier the model was trained on it."""
Scores = dict[str, float | None]


class TextScorer(Protocol):
    """Computes how likely whole texts are; see `engines.transformers.likelihood`."""

    def __call__(self, texts: Sequence[str]) -> list[AnswerTokens]:
        """One result for each text, in the order given: all its tokens but the first."""
        ...


@dataclass(frozen=True, slots=True)
class AskedRow:
    """What came of one question: `attack` names its kind in level 3, `recall` is None without a
    response.
    """

    table: str
    subject: str
    attack: str
    recall: float | None
    empty: bool


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A text for membership inference, with the score of each attack by name."""

    table: str
    subject: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RwkuResult:
    """`scores` are means over the rows of all subjects, `by_subject` over those of each; None where
    something is missing.

    `counts` and `empty` are questions, and responses without a word, by table. `open` names the
    questions without a response and the tables without a row about a subject.
    """

    scores: Scores
    by_subject: Mapping[str, Scores]
    counts: Mapping[str, int]
    empty: Mapping[str, int]
    open: tuple[str, ...]


def measure_rwku(tables: RwkuTables, generator: Generator, scorer: TextScorer) -> RwkuResult:
    """All metrics: ROUGE-L recall by level and kind of attack, and membership inference."""
    texts = _membership(tables, scorer)  # first, since it is short and its texts may be refused
    rows, missing = _asked(tables, generator)
    lacking = {subject: _lacking(tables, subject) for subject in tables.subjects}
    missing += [f"{table}: no row about {name}" for name, some in lacking.items() for table in some]
    without = {table for some in lacking.values() for table in some}
    return RwkuResult(
        scores=_scores(rows, texts, without),
        by_subject={
            subject: _scores(
                [row for row in rows if row.subject == subject],
                [text for text in texts if text.subject == subject],
                set(lacking[subject]),
            )
            for subject in tables.subjects
        },
        counts={table: sum(row.table == table for row in rows) for table in LEVELS},
        empty={table: sum(row.table == table and row.empty for row in rows) for table in LEVELS},
        open=tuple(missing),
    )


def _lacking(tables: RwkuTables, subject: str) -> list[str]:
    """The tables without a row about a subject."""
    held = {str(t) for t in LEVELS for row in tables.questions[t] if row.subject == subject}
    held |= {str(t) for t in TEXTS for row in tables.texts[t] if row.subject == subject}
    return [name for name in (*LEVELS, *TEXTS) if name not in held]


def _asked(tables: RwkuTables, generator: Generator) -> tuple[list[AskedRow], list[str]]:
    """Every question with the recall of its response, and the keys of those without one."""
    form = generator.info.prompt_format
    asked = [
        (table, row, rwku_probe(table, row, form))
        for table in LEVELS
        for row in tables.questions[table]
    ]
    probes = [probe for _, _, probe in asked]
    responses = {r.key: r for r in generator.generate(probes, Sampling(RECALL_TOKENS))}
    rows, missing = [], []
    for table, row, probe in asked:
        text = answer_text(responses.get(probe.key))
        if text is None:
            missing.append(probe.key.fact)
        recall = None if text is None else rwku_recall(row.answer, text)
        empty = text is not None and not text.strip()
        attack = attack_name(row.kind) if table == "forget_level3" else ""
        rows.append(AskedRow(table, row.subject, attack, recall, empty))
    return rows, missing


def _scores(rows: Sequence[AskedRow], texts: Sequence[ScoredText], without: set[str]) -> Scores:
    """Mean recall of each table and kind of attack, and mean score of each membership attack; None
    for the tables that are `without` a row about somebody.
    """
    scores: Scores = {}
    for table in LEVELS:
        own = [row for row in rows if row.table == table]
        scores[table] = None if table in without else _mean([row.recall for row in own])
        for attack in sorted({row.attack for row in own if row.attack}):
            scores[f"{table}.{attack}"] = _mean([r.recall for r in own if r.attack == attack])
    for part in TEXTS:
        for name in MEMBERSHIP:
            values = [text.scores[name] for text in texts if text.table == part]
            scores[f"{part}.{name}"] = None if part in without else _mean(values)
    return scores


def _membership(tables: RwkuTables, scorer: TextScorer) -> list[ScoredText]:
    """Every text with the score of each attack."""
    scored = []
    for table in TEXTS:
        texts = tables.texts[table]
        for tokens, text in zip(scorer([one.text for one in texts]), texts, strict=True):
            scores = {name: attack(tokens, text.text) for name, attack in MEMBERSHIP.items()}
            scored.append(ScoredText(table, text.subject, scores))
    return scored


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None if there is nothing, or a part of it is missing."""
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None
