"""Make command-line options from option classes: each field of a class becomes an option.

    @grown
    def score(checkpoint: Checkpoint, engine_options: EngineOptions = EngineOptions()) -> int: ...

takes `--device`, `--dtype` and so on, and receives them as one object.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from unlearnbench.errors import UnlearnbenchError
from unlearnbench.types.options import Help


def grown(command: Callable[..., int]) -> Callable[..., int]:
    """A command in which each parameter of an option class is replaced by the class's fields."""
    signature = inspect.signature(command, eval_str=True)
    offered = partial(_offered, command=command.__name__)
    classes: Mapping[str, Any] = {
        p.name: p.annotation for p in signature.parameters.values() if is_dataclass(p.annotation)
    }

    @wraps(command)
    def call(**arguments: Any) -> int:
        for name, options in classes.items():
            typed = [(f, h, arguments.pop(f)) for f, _, h, _ in offered(options)]
            values = {f: _read(f, h, v) for f, h, v in typed if v is not None}
            arguments[name] = options(**values)
        return command(**arguments)

    parameters = [
        grown_parameter
        for parameter in signature.parameters.values()
        for grown_parameter in (
            [_option(*option) for option in offered(classes[parameter.name])]
            if parameter.name in classes
            else [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
        )
    ]
    grown_command: Any = call
    grown_command.__signature__ = signature.replace(parameters=parameters)
    grown_command.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    return call


def _declared(options: Any) -> Iterator[tuple[str, Any, Help, Any]]:
    """Name, type, help and default of each option of a class."""
    hints = get_type_hints(options, include_extras=True)
    for option in fields(options):
        kind, declared = get_args(hints[option.name])
        yield option.name, kind, declared, option.default


def _offered(options: Any, command: str) -> list[tuple[str, Any, Help, Any]]:
    """The options of a class that a command offers."""
    declared = _declared(options)
    return [option for option in declared if not option[2].only or command in option[2].only]


def _option(name: str, kind: Any, declared: Help, default: Any) -> inspect.Parameter:
    spelling = [declared.spelling] if declared.spelling else []
    typed: Any = kind
    if declared.read is not None:
        typed = (list[str] if declared.repeated else str) | None
        default = None
    metavar = "<path>" if declared.read is Path else None
    option = typer.Option(*spelling, help=declared.text, min=declared.least, metavar=metavar)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=Annotated[typed, option],
    )


def _read(name: str, declared: Help, value: Any) -> Any:
    """The value of a field from the typed text. Raises `UnlearnbenchError`."""
    if declared.read is None:
        return value
    try:
        return declared.read(value)
    except ValueError as error:
        spelt = declared.spelling or f"--{name.replace('_', '-')}"
        raise UnlearnbenchError(f"{spelt} {error}") from error
