"""Option classes and the commands that grow from them say the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Any, get_args, get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from unlearnbench.api import (
    attacks,
    attestations,
    planning,
    rejudging,
    scoring,
    submissions,
    sweep,
    training,
)
from unlearnbench.api import known as known_api
from unlearnbench.api import tofu as tofu_api
from unlearnbench.cli.grow import grown
from unlearnbench.cli.main import app
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import (
    About,
    EngineOptions,
    Help,
    RunOptions,
    TofuOptions,
    TrainOptions,
    pairs,
    rows,
)

CLASSES = (EngineOptions, ExecutorOptions, RunOptions, TofuOptions, TrainOptions, About)
SHARED: list[tuple[str, Callable[..., Any], set[str]]] = [
    ("score", scoring.score, {"on_progress", "benchmark"}),
    ("known", known_api.known, {"on_progress"}),
    ("score", planning.plan_score, {"benchmarks"}),
    ("train", planning.plan_train, set()),
    ("relearn", planning.plan_relearn, {"arms"}),
    ("stress", planning.plan_stress, set()),
    ("judge", rejudging.rejudge, {"on_progress"}),
    ("stress", attacks.stress, {"on_progress"}),
    ("relearn", attacks.relearn, {"on_progress", "arms"}),
    ("train", training.train, {"on_progress"}),
    ("train", sweep.sweep, {"on_progress", "setting", "values"}),
    ("submit", submissions.submit, set()),
    ("tofu", tofu_api.score_tofu, set()),
    ("verify", attestations.rerun, {"on_progress", "folder", "checkpoint"}),
]
"""Command, the function that it calls, and parameters that are spelt otherwise or not typed."""


def command(name: str) -> Callable[..., Any]:
    (found,) = (c.callback for c in app.registered_commands if c.name == name)
    assert found is not None
    return found


def options_of(name: str) -> set[str]:
    (group,) = (typer.main.get_command(app),)
    return {parameter.name for parameter in group.commands[name].params}  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", CLASSES)
def test_every_option_says_how_it_is_shown(options: Any) -> None:
    hints = get_type_hints(options, include_extras=True)
    for option in fields(options):
        declared = get_args(hints[option.name])[1]
        assert isinstance(declared, Help)
        assert declared.text.strip().endswith(".")
        assert f"{option.name}:" in inspect.getdoc(options)  # type: ignore[operator]


def offered(options: Any, name: str) -> set[str]:
    """The options of a class that are meant for a command."""
    hints = get_type_hints(options, include_extras=True)
    declared = {option.name: get_args(hints[option.name])[1] for option in fields(options)}
    return {field for field, help in declared.items() if not help.only or name in help.only}


def test_some_options_are_for_one_command() -> None:
    prompting = {"system_prompt", "chat_template", "gen"}
    assert prompting <= options_of("score")
    assert not any(prompting & options_of(name) for name in ("stress", "relearn", "tofu"))


@pytest.mark.parametrize(("name", "function", "others"), SHARED)
def test_a_command_has_what_its_function_takes(
    name: str, function: Callable[..., Any], others: set[str]
) -> None:
    spelt = options_of(name)
    for parameter in inspect.signature(function).parameters.values():
        default = parameter.default
        if is_dataclass(default):
            expected = offered(type(default), name)
        elif parameter.annotation == "About":
            expected = {field.name for field in fields(About)}
        else:
            expected = {parameter.name}
        assert expected <= spelt or parameter.name in others


@pytest.mark.parametrize(("name", "function", "others"), SHARED)
def test_defaults_are_the_same_on_both_sides(
    name: str, function: Callable[..., Any], others: set[str]
) -> None:
    written = inspect.signature(inspect.unwrap(command(name))).parameters
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in others or parameter.default is inspect.Parameter.empty:
            continue
        typed = written[parameter.name].default
        # A repeatable option that is not given is None, which means the same as nothing.
        assert typed == parameter.default or (typed is None and parameter.default == ())


@dataclass(frozen=True)
class Options:
    needed: Annotated[str, Help("It must be given.")]
    size: Annotated[int | None, Help("Rows.", read=rows)] = None
    extra: Annotated[dict[str, str], Help("Pairs.", "--extra", read=pairs, repeated=True)] = field(
        default_factory=dict
    )
    least: Annotated[int, Help("At least two.", least=2)] = 3
    on: Annotated[bool, Help("A switch.", "--on/--off")] = True


def call(*words: str) -> tuple[int, str, Any]:
    seen: list[Any] = []

    @grown
    def run(options: Options, name: str = "x") -> int:
        seen.append((options, name))
        return 0

    small = typer.Typer()
    small.command()(run)
    done = CliRunner().invoke(small, words)
    text = f"{done.output} {done.exception}"
    return done.exit_code, text, seen[0] if seen else None


def test_what_was_typed_arrives_as_one_object() -> None:
    words = ("--needed", "a", "--size", "4", "--extra", "b=c", "--extra", "d=e=f")
    code, output, seen = call(*words, "--least", "2", "--off", "--name", "y")
    assert code == 0, output
    assert seen == (Options("a", 4, {"b": "c", "d": "e=f"}, 2, False), "y")


def test_what_was_not_typed_keeps_the_default_of_its_class() -> None:
    _, _, (options, name) = call("--needed", "a")
    assert (options.size, options.least, options.on, name) == (None, 3, True, "x")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "Missing option"),
        (("--needed", "a", "--size", "0"), "--size 0: auto, or a number from 1 up"),
        (("--needed", "a", "--size", "-1"), "--size -1: auto, or a number"),
        (("--needed", "a", "--size", "9999999999"), "--size 9999999999: auto"),
        (("--needed", "a", "--extra", "b"), "--extra b: give NAME=VALUE"),
        (("--needed", "a", "--extra", "=b"), "--extra =b: give NAME=VALUE"),
        (("--needed", "a", "--least", "1"), "greater than or equal to 2"),
        (("--needed", "a", "--other", "1"), "No such option"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: tuple[str, ...], expected: str) -> None:
    code, output, seen = call(*words)
    assert code
    assert seen is None
    assert expected in " ".join(output.replace("│", " ").split())


def test_auto_is_no_number() -> None:
    _, _, (options, _) = call("--needed", "a", "--size", "auto")
    assert options.size is None
