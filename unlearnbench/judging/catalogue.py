"""From `NAME` or `NAME:ARGUMENT` to a judge."""

from __future__ import annotations

from typing import cast

from unlearnbench.errors import JudgeError
from unlearnbench.interfaces import Judge
from unlearnbench.plugins import load


def make_judge(spec: str) -> Judge:
    """The judge that `spec` names; what follows the first colon is its argument.

    Raises `PluginError` for an unknown name, `JudgeError` if it takes no argument.
    """
    name, colon, argument = spec.partition(":")
    factory = load("judges", name)
    if not colon:
        return cast(Judge, factory())
    try:
        return cast(Judge, factory(argument))
    except TypeError as error:
        raise JudgeError(f"judge {name} takes no argument ({argument!r}): {error}") from error
