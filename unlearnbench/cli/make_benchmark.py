"""`unlearnbench make-benchmark`."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import DryRun, Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.types.authoring import MakeOptions

if TYPE_CHECKING:
    from unlearnbench.api.making import MadeBenchmark
    from unlearnbench.types import Estimate


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
        typer.Option(
            help="gemini, openai:MODEL, local:CHECKPOINT, file:TABLE (your own paraphrases), or "
            "none (the questions alone)."
        ),
    ],
    second_reader: Annotated[
        str | None,
        typer.Option(
            help="Who says whether a model's paraphrase asks the same; none: a person reads each. "
            "Default: the paraphraser's model."
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="The model before unlearning: proposed facts are kept where it knows them. "
            "Without it you decide about each."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take up your decisions in review.csv.")
    ] = False,
    review: Annotated[
        Path | None, typer.Option(help="A table with decisions that lies elsewhere.")
    ] = None,
    make_options: MakeOptions = MakeOptions(),
    max_cost: Annotated[
        float | None, typer.Option(help="US dollars that both models may spend together.")
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a benchmark of your own facts: a table of questions and answers, and their paraphrases.

    Exits with 1 if a person has to decide first, or a model gave less than was wanted.

    Example: unlearnbench make-benchmark facts.csv --out mine --paraphraser file:paraphrases.csv
    """
    quieten(quiet)
    from unlearnbench.api import authoring
    from unlearnbench.cli.progress import progress

    if dry_run:
        cost = authoring.estimate_making(
            facts,
            out,
            paraphraser=paraphraser,
            second_reader=second_reader,
            base=base,
            make_options=make_options,
        )
        return _print_cost(cost, json)
    with progress(quiet) as on_progress:
        made = authoring.make_benchmark(
            facts,
            out,
            paraphraser=paraphraser,
            second_reader=second_reader,
            base=base,
            resume=resume,
            review=review,
            max_cost=max_cost,
            make_options=make_options,
            on_progress=on_progress,
        )
    _print_made(made, json)
    few = any(part.missing for part in made.report.proposed.values())
    return 1 if made.benchmark is None or made.lacking or few else 0


def _print_cost(cost: Estimate, as_json: bool) -> int:
    """Print what the models would be asked."""
    from unlearnbench.paraphrasing.finding import ROUNDS
    from unlearnbench.paraphrasing.llm.items import TRIES

    if as_json:
        print(jsonlib.dumps(asdict(cost), indent=2))
    else:
        price = (
            "price not known" if cost.dollars is None else f"about {cost.dollars:.4f} US dollars"
        )
        stdout().print(
            f"{cost.calls} calls, about {cost.input_tokens} tokens in and {cost.output_tokens} out "
            f"(estimated), {price}, in the first of {ROUNDS} rounds at most; what fails is asked "
            f"again, {TRIES} times a round at most: about {cost.calls * ROUNDS * TRIES} such calls "
            "if all of it fails; --max-cost limits it; nothing was sent",
            soft_wrap=True,
        )
    return 0


def _print_made(made: MadeBenchmark, as_json: bool) -> None:
    """Print the benchmark, what was found on the way, and what comes next."""
    from unlearnbench.authoring.proposed.wording import proposed_lines
    from unlearnbench.authoring.report import report_summary
    from unlearnbench.benchmark.contents import contents_of
    from unlearnbench.cli.show import print_contents

    contents = None if made.benchmark is None else contents_of(made.benchmark)
    if as_json:
        record = {"folder": str(made.folder), **(asdict(contents) if contents else {})}
        record |= {"made": contents is not None, "notes": made.notes, "lacking": made.lacking}
        record |= {"report": made.report.to_disk()}
        record |= {"doubtful": [asdict(checked) for checked in made.doubtful]}
        print(jsonlib.dumps(record, indent=2, ensure_ascii=False))
        return
    if contents is not None:
        print_contents(contents)
    console = stdout()
    lines = (*report_summary(made.report), *proposed_lines(made.report), *made.notes)
    for note in lines:
        console.print(f"- {note}", soft_wrap=True)
    if contents is None:
        decide = (
            f"decide in {made.folder / 'review.html'} or review.csv, then give it with --resume"
        )
        again = "the same command asks for what is missing again" if made.lacking else ""
        ways = [way for way in (again, decide if made.doubtful else "") if way]
        console.print(f"no benchmark yet: {'; '.join(ways)}", soft_wrap=True)
        return
    console.print(f"benchmark: {made.folder}", soft_wrap=True)
    console.print(f"next: unlearnbench score CHECKPOINT --benchmark {made.folder}", soft_wrap=True)
