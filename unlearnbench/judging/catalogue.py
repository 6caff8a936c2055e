"""From `NAME` or `NAME:ARGUMENT` to a judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from unlearnbench.environment import extra
from unlearnbench.errors import JudgeError
from unlearnbench.interfaces import Judge
from unlearnbench.judging.jury import JuryJudge
from unlearnbench.judging.llm.batch import BatchTransport
from unlearnbench.judging.llm.calls import Calls
from unlearnbench.judging.llm.definition import (
    JudgeDefinition,
    JudgeFile,
    definition_names,
    load_definition,
)
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.judging.llm.local import LocalModel
from unlearnbench.judging.llm.providers.gemini import GeminiProvider
from unlearnbench.judging.llm.providers.openai import OpenAIProvider
from unlearnbench.naming import nearest
from unlearnbench.plugins import available, load

PROVIDERS: Mapping[str, Callable[[JudgeFile], GeminiProvider | OpenAIProvider]] = {
    "gemini": GeminiProvider,
    "openai": OpenAIProvider,
}


def make_judge(
    spec: str, max_cost: float | None = None, batch: bool = False, keyless: bool = False
) -> Judge:
    """The judge that `spec` names: a plug-in, a shipped definition, or a folder with `judge.toml`.

    What follows the first colon is its argument: a model for a definition, members joined by `+`
    for a jury. `max_cost` limits, in US dollars, what each paid member may spend; `batch` sends
    calls as jobs where a provider takes them. `keyless` makes a paid judge without its key: it can
    say which judge it is, and answers nothing. Raises `JudgeError` for an unknown name (with the
    nearest one), a judge that cannot be made, or a `batch` for one that takes no jobs.
    """
    judge = _make(spec, max_cost, batch, keyless)
    if batch and not keyless and not _takes_jobs(judge):
        raise JudgeError(f"--batch: judge {spec} takes no jobs; leave it out")
    return judge


def _takes_jobs(judge: Judge) -> bool:
    if isinstance(judge, JuryJudge):
        return any(map(_takes_jobs, judge.members))
    return isinstance(judge, LLMJudge) and isinstance(judge.transport, BatchTransport)


def _make(spec: str, max_cost: float | None, batch: bool, keyless: bool) -> Judge:
    name, _, argument = spec.partition(":")
    if name in available("judges"):
        return _plugin(name, argument)
    definition = load_definition(spec) or load_definition(name)
    if definition is None:
        known = [*available("judges"), *definition_names()]
        raise JudgeError(
            f"unknown judge {name!r}, and no folder with a judge.toml; {nearest(name, known)}"
        )
    if load_definition(spec) is not None:
        argument = ""
    if definition.file.provider == "jury":
        members = argument.split("+") if argument else definition.file.members
        made = [_make(member, max_cost, batch, keyless) for member in members]
        return JuryJudge(definition.name, made, definition.file.rule)
    named = definition.with_model(argument) if argument else definition
    if keyless and named.file.provider in PROVIDERS:
        return LLMJudge(named, cast(Any, _Keyless()))
    return _defined(named, max_cost, batch)


class _Keyless:
    """Stands where calls would be made."""

    def __getattr__(self, name: str) -> Any:
        raise JudgeError("this judge was made without its key and can judge nothing")


def _defined(definition: JudgeDefinition, max_cost: float | None, batch: bool) -> Judge:
    if definition.file.provider == "local":
        model = LocalModel(definition.file)
        return LLMJudge(model.pinned(definition), model)
    provider = PROVIDERS[definition.file.provider](definition.file)
    extra("tenacity", definition.file.provider)
    transport = BatchTransport if batch else Calls
    return LLMJudge(definition, transport(definition.file, provider, max_cost))


def _plugin(name: str, argument: str) -> Judge:
    factory = load("judges", name)
    if not argument:
        return cast(Judge, factory())
    try:
        return cast(Judge, factory(argument))
    except TypeError as error:
        raise JudgeError(f"judge {name} takes no argument ({argument!r}): {error}") from error
