"""docs/API.md: every public name, its signature and its docstring."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from pathlib import Path

import unlearnbench
from tests.documents.docstrings import Docstring, parse

PATH = Path(__file__).parents[2] / "docs" / "API.md"
HEAD = """# Python API

Made from the docstrings by `python -m tests.documents`; do not edit it by hand. It documents every
name in `unlearnbench.__all__`, and only these are kept stable.

```python
import unlearnbench

run = unlearnbench.score("path/to/checkpoint", benchmark="wkf")
print(run.scores["forget.worst_case"].value)
```

Importing `unlearnbench` loads neither torch nor transformers. Whatever the caller can mend is
raised as an error with one line that says what, where and what to do.
"""
KINDS = ("Functions", "Classes", "Errors", "Constants")


def text() -> str:
    """The whole document."""
    things = {name: getattr(unlearnbench, name) for name in unlearnbench.__all__}
    groups = {kind: [n for n in sorted(things) if kind_of(things[n]) == kind] for kind in KINDS}
    parts = [HEAD, _contents(groups)]
    for kind, names in groups.items():
        if names:
            parts.append(f"## {kind}\n")
            parts.extend(_entry(name, things[name], kind) for name in names)
    return "\n".join(parts).rstrip("\n") + "\n"


def kind_of(thing: object) -> str:
    """The group of the document that a public name belongs to."""
    if inspect.isclass(thing):
        return "Errors" if issubclass(thing, BaseException) else "Classes"
    return "Functions" if callable(thing) else "Constants"


def undocumented() -> list[str]:
    """What the docstrings of public functions leave out: parameters, the result, an example."""
    gaps = []
    for name in unlearnbench.__all__:
        thing = getattr(unlearnbench, name)
        if kind_of(thing) != "Functions":
            continue
        parts = parse(thing)
        args = parts.entries.get("Args", {})
        parameters = inspect.signature(thing).parameters
        gaps += [f"{name}: Args: {p}" for p in parameters if p not in args]
        gaps += [f"{name}: Args: no parameter {a}" for a in args if a not in parameters]
        gaps += [] if parts.returns else [f"{name}: Returns"]
        says = parts.entries.get("Raises") or "raise" in parts.returns
        gaps += [] if says else [f"{name}: Raises"]
        gaps += [] if parts.example else [f"{name}: Example"]
    return gaps


def _contents(groups: dict[str, list[str]]) -> str:
    links = {k: ", ".join(f"[`{n}`](#{n.lower()})" for n in names) for k, names in groups.items()}
    return "".join(f"- {kind}: {row}\n" for kind, row in links.items() if row)


def _entry(name: str, thing: object, kind: str) -> str:
    lines = [f"### {name}", ""]
    if kind == "Constants":
        return "\n".join([*lines, f"A `{type(thing).__name__}`.", ""])
    parts = parse(thing)
    if kind != "Errors":
        lines += ["```python", _signature(name, thing), "```", ""]
    lines += [parts.prose, ""]
    lines += _entries("Args", parts) + _entries("Attributes", parts)
    lines += ["**Returns**", "", parts.returns, ""] if parts.returns else []
    lines += _entries("Raises", parts)
    if kind == "Classes":
        lines += _members(thing)
    lines += _example(parts)
    return "\n".join(lines)


def _entries(section: str, parts: Docstring) -> list[str]:
    rows = [f"- `{name}`: {text}" for name, text in parts.entries.get(section, {}).items()]
    return [f"**{section}**", "", *rows, ""] if rows else []


def _example(parts: Docstring) -> list[str]:
    return ["**Example**", "", "```python", parts.example, "```", ""] if parts.example else []


def _members(thing: object) -> list[str]:
    """Public methods and properties of a class, each with the first paragraph about it."""
    lines = []
    for name, member in vars(thing).items():
        function = getattr(member, "fget", None) or getattr(member, "func", None)
        shown = f"`.{name}`"
        if isinstance(member, classmethod | staticmethod):
            member = member.__func__
        if inspect.isfunction(member):
            shown = f"`.{name}({', '.join(list(inspect.signature(member).parameters)[1:])})`"
            function = member
        if name.startswith("_") or function is None:
            continue
        lines.append(f"- {shown}: {parse(function).prose.partition(chr(10))[0]}")
    return ["**Members**", "", *lines, ""] if lines else []


def _signature(name: str, thing: object) -> str:
    """`name(parameters) -> result`, a parameter a line where one line is too short."""
    assert callable(thing)
    signature = inspect.signature(thing)
    parameters = [_parameter(p) for p in signature.parameters.values()]
    result = signature.return_annotation
    arrow = "" if inspect.isclass(thing) or result in (None, inspect.Signature.empty) else result
    arrow = f" -> {arrow if isinstance(arrow, str) else inspect.formatannotation(arrow)}"
    arrow = "" if arrow == " -> " else arrow
    keywords = [p.kind is inspect.Parameter.KEYWORD_ONLY for p in signature.parameters.values()]
    if any(keywords):
        parameters.insert(keywords.index(True), "*")
    line = f"{name}({', '.join(parameters)}){arrow}"
    if len(line) <= 88:
        return line
    return f"{name}(\n" + "".join(f"    {p},\n" for p in parameters) + f"){arrow}"


def _parameter(parameter: inspect.Parameter) -> str:
    """`name: type = default`; a default object is written as the call that makes it."""
    annotation, default = parameter.annotation, parameter.default
    shown = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    shown = _without_help(shown)
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    name = stars.get(parameter.kind, "") + parameter.name
    if annotation is not inspect.Parameter.empty:
        name += f": {shown}"
    if default is inspect.Parameter.empty:
        return name
    if dataclasses.is_dataclass(default):
        return f"{name} = {type(default).__name__}()"
    value = repr(default) if _literal(default) else getattr(default, "__name__", "...")
    return f"{name} = {value}" if annotation is not inspect.Parameter.empty else f"{name}={value}"


def _literal(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool | tuple)


def _without_help(annotation: str) -> str:
    """The type in `Annotated[type, Help(...)]`, which is all that Python users need."""
    tree = ast.parse(annotation, mode="eval").body
    if isinstance(tree, ast.Subscript) and ast.unparse(tree.value) == "Annotated":
        assert isinstance(tree.slice, ast.Tuple)
        return ast.unparse(tree.slice.elts[0])
    return annotation
