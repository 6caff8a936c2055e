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
from unlearnbench.tofu.summary import forget_quality, model_utility
from unlearnbench.types import Completion, Message, Probe, ProbeKey, PromptFormat, Sampling
from unlearnbench.types.options import TofuOptions

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
    what another run needs as retain log. `open` names the questions that got no answer.
    """

    scores: Mapping[str, float | None]
    ratios: Mapping[str, float]
    aucs: Mapping[str, float]
    open: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RetainLog:
    """The result of a model that never saw the forget set."""

    ratios: Mapping[str, float]
    aucs: Mapping[str, float]


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
    missing: list[str] = []
    for name in ("forget", *UTILITY_SETS):
        rows: tuple[TofuRow, ...] = getattr(sets, name)
        probes = [_probe(name, number, row.question, form) for number, row in enumerate(rows)]
        likely = _likelihoods(probes, rows, scorer)
        ratios[name] = {
            str(probe.key.fact): truth_ratio(f.paraphrased, f.perturbed, mean)
            for probe, f in zip(probes, likely, strict=True)
        }
        scores[f"{name}.probability"] = fmean(
            choice_probability(f.answer.loss, f.perturbed)
            if name in CHOICE_SETS
            else probability(f.answer.loss)
            for f in likely
        )
        scores[f"{name}.rouge_l_recall"], failed = _rouge(probes, rows, generator)
        missing += failed
        values = list(ratios[name].values())
        scores[f"{name}.truth_ratio"] = truth_score(
            values, "forget" if name == "forget" else "other"
        )
        if name == "forget":
            scores |= _memorized([f.answer.without_end for f in likely], options)
            aucs = _membership(sets, [f.answer for f in likely], scorer, form)
    scores["model_utility"] = _utility(scores)
    scores |= {f"forget.auc.{attack}": value for attack, value in aucs.items()}
    scores |= _against(log, ratios["forget"], aucs)
    return TofuResult(scores, ratios["forget"], aucs, tuple(missing))


@dataclass(frozen=True, slots=True)
class _RowLikelihoods:
    answer: AnswerTokens
    paraphrased: float
    perturbed: tuple[float, ...]


def _likelihoods(
    probes: Sequence[Probe], rows: Sequence[TofuRow], scorer: AnswerScorer
) -> list[_RowLikelihoods]:
    """The likelihoods of every answer of every row, in one call."""
    answers = [
        (probe, text)
        for probe, row in zip(probes, rows, strict=True)
        for text in (row.answer, row.paraphrased_answer, *row.perturbed)
    ]
    scored = iter(scorer(answers))
    likelihoods = []
    for row in rows:
        answer, paraphrased = next(scored), next(scored).loss
        likelihoods.append(
            _RowLikelihoods(answer, paraphrased, tuple(next(scored).loss for _ in row.perturbed))
        )
    return likelihoods


def _rouge(
    probes: Sequence[Probe], rows: Sequence[TofuRow], generator: Generator
) -> tuple[float | None, list[str]]:
    """Mean ROUGE-L recall of generated answers; None if one of them is missing."""
    responses = {r.key: r for r in generator.generate(probes, Sampling(NEW_TOKENS))}
    values, missing = [], []
    for probe, row in zip(probes, rows, strict=True):
        result = responses.get(probe.key)
        if isinstance(result, Completion):
            values.append(rouge_l_recall(row.answer, result.text))
        else:
            missing.append(probe.key.fact)
    return (None if missing else fmean(values)), missing


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
) -> dict[str, float]:
    """AUC of each attack that tells forget answers (members) from holdout answers."""
    answers = [
        (_probe("holdout", number, row.question, form), row.answer)
        for number, row in enumerate(sets.holdout)
    ]
    outsiders = scorer(answers)
    inside = list(zip(members, (row.answer for row in sets.forget), strict=True))
    outside = list(zip(outsiders, (row.answer for row in sets.holdout), strict=True))
    return {
        name: auc([attack(a, t) for a, t in inside], [attack(a, t) for a, t in outside])
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
    return {
        "forget_quality": quality,
        "privleak": privleak(1 - aucs["min_k"], 1 - log.aucs["min_k"]),
    }


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
        text=None if form == "chat" else f"Question: {question}\nAnswer:",
    )
