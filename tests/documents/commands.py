"""docs/COMMANDS.md: every command with its options, as `--help` has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from unlearnbench.cli.main import app

PATH = Path(__file__).parents[2] / "docs" / "COMMANDS.md"
HEAD = """# Commands

Made from `--help` by `python -m tests.documents`; do not edit it by hand.

Progress and notes go to stderr, the result to stdout. Exit codes: 0 done, 1 finished with open
facts, 2 your mistake (one line says which), 3 a bug, 130 interrupted.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """The name and the click object of every command that does something."""
    yield from _below("unlearnbench", typer.main.get_command(app))


def text() -> str:
    """The whole document."""
    names = [name for name, _ in commands()]
    links = [f"[{n.partition(' ')[2]}](#{n.replace(' ', '-')})" for n in names]
    parts = [HEAD, " · ".join(links) + "\n"]
    parts.extend(_section(name, command) for name, command in commands())
    return "\n".join(parts).rstrip("\n") + "\n"


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for part, child in command.commands.items():
        yield from _below(f"{name} {part}", child)


def _section(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = command.get_usage(context).removeprefix("Usage: ").strip()
    about, example = _help(command.help or "")
    usage = re.sub(r"[{[](\w+)[]}]", _capitals, " ".join(usage.split()))
    lines = [f"## {name}", "", about, "", "```", usage]
    lines += [*(["", *example] if example else []), "```", ""]
    rows = [row for p in command.get_params(context) if (row := _row(p, context))]
    return "\n".join([*lines, "| option | default | meaning |", "|---|---|---|", *rows, ""])


def _help(text: str) -> tuple[str, list[str]]:
    """The paragraphs of a command's help, and its examples."""
    plain, examples = [], list[str]()
    for block in text.replace("\b", "").split("\n\n"):
        flat = [line.strip() for line in block.strip().splitlines()]
        if flat and flat[0].startswith("Example"):
            flat[0] = flat[0].partition(":")[2].strip()
            examples += [line for line in flat if line]
        else:
            plain.append(" ".join(flat))
    return "\n\n".join(plain), examples


def _row(parameter: Any, context: Any) -> str:
    """A line of the table; nothing for a hidden parameter and for `--help` itself."""
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return ""
    argument = parameter.param_type_name == "argument"
    names = [parameter.name.upper()] if argument else [*parameter.opts]
    names += [] if argument else parameter.secondary_opts
    default = parameter.get_default(context)
    none = default is None or default is False or default in ((), [], "")
    shown = "" if none else f"`{_value(default, parameter)}`"
    if parameter.required:
        shown = "required"
    words = " ".join((parameter.help or "").split()).replace("|", "\\|")
    marks = " ".join(f"`{n}`" for n in names).replace("|", "\\|")
    return f"| {marks} | {shown} | {words} |"


def _value(default: Any, parameter: Any) -> str:
    if isinstance(default, bool) and parameter.secondary_opts:
        return str((parameter.opts if default else parameter.secondary_opts)[0])
    return str(default() if callable(default) else default)


def _capitals(argument: re.Match[str]) -> str:
    """An argument's name as a person would write it: CHECKPOINT, [SITE]."""
    if argument[1] == "OPTIONS":
        return argument[0]
    return argument[1].upper() if argument[0].startswith("{") else argument[0].upper()
