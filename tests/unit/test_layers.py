"""The project's own rules: who imports whom, how large things are, what stays light."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "unlearnbench"
FILES = sorted(PACKAGE.rglob("*.py"))
BASE = {"types", "errors", "interfaces", "hashing", "content", "plugins", "reading"}
ALLOWED = {
    "errors": set(),
    "reading": {"errors"},
    "display": set(),
    "types": {"errors"},
    "interfaces": {"types"},
    "hashing": set(),
    "caches": set(),
    "disk": {"errors"},
    "extras": {"errors"},
    "content": {"errors"},
    "plugins": {"errors", "content"},
    "benchmark": {"types", "errors", "content", "hashing", "extras", "reading"},
    "quality": {"types", "errors", "content", "benchmark"},
    "scoring": {"types", "errors", "hashing", "extras"},
    "runs": {"disk", "reading", "types", "errors", "hashing"},
    "checkpoints": {"disk", "reading", "errors", "content", "hashing", "caches"},
    "protocol": BASE | {"benchmark", "scoring", "runs"},
    "engines": BASE | {"scoring", "runs", "checkpoints"},
    "judging": BASE | {"scoring", "runs", "caches", "extras"},
    "methods": {"types", "errors", "training"},
    "naming": set(),
    "report": {
        "disk",
        "display",
        "types",
        "errors",
        "plugins",
        "scoring",
        "benchmark",
        "runs",
        "protocol",
        "stress",
    },
    "submissions": BASE | {"disk", "benchmark", "scoring", "runs", "protocol", "stress"},
    "stress": BASE
    | {
        "disk",
        "benchmark",
        "scoring",
        "runs",
        "checkpoints",
        "protocol",
        "engines",
        "training",
        "extras",
    },
    "training": BASE
    | {"disk", "benchmark", "runs", "checkpoints", "extras", "protocol", "engines", "methods"},
}


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return {m.split(".")[1] for m in modules if m.startswith("unlearnbench.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    own = part(path)
    if own in ALLOWED:
        assert imported(path) <= ALLOWED[own] | {own}


def functions(path: Path) -> list[ast.FunctionDef]:
    return [
        n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.FunctionDef)
    ]


def body_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its signature, which for a command is its list of options."""
    return (node.end_lineno or 0) - node.body[0].lineno + 1


def test_budget() -> None:
    sizes = {path: len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert max(sizes.values()) <= 400
    assert statistics.median(sizes.values()) <= 120
    long = [(p.name, f.name) for p in FILES for f in functions(p) if body_lines(f) > 40]
    assert long == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_style_budget(path: Path) -> None:
    assert path.name != "utils.py"
    tree = ast.parse(path.read_text("utf-8"))
    prints = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "print"]
    assert part(path) == "cli" or not prints
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.type is None]
    if path.name == "__init__.py":
        allowed = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
        assert all(isinstance(node, allowed) for node in tree.body)


@pytest.mark.parametrize("what", ["import unlearnbench", "import unlearnbench.cli.main"])
def test_heavy_libraries_wait(what: str) -> None:
    heavy = "{'torch', 'transformers', 'datasets', 'pandas', 'vllm'}"
    code = f"{what}; import sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
