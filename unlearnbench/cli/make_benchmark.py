"""`unlearnbench make-benchmark`."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.types.authoring import MakeOptions


@grown
def make_benchmark(
    facts: Annotated[
        str,
        typer.Argument(
            help="A table with columns question and answer: CSV, TSV, XLSX, JSONL, Parquet, or "
            "hub:OWNER/NAME."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The benchmark's folder.")],
    paraphraser: Annotated[
        str,
        typer.Option(help="file:TABLE (your own paraphrases), or none (the questions alone)."),
    ],
    make_options: MakeOptions = MakeOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a benchmark of your own facts: a table of questions and answers, and their paraphrases.

    Example: unlearnbench make-benchmark facts.csv --out mine --paraphraser file:paraphrases.csv
    """
    quieten(quiet)
    from unlearnbench.api.authoring import make_benchmark as make
    from unlearnbench.benchmark.contents import contents_of
    from unlearnbench.cli.show import print_contents

    made = make(facts, out, paraphraser=paraphraser, make_options=make_options)
    contents = contents_of(made.benchmark)
    if json:
        doubtful = [asdict(checked) for checked in made.doubtful]
        record = {"folder": str(made.folder), **asdict(contents)}
        record |= {"notes": made.notes, "doubtful": doubtful}
        print(jsonlib.dumps(record, indent=2, ensure_ascii=False))
        return 0
    print_contents(contents)
    console = stdout()
    for note in made.notes:
        console.print(f"- {note}", soft_wrap=True)
    console.print(f"benchmark: {made.folder}", soft_wrap=True)
    console.print(f"next: unlearnbench score CHECKPOINT --benchmark {made.folder}", soft_wrap=True)
    return 0
