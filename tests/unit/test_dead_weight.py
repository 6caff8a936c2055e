"""Nothing is carried that nobody uses: parameters that are not read, names that are not used."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "unlearnbench"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in FILES}
CLASSES = [n for tree in TREES.values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
OWN_CLASSES = {node.name for node in CLASSES}
NAIVE = PACKAGE / "methods" / "jensun" / "naive.py"
"""The ground truth that the kernels are tested against is there for the tests."""

REGISTERS = re.compile("command|validator|serializer")
"""Decorators that hand a function to typer or pydantic."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def base_names(node: ast.ClassDef) -> set[str]:
    bases = (b.value if isinstance(b, ast.Subscript) else b for b in node.bases)
    return {b.attr if isinstance(b, ast.Attribute) else ast.unparse(b) for b in bases}


def methods_of(node: ast.ClassDef) -> set[str]:
    return {member.name for member in node.body if isinstance(member, Function)}


PROTOCOLS = [n for n in CLASSES if {"Protocol", "ABC"} & base_names(n)]
AGREED = {name for node in PROTOCOLS for name in methods_of(node)}
AGREED |= {
    member.name
    for node in CLASSES
    for member in node.body
    if isinstance(member, Function)
    and any("abstractmethod" in ast.unparse(d) for d in member.decorator_list)
}
"""Methods whose parameters are fixed by an interface."""


def is_fixed_by_others(owner: ast.AST, function: Function) -> bool:
    """Whether a method's parameters follow an interface, a library's class or the language."""
    if not isinstance(owner, ast.ClassDef):
        return False
    foreign = base_names(owner) - OWN_CLASSES - {"object"}
    dunder = function.name.startswith("__") and function.name != "__init__"
    return bool(foreign) or dunder or function.name in AGREED


def functions(tree: ast.AST) -> Iterator[tuple[ast.AST, Function]]:
    for owner in ast.walk(tree):
        for node in ast.iter_child_nodes(owner):
            if isinstance(node, Function):
                yield owner, node


def parameters(node: Function) -> set[str]:
    a = node.args
    every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(x for x in (a.vararg, a.kwarg) if x)]
    return {x.arg for x in every} - {"self", "cls"}


def is_overload(node: Function) -> bool:
    """Whether a function only states types of another."""
    return any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list)


def unread(tree: ast.AST) -> list[tuple[str, str]]:
    """(function, parameter) pairs never read; a leading underscore says that this is meant."""
    return [
        (node.name, name)
        for owner, node in functions(tree)
        if not is_fixed_by_others(owner, node) and not is_overload(node)
        for name in sorted(parameters(node))
        if not name.startswith("_")
        and name not in {n.id for b in node.body for n in ast.walk(b) if isinstance(n, ast.Name)}
    ]


NOT_YET = {"score_identity", "win_rate", "length_controlled"}
"""Names whose users are on their way."""
PENDING = {"attacks/stress/suite.py"}


def test_every_parameter_is_read() -> None:
    found = {str(path.relative_to(PACKAGE)): unread(TREES[path]) for path in FILES}
    assert {name: lost for name, lost in found.items() if lost and name not in PENDING} == {}


def test_a_parameter_that_is_not_read_is_seen() -> None:
    assert unread(ast.parse("def f(a, b, *, c=1):\n    return a")) == [("f", "b"), ("f", "c")]
    assert unread(ast.parse("class A:\n    def g(self, x):\n        return self")) == [("g", "x")]
    assert unread(ast.parse("class A(Module):\n    def g(self, x):\n        return self")) == []


def uses() -> Counter[str]:
    """How often each identifier is read anywhere, in templates and in plug-in names too."""
    names: Counter[str] = Counter()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
                names[node.id] += 1
            elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store):
                names[node.attr] += 1
            elif isinstance(node, ast.ImportFrom) and node.module == "unlearnbench":
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.update(re.findall(r"^unlearnbench[\w.]*:(\w+)$", node.value))
    for template in PACKAGE.glob("*/templates/*"):
        names.update(re.findall(r"\w+", template.read_text("utf-8")))
    return names


def handed_on() -> set[str]:
    """What `unlearnbench` itself offers, and the commands, which their decorator registers."""
    init = TREES[PACKAGE / "__init__.py"]
    words = {n.value for n in ast.walk(init) if isinstance(n, ast.Constant)}
    return {word for word in words if isinstance(word, str)}


def definitions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions, methods, classes and constants; fields, overrides and commands excepted."""
    for owner, node in functions(tree):
        registered = any(REGISTERS.search(ast.unparse(d)) for d in node.decorator_list)
        if not (registered or node.name.startswith("__") or is_fixed_by_others(owner, node)):
            yield node.name, node.lineno
    for top in tree.body:
        if isinstance(top, ast.ClassDef):
            yield top.name, top.lineno
        elif isinstance(top, ast.AnnAssign) and isinstance(top.target, ast.Name):
            yield top.target.id, top.lineno
        elif isinstance(top, ast.Assign):
            for name in (t for t in top.targets if isinstance(t, ast.Name)):
                yield name.id, top.lineno


def test_every_name_is_used() -> None:
    """A name that only tests use is dead; what the package itself hands on is its users'."""
    used, offered = uses(), handed_on()
    public = {"to_pandas", "json_schema"}  # called by users, and to publish leaderboard/schema/
    dead = [
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path, tree in TREES.items()
        if path != NAIVE
        for name, line in definitions(tree)
        if not used[name] and name not in offered | public | NOT_YET and not name.startswith("__")
    ]
    assert dead == []


def test_nothing_is_handed_on_by_its_own_name() -> None:
    """`from a import b as b` gives one thing two homes; `__init__` alone hands names on."""
    again = [
        (str(path.relative_to(PACKAGE)), alias.name)
        for path, tree in TREES.items()
        if path.name != "__init__.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    ]
    assert again == []
