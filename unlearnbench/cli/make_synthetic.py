"""`unlearnbench make-synthetic`."""

from __future__ import annotations

import json as jsonlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.types.authoring import SyntheticOptions

if TYPE_CHECKING:
    from unlearnbench.api.synthetic import SyntheticBenchmark


@grown
def make_synthetic(
    out: Annotated[Path, typer.Option(help="The benchmark's folder, empty or not there.")],
    synthetic_options: SyntheticOptions = SyntheticOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a benchmark of invented facts to implant: how many, how like, how often is chosen.

    Every forget fact has a retain fact that is like it in subject, wording or answer alone.

    Example: unlearnbench make-synthetic --facts 12 --frequency 1,4 --out implanted
    """
    quieten(quiet)
    from unlearnbench.api.synthetic import make_synthetic as make

    made = make(out, synthetic_options=synthetic_options)
    if json:
        named = {"folder": str(out), "id": made.benchmark.id}
        named["fingerprint"] = made.benchmark.fingerprint
        print(jsonlib.dumps({**named, **made.record.to_disk()}, indent=2))
    else:
        _print(made, out)
    return 0


def _print(made: SyntheticBenchmark, out: Path) -> None:
    from unlearnbench.cli.output import table

    record, console = made.record, stdout()
    view = table(
        f"{made.benchmark.id}: likeness to the forget facts",
        "tier",
        "facts",
        "subject",
        "wording",
        "answer",
        "held out",
    )
    for tier, found in record.realised.items():
        facts = [f for f in made.benchmark.split("retain") if f.tier == tier]
        likeness = (found.pairs.subject, found.pairs.wording, found.pairs.answer)
        held_out = sum(fact.held_out for fact in facts)
        view.add_row(tier, str(len(facts)), *(f"{x:.2f}" for x in likeness), str(held_out))
    console.print(view)
    console.print(
        f"{record.facts} forget facts, {len(record.pairs)} retain facts, "
        f"{len(made.benchmark.split('never'))} never-known; {record.rows} rows implant them once",
        soft_wrap=True,
    )
    console.print(f"benchmark: {out}", soft_wrap=True)
    named = shlex.join(["--benchmark", str(out)])
    console.print(
        f"next: unlearnbench score MODEL {named}, which must answer none, then unlearnbench train "
        f"--method finetune --base MODEL {named}",
        soft_wrap=True,
    )
