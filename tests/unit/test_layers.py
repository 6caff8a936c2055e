"""The project's own rules: who imports whom, what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "unlearnbench"
FILES = sorted(PACKAGE.rglob("*.py"))
GROUND = {"errors", "types", "interfaces", "hashing", "naming", "paths", "plugins", "files"}
GROUND |= {"progress", "display", "environment", "remote"}
PARTS = GROUND | {"benchmark", "scoring", "runs"}
ALLOWED = {
    "errors": set(),
    "hashing": set(),
    "naming": set(),
    "display": set(),
    "paths": set(),
    "types": {"errors"},
    "interfaces": {"types"},
    "files": {"errors"},
    "environment": {"errors"},
    "plugins": {"errors", "naming"},
    "progress": set(),
    "remote": {"environment", "errors", "types", "interfaces", "files", "plugins", "hashing"},
    "benchmark": GROUND,
    "scoring": GROUND,
    "runs": GROUND | {"scoring"},
    "checkpoints": GROUND,
    "engines": GROUND | {"runs", "checkpoints"},
    "judging": GROUND | {"scoring", "runs"},
    "executors": GROUND,
    "protocol": PARTS | {"engines", "executors"},
    "tofu": GROUND | {"benchmark", "engines", "scoring"},
    "rwku": GROUND | {"benchmark", "engines", "scoring", "tofu"},
    "muse": GROUND | {"benchmark", "engines", "scoring", "tofu"},
    "wmdp": GROUND | {"benchmark", "engines", "scoring", "utility"},
    "training": PARTS | {"checkpoints", "engines", "protocol"},
    "methods": {"types", "errors", "training"},
    "planning": PARTS | {"checkpoints", "engines", "protocol", "training", "attacks"},
    "attacks": PARTS | {"checkpoints", "engines", "executors", "protocol", "training"},
    "submissions": PARTS | {"protocol", "attacks", "utility"},
    "leaderboard": PARTS | {"protocol", "attacks", "submissions", "reporting", "utility"},
    "reporting": PARTS | {"attacks", "utility"},
    "campaign": PARTS | {"utility"},
    "paraphrasing": GROUND | {"benchmark", "runs"},
    "authoring": PARTS | {"paraphrasing", "protocol"},
    "utility": PARTS | {"engines"},
}
"""Which parts a part may import; `api` meets all of them, and `cli` stands on top."""
WITHOUT_TORCH = (
    "submissions",
    "leaderboard",
    "reporting",
    "runs",
    "scoring",
    "benchmark",
    "utility",
)


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


def test_imports_run_one_way() -> None:
    for path in FILES:
        own = part(path)
        others = imported(path) - {own}
        if own in ALLOWED:
            assert others <= ALLOWED[own], path
        assert own in ALLOWED or own in ("api", "cli", "__init__", "__main__"), path
        assert own == "cli" or own == "__main__" or "cli" not in others, path


def _for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def test_style() -> None:
    for path in FILES:
        assert path.name != "utils.py", path
        tree = ast.parse(path.read_text("utf-8"))
        nodes = list(ast.walk(tree))
        prints = [n for n in nodes if isinstance(n, ast.Name) and n.id == "print"]
        assert part(path) == "cli" or not prints, path
        assert not [n for n in nodes if isinstance(n, ast.ExceptHandler) and n.type is None], path
        if path.name == "__init__.py":
            allowed = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
            body = [node for node in tree.body if not _for_types(node)]
            assert all(isinstance(node, allowed) for node in body), path


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_strangers_files_are_read_without_torch(name: str) -> None:
    paths = (PACKAGE / name).rglob("*.py")
    modules = [
        ".".join(("unlearnbench", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in paths
    ]
    code = f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}]"
    code += "; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_circles() -> None:
    arrows = {own: {p for p in allowed if p != own} for own, allowed in ALLOWED.items()}
    list(TopologicalSorter(arrows).static_order())


@pytest.mark.parametrize("what", ["import unlearnbench", "import unlearnbench.cli.main"])
def test_heavy_libraries_wait(what: str) -> None:
    heavy = "{'torch', 'transformers', 'datasets', 'pandas', 'vllm', 'ray'}"
    code = f"{what}; import sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
