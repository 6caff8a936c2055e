"""One name, one meaning: no public name is defined in two modules, but for the pairs listed."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "unlearnbench"
SAME_MEANING = {
    "jsd": {"methods/jensun/kernels.py", "methods/jensun/naive.py"},  # the fast one and its twin
}
"""One thing at two places."""
COMMANDS = {
    "attest": {"api/attestations.py", "cli/submit.py"},
    "calibrate": {"api/calibration.py", "cli/calibrate.py"},
    "campaign": {"api/campaign.py", "cli/campaign.py"},
    "compare": {"cli/compare.py", "api/comparing.py"},
    "make_benchmark": {"api/authoring.py", "cli/make_benchmark.py"},
    "make_synthetic": {"api/synthetic.py", "cli/make_synthetic.py"},
    "known": {"api/known.py", "cli/known.py"},
    "relearn": {"api/attacks.py", "cli/relearn.py"},
    "report": {"api/reports.py", "cli/report.py"},
    "score": {"api/scoring.py", "cli/score.py"},
    "stress": {"api/attacks.py", "cli/stress.py"},
    "submit": {"api/submissions.py", "cli/submit.py"},
    "submit_base": {"api/submissions.py", "cli/submit.py"},
    "train": {"api/training.py", "cli/train.py"},
    "verify": {"api/submissions.py", "cli/verify.py"},
}
"""A command is called like the function that it calls, which may hand on to a part's own."""
KNOWN = SAME_MEANING | COMMANDS


def public_names(tree: ast.Module) -> set[str]:
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = {node.name for node in tree.body if isinstance(node, definitions)}
    return {name for name in names if not name.startswith("_")}


def homes() -> dict[str, set[str]]:
    """For each name with more than one home, the modules that define it."""
    modules = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for name in public_names(ast.parse(path.read_text("utf-8"))):
            modules[name].add(path.relative_to(PACKAGE).as_posix())
    return {name: paths for name, paths in modules.items() if len(paths) > 1}


def test_a_name_has_one_meaning() -> None:
    twice = {name: sorted(p) for name, p in homes().items() if not p <= KNOWN.get(name, set())}
    assert twice == {}


def test_the_lists_name_what_there_is() -> None:
    """An entry whose reason has gone goes too."""
    found = homes()
    stale = [name for name in SAME_MEANING | COMMANDS if name not in found]
    assert stale == []
