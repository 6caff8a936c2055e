"""Run a cell: make its facts, implant them, unlearn with each arm, and ask before and after.

What is finished is not done again; what was cut off goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.implanted.plan import BASE, IMPLANT, PROFILE, UNLEARN, Cell
from unlearnbench import (
    Run,
    RunOptions,
    TrainOptions,
    load_benchmark,
    load_run,
    make_synthetic,
    score,
    train,
)
from unlearnbench.types import Fact, Setting


@dataclass(frozen=True)
class Done:
    """A cell's facts and runs: of the base, with the facts implanted, after each arm by name."""

    cell: Cell
    facts: tuple[Fact, ...]
    base: Run
    implanted: Run
    after: Mapping[str, Run]


def run_cell(cell: Cell, out: Path) -> Done:
    """Do whatever of a cell is not done yet."""
    folder = cell.folder(out)
    facts = folder / "benchmark"
    if not facts.is_dir():
        make_synthetic(facts, synthetic_options=cell.options)
    base = _asked(BASE, facts, folder / "base")
    model = _trained("finetune", BASE, facts, folder / "implanted", IMPLANT, cell.seed)
    implanted = _asked(model, facts, folder / "implanted-run")
    after = {}
    for arm, weights in cell.arms.items():
        place, settings = cell.arm_folder(out, arm), {**UNLEARN, **weights}
        unlearnt = _trained("jensun", model, facts, place / "model", settings, cell.seed)
        after[arm] = _asked(unlearnt, facts, place / "run")
    return Done(cell, load_benchmark(str(facts)).facts, base, implanted, after)


def finished(cell: Cell, out: Path) -> Done | None:
    """A cell that is done, or None."""
    folder = cell.folder(out)
    runs = {arm: cell.arm_folder(out, arm) / "run" for arm in cell.arms}
    if not all(map(_is_whole, (folder / "base", folder / "implanted-run", *runs.values()))):
        return None
    after = {arm: load_run(path) for arm, path in runs.items()}
    base, implanted = load_run(folder / "base"), load_run(folder / "implanted-run")
    return Done(cell, load_benchmark(str(folder / "benchmark")).facts, base, implanted, after)


def _trained(
    method: str,
    base: str,
    facts: Path,
    out: Path,
    settings: Mapping[str, Setting | str],
    seed: int,
) -> str:
    if not (out / "unlearning.json").is_file():
        options = TrainOptions(settings=settings, seed=seed)
        where = RunOptions(out)
        train(base, str(facts), method=method, train_options=options, run_options=where)
    return str(out)


def _asked(checkpoint: str, facts: Path, out: Path) -> Run:
    if _is_whole(out):
        return load_run(out)
    return score(
        checkpoint, load_benchmark(str(facts)), profile=PROFILE, run_options=RunOptions(out)
    )


def _is_whole(path: Path) -> bool:
    return (path / "run.json").is_file() and load_run(path).record.status == "complete"
