"""`unlearnbench known`."""

from __future__ import annotations

import json as json_module
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli import complete
from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import Json, JudgeName, Limit, MaxCost, ProfileName, Quiet, Seed
from unlearnbench.cli.options import Source as SourceName
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.cli.score import EngineName
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions

if TYPE_CHECKING:
    from unlearnbench.runs.known import Keep, Knowledge
    from unlearnbench.scoring.known import FactKnowledge

OPEN = 1
_MARKS = {"known": "yes", "unknown": "no", "open": "?"}


class KeepFacts(StrEnum):
    """Which facts a subset keeps."""

    KNOWN = "known"
    ORIGINAL = "original"


@grown
def known(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="The model before unlearning, named as for score; or the folder of a run of it.",
            autocompletion=complete.aliases,
            show_default=False,
        ),
    ] = "",
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="A shipped benchmark's name, or a folder. Default: wkf, or that of the run.",
            autocompletion=complete.benchmarks,
        ),
    ] = None,
    keep: Annotated[
        KeepFacts | None,
        typer.Option(
            help="Write a benchmark of the facts it answers: in any way asked (known), or to the "
            "original question (original)."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="With --keep: that benchmark's folder.")] = None,
    profile: ProfileName = None,
    judge: JudgeName = None,
    engine: EngineName = "transformers",
    engine_options: EngineOptions = EngineOptions(),
    source: SourceName = None,
    limit: Limit = None,
    seed: Seed = 0,
    max_cost: MaxCost = None,
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Say which forget facts a model knows, and in which wordings; keep those as a benchmark.

    Example: unlearnbench known smollm2-135m --benchmark wkf --keep known --out benchmarks/mine
    """
    quieten(quiet)
    from unlearnbench.api import known as api

    if not checkpoint and engine_options.model is None:
        raise typer.BadParameter("name the CHECKPOINT, or a run folder")
    with progress(quiet) as on_progress:
        knowledge = api.known(
            checkpoint,
            benchmark,
            keep=None if keep is None else keep.value,
            out=out,
            profile=profile,
            judge=judge,
            engine=engine,
            source=source,
            limit=limit,
            seed=seed,
            max_cost=max_cost,
            engine_options=engine_options,
            run_options=run_options,
            executor_options=executor_options,
            on_progress=on_progress,
        )
    rule: Keep | None = None if keep is None else keep.value
    if json:
        print(json_module.dumps(_record(knowledge), indent=2, ensure_ascii=False))
    else:
        _print(knowledge, rule)
    return OPEN if knowledge.unsure(rule or "known") else 0


def _record(knowledge: Knowledge) -> dict[str, object]:
    from unlearnbench.benchmark import load_benchmark

    run, facts = knowledge.run, knowledge.facts
    subset = None
    if knowledge.subset is not None:
        kept = load_benchmark(str(knowledge.subset))
        named = {"id": kept.id, "version": kept.version, "fingerprint": kept.fingerprint}
        subset = {"folder": str(knowledge.subset), **named, "facts": len(kept.split("forget"))}
    return {
        "run": str(run.path),
        "status": run.record.status,
        "identity": run.record.identity.model_dump(mode="json"),
        "checkpoint": run.record.generator.checkpoint,
        "counts": _counts(facts),
        "facts": [
            {
                "fact": fact.fact,
                "state": fact.state,
                "original": fact.original,
                "asked": len(fact.verdicts),
                "open": sum(verdict is None for verdict in fact.verdicts.values()),
                "answered": [str(key) for key in fact.answered],
            }
            for fact in facts
        ],
        "findings": [asdict(finding) for finding in knowledge.findings],
        "subset": subset,
    }


def _counts(facts: Sequence[FactKnowledge]) -> dict[str, int]:
    states = Counter(fact.state for fact in facts)
    original = sum(fact.original == "known" for fact in facts)
    return {
        "facts": len(facts),
        "known": states["known"],
        "original": original,
        "unknown": states["unknown"],
        "open": states["open"],
    }


def _print(knowledge: Knowledge, rule: Keep | None) -> None:
    from unlearnbench.cli.output import table
    from unlearnbench.cli.runs import print_findings

    run, facts, console = knowledge.run, knowledge.facts, stdout()
    contexts = list(dict.fromkeys(key.context for fact in facts for key in fact.verdicts))
    names = {"plain": "asked plainly", "icr": "after samples"}
    headings = ("known", "as worded", *(names[context] for context in contexts))
    view = table(f"What {run.record.generator.checkpoint} knows", "fact", *headings, left=3)
    for fact in facts:
        cells = (_share(*fact.count(context)) for context in contexts)
        view.add_row(fact.fact, _MARKS[fact.state], _MARKS[fact.original], *cells)
    console.print(view)
    counts = _counts(facts)
    reworded = counts["known"] - sum(f.original == "known" for f in facts)
    console.print(
        f"{counts['known']} of {len(facts)} forget facts are known: {counts['original']} as "
        f"worded, {reworded} only in another way; {counts['unknown']} are not, "
        f"{counts['open']} are open",
        soft_wrap=True,
    )
    print_findings(asdict(finding) for finding in knowledge.findings)
    if rule is not None and (unsure := knowledge.unsure(rule)):
        told = f"nothing was written: {len(unsure)} forget facts are open ({', '.join(unsure[:5])}"
        console.print(f"{told}{', …' if unsure[5:] else ''}); close them first", soft_wrap=True)
    if knowledge.subset is not None:
        console.print(f"benchmark: {knowledge.subset}", soft_wrap=True)
    console.print(f"run: {run.path}", soft_wrap=True)


def _share(answered: int, still_open: int, n: int) -> str:
    """`3/16`, or `3/16, 2 open`."""
    return f"{answered}/{n}" + (f", {still_open} open" if still_open else "")
