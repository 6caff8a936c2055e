"""Every option reaches what it is about: from a command's parameters to the API, and on."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from unlearnbench.cli.main import app
from unlearnbench.types.options import RunOptions

PACKAGE = Path(__file__).parents[2] / "unlearnbench"
CLI = sorted((PACKAGE / "cli").glob("*.py"))
API = sorted((PACKAGE / "api").glob("[a-z]*.py"))
NOT_OFFERED = {"demo": "it shows one fixed example and takes hardly any options"}
"""Command modules that call the API with some of its parameters left at their defaults."""


def commands(group: typer.Typer) -> Iterator[Callable[..., Any]]:
    for info in group.registered_commands:
        assert info.callback is not None
        yield info.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance)


def parsed(function: Callable[..., Any]) -> ast.FunctionDef:
    tree = ast.parse(inspect.getsource(function))
    node = tree.body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def unused(node: ast.FunctionDef) -> list[str]:
    """Parameters that the body of a function never reads."""
    read = {
        name.id
        for statement in node.body
        for name in ast.walk(statement)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    }
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument.arg for argument in arguments if argument.arg not in read]


def imported(tree: ast.AST) -> dict[str, str]:
    """Names bound by imports from the package, to what they are."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unlearnbench")
        for alias in node.names
    }


def api_calls(tree: ast.AST) -> Iterator[tuple[Callable[..., Any], ast.Call]]:
    """Each call of a function of the API, whatever it is imported as."""
    names = imported(tree)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        called = ast.unparse(call.func).split(".")
        path = ".".join([names.get(called[0], ""), *called[1:]])
        module, _, name = path.rpartition(".")
        if module.startswith("unlearnbench.api."):
            found = getattr(importlib.import_module(module), name)
            if inspect.isfunction(found):
                yield found, call


def left_out(function: Callable[..., Any], call: ast.Call) -> list[str]:
    """Parameters of an API function that a call says nothing about."""
    parameters = list(inspect.signature(function).parameters)
    given = {*parameters[: len(call.args)], *(keyword.arg for keyword in call.keywords)}
    return [name for name in parameters if name not in given]


COMMANDS = list(commands(app))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.__module__}.{c.__name__}")
def test_every_option_of_a_command_is_read(command: Callable[..., Any]) -> None:
    assert unused(parsed(command)) == []


@pytest.mark.parametrize("path", CLI, ids=lambda path: path.stem)
def test_every_parameter_of_the_api_is_passed_on(path: Path) -> None:
    calls = list(api_calls(ast.parse(path.read_text("utf-8"))))
    missing = [(f.__name__, name) for f, call in calls for name in left_out(f, call)]
    assert path.stem in NOT_OFFERED or missing == []
    assert path.stem not in NOT_OFFERED or missing  # the exception is still needed


@pytest.mark.parametrize("path", API, ids=lambda path: path.stem)
def test_every_parameter_of_the_api_is_read(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not any(ast.unparse(one) == "overload" for one in node.decorator_list)
    ]
    assert [(f.name, name) for f in functions for name in unused(f) if name != "self"] == []


def test_the_walk_sees_the_commands_and_their_calls() -> None:
    names = {command.__name__ for command in COMMANDS}
    assert {"score", "judge", "stress", "relearn", "train", "submit", "verify", "build"} <= names
    called = {
        function.__name__
        for path in CLI
        for function, _ in api_calls(ast.parse(path.read_text("utf-8")))
    }
    assert {"score", "rejudge", "estimate", "stress", "relearn", "train", "sweep"} <= called


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("def f(a, b): return g(a)", ["b"]),
        ("def f(a, b=1): b = 2; return g(a)", ["b"]),
        ("def f(a, *, b): return lambda: a + b", []),
    ],
)
def test_a_dropped_parameter_is_noticed(source: str, problems: list[str]) -> None:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert unused(node) == problems


def test_a_call_without_batch_is_noticed() -> None:
    text = "from unlearnbench.api import rejudging\nrejudging.rejudge(run, judge, max_cost=1)\n"
    [(function, call)] = api_calls(ast.parse(text))
    assert left_out(function, call) == ["batch", "run_options", "executor_options", "on_progress"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--batch"], {"batch": True, "max_cost": None, "run_options": RunOptions()}),
        (
            ["--max-cost", "2.5", "--no-resume", "--out", "there"],
            {"batch": False, "max_cost": 2.5, "run_options": RunOptions(Path("there"), False)},
        ),
    ],
)
def test_what_the_judge_command_asks_for(
    arguments: list[str], expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}
    monkeypatch.setattr(
        "unlearnbench.api.rejudging.rejudge", lambda *_, **given: seen.update(given)
    )
    monkeypatch.setattr("unlearnbench.cli.runs.print_run", lambda run, json: 0)
    app(["judge", "runs/x", "--judge", "gemini", "-q", *arguments], standalone_mode=False)
    assert {name: seen[name] for name in expected} == expected
