"""How large things may be: files, functions, rooms, untyped records; and how much is tested."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "unlearnbench"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = 37
"""Entries of the package's first level; one room a part that can be used alone."""
TESTS = 0.6
"""Lines of tests a line of code, at least."""
EDGES = {
    "benchmark/hub.py",  # rows of other people's files
    "checkpoints/gguf.py",  # what transformers says about loading
    "checkpoints/reading.py",  # a checkpoint's JSON
    "engines/transformers/loading.py",
    "engines/transformers/templates.py",  # variables of a chat template
    "engines/transformers/turn_shapes.py",
    "remote/objects.py",  # JSON in a model's reply
    "remote/providers/openai.py",
    "judging/rules/tables.py",  # TOML
    "files/reading.py",
    "runs/codec.py",
    "runs/journal.py",  # JSON lines
    "runs/schema/base.py",  # records before they are typed
    "training/arguments.py",  # those of transformers' Trainer
    "training/packing.py",  # arguments of a model
    "training/trainer.py",  # transformers' Trainer
}
"""Where JSON, TOML or another library's objects pass through."""
UNTYPED = {
    "submissions/attack_checks.py",
    "training/settings.py",
    "training/train.py",
}
"""Records that have no type yet; the list only ever gets shorter."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_files_are_short() -> None:
    sizes = sorted(lines(path) for path in FILES)
    assert statistics.median(sizes) <= 100
    assert sizes[int(0.95 * len(sizes))] <= 250
    assert sizes[-1] <= 400


def length(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring, and in `api` and `cli`, where a signature is a
    list of options, without its signature.
    """
    whole = (node.end_lineno or 0) - node.lineno + 1
    first = node.body[0]
    if name_of(path).startswith(("api/", "cli/")):
        whole -= first.lineno - node.lineno
    if ast.get_docstring(node) is not None:
        whole -= (first.end_lineno or 0) - first.lineno + 1
    return whole


def long_functions(path: Path) -> list[tuple[str, str, int]]:
    """File, name and lines of each function that is too long."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_text("utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, functions)]
    return [
        (name_of(path), node.name, length(path, node)) for node in nodes if length(path, node) > 40
    ]


def test_functions_are_short() -> None:
    assert [found for path in FILES for found in long_functions(path)] == []


def test_rooms() -> None:
    entries = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith("_")}
    assert len(entries - {"py"}) <= ROOMS  # py.typed


def untyped(path: Path) -> bool:
    """Whether a file passes dictionaries of anything on."""
    wanted = ast.unparse(ast.parse("dict[str, Any]", mode="eval"))
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return any(isinstance(n, ast.Subscript) and ast.unparse(n) == wanted for n in nodes)


def test_records_are_typed() -> None:
    loose = {name_of(path) for path in FILES if untyped(path)}
    assert loose - EDGES - UNTYPED == set()


def test_code_is_tested() -> None:
    tests = sum(lines(path) for path in (ROOT / "tests").rglob("*.py"))
    assert tests / sum(lines(path) for path in FILES) >= TESTS
