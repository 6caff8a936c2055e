"""Check a benchmark's rows, with judge `rules` where a check must know how answers are read."""

from __future__ import annotations

from unlearnbench.benchmark import Benchmark
from unlearnbench.benchmark.quality.breaches import JudgeRules
from unlearnbench.benchmark.quality.check import Report, check_benchmark
from unlearnbench.judging.rules.judge import decide
from unlearnbench.judging.rules.person import as_person


def check_rows(benchmark: Benchmark) -> Report:
    """Every check of paraphrases, facts, aliases and reverse questions. Raises like
    `check_benchmark`.
    """
    return check_benchmark(benchmark, JUDGE_RULES)


def _accepts(question: str, answer: str, aliases: tuple[str, ...], response: str) -> bool:
    return decide(question, answer, aliases, response).correct


def _is_person(answer: str, question: str) -> bool:
    return as_person(answer, question) is not None


JUDGE_RULES = JudgeRules(_accepts, _is_person)
"""Judge `rules`, as far as rules for rows ask it."""
