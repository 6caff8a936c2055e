"""Make the judge that `NAME` or `NAME:ARGUMENT` names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from unlearnbench.errors import JudgeError
from unlearnbench.interfaces import Judge
from unlearnbench.judging.jury import JuryJudge
from unlearnbench.judging.llm.answered import Answered, answered
from unlearnbench.judging.llm.batch import BatchTransport
from unlearnbench.judging.llm.definition import (
    JudgeDefinition,
    definition_names,
    load_definition,
)
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.judging.llm.prompt import Call
from unlearnbench.judging.rules.judge import RulesJudge, StrictRulesJudge
from unlearnbench.naming import nearest
from unlearnbench.plugins import available, load
from unlearnbench.remote.errors import Failed
from unlearnbench.remote.local import LocalModel, MakeEngine, in_this_process
from unlearnbench.remote.paying import CostLimit, PaidCalls
from unlearnbench.remote.providers.catalogue import PROVIDERS, make_provider
from unlearnbench.types import Usage

_Build = Callable[[JudgeDefinition], LLMJudge]
"""Makes the judge of a definition with one model."""


def make_judge(
    spec: str,
    max_cost: float | None = None,
    batch: bool = False,
    local: MakeEngine = in_this_process,
) -> Judge:
    """The judge that `spec` names: a plug-in, a shipped definition, or a folder with `judge.toml`.

    Text after the first colon is the judge's argument: a model for a definition, members joined by
    `+` for a jury. `max_cost` limits, in US dollars, what each paid member may spend; `batch` sends
    calls as batch jobs where the provider supports them; `local` loads the checkpoint of a local
    judge. Raises `JudgeError` for an unknown name
    (and suggests the nearest one), a judge that cannot be made, or `batch` without support.
    """
    judge = _make(spec, lambda definition: _with_transport(definition, max_cost, batch, local))
    if batch and not _takes_jobs(judge):
        raise JudgeError(f"--batch: judge {spec} takes no batch jobs; leave it out")
    return judge


def named_judge(spec: str) -> Judge:
    """The judge that `spec` names, for its name, kind and cost: no key, library or model is needed.

    It makes no calls. Raises `JudgeError` like `make_judge` for an unknown name.
    """
    return _make(spec, lambda definition: LLMJudge(definition, NoTransport()))


def shipped_judges() -> list[str]:
    """Names of the judges that a claim may name, see `shipped_judge`."""
    return sorted(["rules", *_shipped_definitions()])


def shipped_judge(name: str) -> Judge:
    """The judge called `name` exactly, out of those that a claim may name; for its identity only.

    These are the rules, the paid judges that ship with a model of their own, and the jury with its
    own members. No argument, path, plug-in or local model is looked up, nothing is loaded and no
    call can be made. Raises `JudgeError` for any other name.
    """
    if name == "rules":
        return RulesJudge()
    definition = _shipped_definitions().get(name)
    if definition is None:
        raise JudgeError(
            f"judge {name[:80]!r} is not listed; a row is judged by one of: "
            + ", ".join(shipped_judges())
        )
    if definition.file.provider == "jury":
        members = [shipped_judge(member) for member in definition.file.members]
        return JuryJudge(definition.name, members, definition.file.rule)
    return LLMJudge(definition, NoTransport())


def judge_of_run(name: str) -> Judge:
    """The judge that a stored run names, for deriving its verdicts again; it asks nobody.

    Those of `shipped_judge`, the strict rules, and a shipped paid judge with another model. Raises
    `JudgeError` for any other name: nothing that a run's folder names is looked up.
    """
    if name == StrictRulesJudge.name:
        return StrictRulesJudge()
    base, _, model = name.partition(":")
    if not model or base not in definition_names():
        return shipped_judge(name)
    definition = load_definition(base)
    if definition is None or definition.file.provider not in PROVIDERS:
        return shipped_judge(name)
    return LLMJudge(definition.with_model(model), NoTransport())


def _shipped_definitions() -> dict[str, JudgeDefinition]:
    """The shipped definitions of paid judges with a model, and of juries of listed members."""
    read = [load_definition(name) for name in definition_names()]
    shipped = [definition for definition in read if definition is not None]
    listed = {d.name: d for d in shipped if d.file.provider in PROVIDERS and d.file.model}
    juries = {
        d.name: d
        for d in shipped
        if d.file.provider == "jury" and {*d.file.members} <= {*listed, "rules"}
    }
    return listed | juries


def _takes_jobs(judge: Judge) -> bool:
    if isinstance(judge, JuryJudge):
        return any(map(_takes_jobs, judge.members))
    return isinstance(judge, LLMJudge) and isinstance(judge.transport, BatchTransport)


def _make(spec: str, build: _Build) -> Judge:
    name, _, argument = spec.partition(":")
    if name in available("judges"):
        return _plugin(name, argument)
    definition = load_definition(spec) or load_definition(name)
    if definition is None:
        choices = [*available("judges"), *definition_names()]
        raise JudgeError(
            f"unknown judge {name!r}, and no folder with a judge.toml; {nearest(name, choices)}"
        )
    if load_definition(spec) is not None:
        argument = ""
    if definition.file.provider == "jury":
        names = argument.split("+") if argument else definition.file.members
        members = [_make(member, build) for member in names]
        return JuryJudge(definition.name, members, definition.file.rule)
    return build(definition.with_model(argument) if argument else definition)


def _with_transport(
    definition: JudgeDefinition, max_cost: float | None, batch: bool, local: MakeEngine
) -> LLMJudge:
    if definition.file.provider == "local":
        model = LocalModel(definition.file, answered, local)
        # The fingerprint stands for the name: the identity follows from the weights.
        info = model.engine.info
        return LLMJudge(definition.with_model(info.fingerprint, info.checkpoint), model)
    provider = make_provider(definition.file)
    if batch:
        return LLMJudge(definition, BatchTransport(definition.file, provider, max_cost))
    budget = None if max_cost is None else CostLimit(max_cost)
    return LLMJudge(definition, PaidCalls(definition.file, provider, budget, answered))


class NoTransport:
    """Makes no calls; for a judge of which only the name and identity are needed."""

    def __init__(self) -> None:
        self.usage = Usage()

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        """Raise `JudgeError`."""
        raise JudgeError(
            f"this judge was made without an API key; it cannot make {len(calls)} calls"
        )


def _plugin(name: str, argument: str) -> Judge:
    factory = load("judges", name)
    if not argument:
        return cast(Judge, factory())
    try:
        return cast(Judge, factory(argument))
    except TypeError as error:
        raise JudgeError(f"judge {name} takes no argument ({argument!r}): {error}") from error
