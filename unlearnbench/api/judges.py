"""Make the judge of a run, and check that it can judge the benchmark's gold answers.

A judge that could never recognise a gold answer is refused: its facts would look forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from unlearnbench.api.engines import check_execution, engine_maker
from unlearnbench.authoring.answers import unjudged
from unlearnbench.benchmark.load import Benchmark
from unlearnbench.benchmark.sentences import sentence_rows
from unlearnbench.errors import BenchmarkError, JudgeError
from unlearnbench.executors.blocks import SpreadGenerator
from unlearnbench.executors.parts import InParts
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.judging.catalogue import make_judge
from unlearnbench.judging.jury import JuryJudge
from unlearnbench.judging.rules.itself import not_found
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.remote.local import MakeEngine, in_this_process
from unlearnbench.types import Probe
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions


@dataclass(frozen=True, slots=True)
class Gold:
    """A question with its gold answer and aliases; `where` is its file and line, or its fact."""

    question: str
    answer: str
    aliases: tuple[str, ...]
    where: str


def judge_for(
    benchmark: Benchmark,
    judge: str | Judge | None,
    max_cost: float | None = None,
    *,
    forms: bool = False,
) -> Judge:
    """The judge called `judge` (default: the benchmark's), ready for the benchmark's gold answers.

    `forms`: reverse questions are judged too. Raises `JudgeError` if the rules are to judge gold
    answers that are whole sentences or that anybody guesses, such as yes and no, `BenchmarkError`
    for a gold answer that the rules do not find in itself.
    """
    places: Mapping[str, str] = benchmark.places
    golds = [Gold(f.question, f.answer, f.aliases, places.get(f.id, f.id)) for f in benchmark.facts]
    reverse = [
        Gold(
            form.reverse_question,
            form.reverse_answer,
            form.reverse_aliases,
            f"reverse form of {form.fact}",
        )
        for form in (benchmark.forms if forms else ())
    ]
    requested = judge or benchmark.judge
    if not requested:
        raise JudgeError("--judge (none named): " + _no_sentences(golds))
    instance = _instance(requested, max_cost)
    _check(instance, golds, benchmark.sentences, reverse)
    if decided_by_rules(instance):
        _check_guessed(instance, benchmark)
    return instance


def _check_guessed(judge: Judge, benchmark: Benchmark) -> None:
    """Refuse answers that stand in any text, as rows of others may hold them."""
    guessed = [(f, reason) for f in benchmark.facts if (reason := unjudged(f, lambda _: None))]
    if guessed:
        fact, reason = guessed[0]
        where = benchmark.places.get(fact.id, fact.id)
        raise JudgeError(
            f"--judge {judge.name}: {where}: answer {fact.answer!r} {reason}, or name an LLM judge "
            f"({len(guessed)} of {len(benchmark.facts)} facts)"
        )


BLOCK_CALLS = 32
"""Calls that a worker is given at a time; the rubric is encoded once for each."""


class LocalModels:
    """Loads the checkpoints of local judges, in this process or in workers until it is closed."""

    def __init__(self, execution: ExecutorOptions, closing: ExitStack) -> None:
        self.spread = execution.executor == "ray"
        self._execution, self._closing = execution, closing
        self.loaded: dict[str, Generator] = {}

    def __call__(self, checkpoint: str) -> Generator:
        """The checkpoint's engine. Raises `JudgeError` for a second one in workers."""
        if self.spread and self.loaded and checkpoint not in self.loaded:
            raise JudgeError(
                "--executor ray: one local judge at a time; leave it out for this jury"
            )
        if checkpoint not in self.loaded:
            maker = engine_maker("transformers", checkpoint, EngineOptions(), self._execution)
            engine = self._closing.enter_context(maker)()
            if isinstance(engine, SpreadGenerator):
                engine = InParts(engine, BLOCK_CALLS)
            self.loaded[checkpoint] = engine
        return self.loaded[checkpoint]


@contextmanager
def local_models(execution: ExecutorOptions) -> Iterator[LocalModels]:
    """What loads the checkpoints of local judges. Raises like `check_execution`."""
    check_execution("transformers", execution)
    with ExitStack() as closing:
        yield LocalModels(execution, closing)


def judge_again(
    answers: str,
    probes: Iterable[Probe],
    judge: str | Judge,
    max_cost: float | None,
    batch: bool = False,
    local: LocalModels | None = None,
) -> Judge:
    """The judge called `judge` for a stored run with gold answers of form `answers`.

    `local` loads its checkpoint if it is a local one. Raises like `judge_for`, and `JudgeError` if
    `local` has workers for nothing.
    """
    first: dict[str, Gold] = {}
    for probe in probes:
        gold = Gold(probe.question, probe.answer, probe.aliases, f"fact {probe.key.fact}")
        first.setdefault(probe.key.fact, gold)
    instance = _instance(judge, max_cost, batch, local or in_this_process)
    if local is not None and local.spread and not local.loaded:
        raise JudgeError(
            f"--executor ray: judge {instance.name} has no model of its own for workers to run; "
            "leave it out"
        )
    _check(instance, list(first.values()), answers == "sentences")
    return instance


def _instance(
    judge: str | Judge,
    max_cost: float | None,
    batch: bool = False,
    local: MakeEngine = in_this_process,
) -> Judge:
    if isinstance(judge, str):
        return make_judge(judge, max_cost, batch, local)
    if batch or max_cost is not None:
        option = "--batch" if batch else "--max-cost"
        raise JudgeError(f"{option}: a judge that is given as an object has its own settings")
    return judge


def _check(
    judge: Judge, golds: Sequence[Gold], sentences: bool, reverse: Sequence[Gold] = ()
) -> None:
    if not golds or not decided_by_rules(judge):
        return
    rows = sentence_rows([(gold.answer, gold.aliases) for gold in golds])
    if sentences or rows:
        raise JudgeError(
            f"--judge {judge.name}: " + _no_sentences(golds[rows[0] :] if rows else golds)
        )
    for gold in (*golds, *reverse):
        missed = not_found(gold.question, gold.answer, gold.aliases)
        if missed is not None:
            message = f"the rules do not find {missed!r} in itself; rephrase it"
            raise BenchmarkError("answer-not-found", gold.where, f"{message}, or name an LLM judge")


def _no_sentences(golds: Sequence[Gold]) -> str:
    example = f" ({golds[0].where}: {golds[0].answer[:60]!r})" if golds else ""
    return (
        f"the answers are whole sentences or phrases{example}, which the rules do not recognise in "
        "other words; name an LLM judge, or give each a short alias"
    )


def decided_by_rules(judge: Judge) -> bool:
    """Whether a response that the rules miss is judged incorrect: not in a jury where one member
    suffices, nor with an LLM judge.
    """
    if isinstance(judge, JuryJudge):
        return judge.rule == "majority" and any(map(decided_by_rules, judge.members))
    return isinstance(judge, RulesJudge)
