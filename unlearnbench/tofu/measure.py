"""TOFU's own metrics for one checkpoint: its questions, and how the scores are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from unlearnbench.benchmark.tofu import TofuRow, TofuSets
from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.errors import BenchmarkError
from unlearnbench.interfaces import Generator
from unlearnbench.scoring.answers import answer_text
from unlearnbench.tofu.likelihood import (
    choice_probability,
    chosen_mean,
    probability,
    truth_ratio,
    truth_score,
)
from unlearnbench.tofu.membership import (
    auc,
    loss_score,
    min_k_plus_plus_score,
    min_k_score,
    privleak,
    zlib_score,
)
from unlearnbench.tofu.memorization import exact_memorization, extraction_strength
from unlearnbench.tofu.rouge import rouge_l_recall
from unlearnbench.tofu.rows import AttackScores, Measured, MeasuredRow
from unlearnbench.tofu.summary import forget_quality, model_utility
from unlearnbench.types import Message, Probe, ProbeKey, PromptFormat, Sampling
from unlearnbench.types.options import TofuOptions
from unlearnbench.types.raw import raw_question

NEW_TOKENS = 200
"""Answers are whole sentences; TOFU's code decodes up to 200 positions."""
UTILITY_SETS = ("retain", "real_authors", "world_facts")
CHOICE_SETS = ("real_authors", "world_facts")


ATTACKS: Mapping[str, Callable[[AnswerTokens, str], float]] = {
    "loss": lambda answer, text: loss_score(answer),
    "zlib": zlib_score,
    "min_k": lambda answer, text: min_k_score(answer.without_end),
    "min_k_plus_plus": lambda answer, text: min_k_plus_plus_score(answer.without_end),
}
"""Membership attacks on an answer and its text; Min-K% looks at words alone."""


class AnswerScorer(Protocol):
    """Computes how likely given answers are; see `engines.transformers.likelihood`."""

    def __call__(self, answers: Sequence[tuple[Probe, str]]) -> list[AnswerTokens]:
        """One result for each (probe, answer), in the order given."""
        ...


@dataclass(frozen=True, slots=True)
class TofuResult:
    """`scores` by name; None where an answer is missing or no retain log was given. `ratios` are
    the forget set's truth ratios by key, and `aucs` the membership attacks': together they are
    what another run needs as retain log. `open` names the questions that got no answer;
    `measured` is what all of it follows from.
    """

    scores: Mapping[str, float | None]
    ratios: Mapping[str, float]
    aucs: Mapping[str, float]
    open: tuple[str, ...]
    measured: Measured


@dataclass(frozen=True, slots=True)
class RetainLog:
    """The result of a model that never saw the forget set. `note` is what its reader should know;
    without `aucs` there is no PrivLeak.
    """

    ratios: Mapping[str, float]
    aucs: Mapping[str, float]
    note: str
    checkpoint: str | None = None
    """Its fingerprint, where the log says it."""


def measure(
    sets: TofuSets,
    generator: Generator,
    scorer: AnswerScorer,
    log: RetainLog | None,
    options: TofuOptions = TofuOptions(),
) -> TofuResult:
    """All metrics. `scorer` puts the end of the turn behind answers if `options` say so.

    Raises `BenchmarkError` if the retain log asks other questions.
    """
    mean = chosen_mean(options.truth_ratio)
    form = generator.info.prompt_format
    scores: dict[str, float | None] = {}
    ratios: dict[str, dict[str, float]] = {}
    rows: dict[str, tuple[MeasuredRow, ...]] = {}
    missing: list[str] = []
    for name in ("forget", *UTILITY_SETS):
        asked: tuple[TofuRow, ...] = getattr(sets, name)
        probes = [_probe(name, number, row.question, form) for number, row in enumerate(asked)]
        rows[name] = _measured(probes, asked, scorer, generator)
        keyed = [(probe.key.fact, row) for probe, row in zip(probes, rows[name], strict=True)]
        ratios[name] = {
            key: truth_ratio(row.paraphrased, row.perturbed, mean) for key, row in keyed
        }
        missing += [key for key, row in keyed if row.response is None]
        scores |= _of_set(name, rows[name], list(ratios[name].values()))
    forgotten = [row.answer for row in rows["forget"]]
    scores |= _memorized([answer.without_end for answer in forgotten], options)
    attacks = _membership(sets, forgotten, scorer, form)
    aucs = {name: auc(scored.forget, scored.holdout) for name, scored in attacks.items()}
    scores["model_utility"] = _utility(scores)
    scores |= {f"forget.auc.{attack}": value for attack, value in aucs.items()}
    scores |= _against(log, ratios["forget"], aucs)
    return TofuResult(scores, ratios["forget"], aucs, tuple(missing), Measured(rows, attacks))


def _measured(
    probes: Sequence[Probe], rows: Sequence[TofuRow], scorer: AnswerScorer, generator: Generator
) -> tuple[MeasuredRow, ...]:
    """The likelihoods of every answer of every row, in one call, and the responses."""
    answers = [
        (probe, text)
        for probe, row in zip(probes, rows, strict=True)
        for text in (row.answer, row.paraphrased_answer, *row.perturbed)
    ]
    scored = iter(scorer(answers))
    responses = {r.key: r for r in generator.generate(probes, Sampling(NEW_TOKENS))}
    measured = []
    for probe, row in zip(probes, rows, strict=True):
        measured.append(
            MeasuredRow(
                prompt=row.question,
                gold=row.answer,
                answer=next(scored),
                paraphrased=next(scored).loss,
                perturbed=tuple(next(scored).loss for _ in row.perturbed),
                response=answer_text(responses.get(probe.key)),
            )
        )
    return tuple(measured)


def _of_set(
    name: str, rows: Sequence[MeasuredRow], ratios: Sequence[float]
) -> dict[str, float | None]:
    """Probability, ROUGE-L recall (None if a response is missing) and truth ratio of a set."""
    chosen = name in CHOICE_SETS
    recalls = [rouge_l_recall(r.gold, r.response) for r in rows if r.response is not None]
    return {
        f"{name}.probability": fmean(
            choice_probability(r.answer.loss, r.perturbed) if chosen else probability(r.answer.loss)
            for r in rows
        ),
        f"{name}.rouge_l_recall": fmean(recalls) if len(recalls) == len(rows) else None,
        f"{name}.truth_ratio": truth_score(ratios, "forget" if name == "forget" else "other"),
    }


def _memorized(answers: Sequence[AnswerTokens], options: TofuOptions) -> dict[str, float]:
    """How much of the forget answers is left word for word; the end of a turn is no word."""
    released = options.released_strength
    return {
        "forget.exact_memorization": fmean(map(exact_memorization, answers)),
        "forget.extraction_strength": fmean(
            extraction_strength(answer, as_released=released) for answer in answers
        ),
    }


def _membership(
    sets: TofuSets, members: Sequence[AnswerTokens], scorer: AnswerScorer, form: PromptFormat
) -> dict[str, AttackScores]:
    """The scores by which attacks tell forget answers (members) from holdout answers."""
    answers = [
        (_probe("holdout", number, row.question, form), row.answer)
        for number, row in enumerate(sets.holdout)
    ]
    outsiders = scorer(answers)
    inside = list(zip(members, (row.answer for row in sets.forget), strict=True))
    outside = list(zip(outsiders, (row.answer for row in sets.holdout), strict=True))
    return {
        name: AttackScores(
            tuple(attack(a, t) for a, t in inside), tuple(attack(a, t) for a, t in outside)
        )
        for name, attack in ATTACKS.items()
    }


def _utility(scores: Mapping[str, float | None]) -> float | None:
    """Model utility, or None while one of its nine parts is open."""
    parts = ("probability", "rouge_l_recall", "truth_ratio")
    nine = [scores[f"{name}.{part}"] for name in UTILITY_SETS for part in parts]
    measured = [value for value in nine if value is not None]
    return model_utility(measured) if len(measured) == len(nine) else None


def _against(
    log: RetainLog | None, ratios: Mapping[str, float], aucs: Mapping[str, float]
) -> dict[str, float | None]:
    """The metrics that compare with the retain model: None without its log."""
    if log is None:
        return {"forget_quality": None, "privleak": None}
    if set(log.ratios) != set(ratios):
        raise BenchmarkError("other-questions", "--retain-log", "it is of another forget split")
    quality = forget_quality([ratios[key] for key in ratios], [log.ratios[key] for key in ratios])
    retrained = log.aucs.get("min_k")
    leak = None if retrained is None else privleak(1 - aucs["min_k"], 1 - retrained)
    return {"forget_quality": quality, "privleak": leak}


def _probe(name: str, number: int, question: str, form: PromptFormat) -> Probe:
    """The bare question, as TOFU asks it."""
    return Probe(
        key=ProbeKey(f"{name}-{number:04d}", "original", "plain"),
        split="forget" if name == "forget" else "retain",
        topic="tofu",
        tier=None,
        question=question,
        answer="",
        aliases=(),
        messages=(Message("user", question),) if form == "chat" else (),
        text=None if form == "chat" else raw_question(question),
    )
