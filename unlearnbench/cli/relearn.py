"""`unlearnbench relearn`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from unlearnbench.cli.options import Benchmark, Device, Json, JudgeName, Limit, MaxCost, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import LAST_RUN, asked_bar
from unlearnbench.cli.stress import Base

ArmName = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        help="disjoint, syntax, near, near-miss, prose, retain, half or forget; or benign, the "
        "first six. May be repeated.",
    ),
]
Profile = Annotated[str, typer.Option(help="quick (to 32 steps) or full (to 256, three seeds).")]
Long = Annotated[bool, typer.Option("--long", help="Go on to 2,048 steps.")]
Lora = Annotated[bool, typer.Option("--lora", help="Train an adapter instead of all weights.")]
Out = Annotated[
    Path | None, typer.Option(help="The run's folder. Default: runs/relearn-…, named by content.")
]


def relearn(
    checkpoint: Annotated[
        str, typer.Argument(help="Hub id, folder, PEFT adapter, .gguf file, alias (smollm2-135m).")
    ],
    benchmark: Benchmark = "wkf",
    arm: ArmName = None,
    profile: Profile = "quick",
    long: Long = False,
    lora: Lora = False,
    base: Base = None,
    judge: JudgeName = None,
    device: Device = "auto",
    limit: Limit = None,
    max_cost: MaxCost = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Does it come back? Train a checkpoint a little on something else and ask along the way.

    Example: unlearnbench relearn trained/my-checkpoint --arm disjoint --base smollm2-135m
    """
    quieten(quiet)
    from unlearnbench.api import attacks as api_relearn

    with asked_bar(quiet or json) as (advance, say):

        def told(name: str, seed: int, figures: Mapping[str, Any]) -> None:
            forget, retain = (figures[n]["high"] for n in ("forget", "retain"))
            said = f"{name}, seed {seed}, step {figures['step']}: "
            say(f"{said}forget {forget:.1%}, retain {retain:.1%}")

        folder, record = api_relearn.relearn(
            checkpoint,
            benchmark,
            arms=arm or (),
            profile=profile,
            long=long,
            lora=lora,
            base=base,
            judge=judge,
            device=device,
            limit=limit,
            max_cost=max_cost,
            out=out,
            told=told,
            advance=advance,
        )
    LAST_RUN.append(folder)
    if json:
        print(jsonlib.dumps({"run": str(folder), **record}, ensure_ascii=False))
    else:
        show_relearn(record)
        stdout().print(f"run: {folder}", soft_wrap=True)
    return 1 if record["n_open"] else 0


def show_relearn(record: Mapping[str, Any]) -> None:
    """The curves, then what they come to."""
    from unlearnbench.cli.output import table

    console, identity = stdout(), record["identity"]
    title = (
        f"{identity['benchmark']} {identity['benchmark_version']} · {record['checkpoint']} · "
        f"{identity['profile']}{' · LoRA' if identity.get('lora') else ''} · "
        f"judge {identity['judge']}"
    )
    several = any(len(arm["seeds"]) > 1 for arm in record["arms"].values())
    shown = table(title, "arm", *(["seed"] if several else []), "step", *_COLUMNS.values())
    for name, arm in record["arms"].items():
        for seed, points in arm["seeds"].items():
            for figures in points:
                cells = [_percent(figures[n]) for n in _COLUMNS]
                shown.add_row(name, *([seed] if several else []), str(figures["step"]), *cells)
            shown.add_section()
    console.print(shown)
    console.print(
        "% of facts; forget: asked or cloze. What attack and judge make up: never (invented "
        "facts), other (other facts' answers)",
        soft_wrap=True,
    )
    _show_summary(record)


_COLUMNS = {
    "forget": "forget",
    "question": "asked",
    "cloze": "cloze",
    "never": "never",
    "shuffled": "other",
    "retain": "retain",
    "fluency": "fluent",
}
"""Figures of a point and how the table calls them."""


def _show_summary(record: Mapping[str, Any]) -> None:
    from unlearnbench.attacks.relearn.summary import rate, worn
    from unlearnbench.cli.output import strong
    from unlearnbench.cli.runs import print_findings

    console, summary = stdout(), record["summary"]
    for name, found in summary["arms"].items():
        low, high = (100 * x for x in found["interval"])
        net_low, net_high = (100 * x for x in found["net"]["interval"])
        reached = ", ".join(
            f"{share} after {steps}" if steps is not None else f"{share} not reached"
            for share, steps in found["steps_to"].items()
        )
        console.print(
            f"{name}: at most {100 * found['maximum']:.1f} % ({low:.1f}–{high:.1f}) at step "
            f"{found['at_step']}, net of control {100 * found['net']['value']:.1f} points "
            f"({net_low:.1f} to {net_high:.1f}); area {100 * found['area']:.1f} %; {reached}",
            soft_wrap=True,
        )
        before, after = rate(record["first"], "retain"), min(found["retain_at_end"])
        if worn(before, after):
            console.print(
                f"  retain fell from {100 * before:.1f} to {100 * after:.1f} %: this training "
                "wipes out what it does not teach, so a low curve is weak evidence",
                soft_wrap=True,
            )
    ceiling = summary["ceiling"]
    of = "all facts" if ceiling is None else f"the base model's {100 * ceiling:.1f} %"
    console.print(f"shares of {of}")
    worst = summary["worst_benign"]
    if worst is not None:
        said = f"worst benign arm: {worst['arm']}, {100 * worst['maximum']:.1f} %"
        console.print(said, style="bold")
    print_findings(_at_first(record))
    if summary["unranked"]:
        console.print(strong("not ranked:", f" {summary['unranked']}"), soft_wrap=True)
    if record["n_open"]:
        console.print(strong(f"{record['n_open']} probes are open", ": give the command again"))


def _at_first(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Whether the checkpoint had lost its retain facts before anything was trained."""
    from unlearnbench.runs.schema import Figures
    from unlearnbench.scoring.findings import retain_finding

    first, ceiling = record["first"], record["ceiling"]
    base = Figures.model_validate(ceiling["retain"]) if ceiling else None
    found = retain_finding(Figures.model_validate(first["retain"]), base)
    return [{**asdict(found), "text": f"step 0: {found.text}"}] if found else []


def _percent(score: Mapping[str, Any]) -> str:
    if score["n_open"]:
        return f"{100 * score['low']:.1f}–{100 * score['high']:.1f}"
    return f"{100 * score['low']:.1f}"
