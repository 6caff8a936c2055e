"""`unlearnbench show`."""

from __future__ import annotations

import json as json_module
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.options import BaseRun, Json, Quiet, Source
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.errors import RunError
from unlearnbench.runs.attacks import attack_kind

if TYPE_CHECKING:
    from unlearnbench.benchmark.contents import Contents
    from unlearnbench.benchmark.quality.check import Report

app = typer.Typer(help="Look at a benchmark, a run, or what is installed.", no_args_is_help=True)


@app.command("benchmark")
def benchmark(
    name: Annotated[str, typer.Argument(help="A shipped benchmark's name, or a folder.")],
    source: Source = None,
    check: Annotated[
        bool, typer.Option("--check", help="Also: every check of paraphrases and facts.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Load a benchmark and count its contents; with --check, look for faults in its rows.

    Exits with 1 if a check finds something.

    Example: unlearnbench show benchmark wkf --check
    """
    quieten(quiet)
    from unlearnbench.api.benchmarks import check_rows
    from unlearnbench.benchmark.contents import contents_of
    from unlearnbench.benchmark.sources import named_benchmark

    loaded = named_benchmark(name, source)
    contents = contents_of(loaded)
    checked = check_rows(loaded) if check else None
    if json:
        record = asdict(contents) | ({} if checked is None else {"check": asdict(checked)})
        print(json_module.dumps(record, indent=2, ensure_ascii=False))
    else:
        print_contents(contents)
        if checked is not None:
            _print_check(checked)
    return 1 if checked is not None and checked.findings else 0


def print_contents(contents: Contents) -> None:
    """Print the contents of a benchmark."""
    from unlearnbench.cli.output import strong, table

    console = stdout()
    console.print(strong(f"{contents.id} {contents.version}", f" {contents.title}"))
    headings = ("facts", "evaluation paraphrases", "training paraphrases")
    view = table("", "split", "tier", *headings, left=2)
    for name, split in contents.splits.items():
        counts = (split.facts, split.paraphrases, split.train_paraphrases)
        view.add_row(name, "", *map(str, counts))
        for tier, n in split.tiers.items():
            view.add_row("", tier, str(n), "", "")
    console.print(view)
    console.print(f"styles: {', '.join(contents.styles)}; judge: {contents.judge}")
    if contents.relearn:
        sets = (f"{name} {rows}" for name, rows in contents.relearn.items())
        console.print(f"relearning sets: {', '.join(sets)}; forms: {contents.forms}")
    console.print(f"fingerprint: {contents.fingerprint}")
    if contents.indirect:
        told = f"indirect questions: {contents.indirect}; their fingerprint: "
        console.print(f"{told}{contents.indirect_fingerprint}", soft_wrap=True)
    for topic, sentence in contents.forgotten.items():
        console.print(strong(f"{topic}:", f" {sentence}"), soft_wrap=True)
    _print_known_by(contents)


def _print_known_by(contents: Contents) -> None:
    """Print how many forget facts each model answers before unlearning."""
    from unlearnbench.cli.output import table

    if not contents.known_by:
        return
    view = table("known by", "model", "judge", "profile", "date", "as worded", "at all", left=4)
    for row in contents.known_by:
        counts = (len(row.original), len(row.original) + len(row.reworded))
        shares = (f"{count} of {row.facts}" for count in counts)
        view.add_row(row.model, row.judge, row.profile, row.date, *shares)
    stdout().print(view)
    some = ", ".join(contents.unknown[:5]) + (", …" if len(contents.unknown) > 5 else "")
    told = f"answered by none of them: {len(contents.unknown)} forget facts ({some})"
    stdout().print(told if some else "every forget fact is answered by some", soft_wrap=True)


def _print_check(checked: Report) -> None:
    for breach in checked.findings:
        stdout().print(f"{breach.rule}: {breach.fact}: {breach.what}", soft_wrap=True)
    counts = (
        f"{checked.facts} facts, {checked.paraphrases} paraphrases, {checked.reviewed} reviewed"
    )
    if checked.notes:
        rules = Counter(breach.rule for breach in checked.notes)
        counts = ", ".join(f"{rule} {n}" for rule, n in sorted(rules.items()))
        stdout().print(f"of facts that are not to be forgotten (see --json): {counts}")
    verdict = f"{len(checked.findings)} findings" if checked.findings else "nothing found"
    stdout().print(f"check: {counts}, mean word overlap at most {checked.overlap:.2f}: {verdict}")


@app.command("run")
def run(
    path: Annotated[Path, typer.Argument(help="A run folder.")],
    leaks: Annotated[
        bool, typer.Option("--leaks", help="Also: for each forget fact, which probes leaked.")
    ] = False,
    fact: Annotated[
        str | None, typer.Option(help="Also: every question and answer of one fact.")
    ] = None,
    jury: Annotated[
        bool,
        typer.Option("--jury", help="Also: how far a jury's members agree, and where they do not."),
    ] = False,
    base: BaseRun = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show a stored run: scores, leaks by fact, single answers; or a stress or relearning run.

    Example: unlearnbench show run runs/wkf-smollm2-135m-1a2b3c4d --leaks
    """
    quieten(quiet)
    if kind := attack_kind(path):
        if leaks or fact or jury or base:
            reason = "--leaks, --fact, --jury and --base are for score runs"
            raise RunError(f"{path} is a {kind} run; {reason}")
        return _show_attack(path, kind, json)
    from unlearnbench.cli.jury import print_jury
    from unlearnbench.cli.leaks import print_fact, print_leaks
    from unlearnbench.cli.runs import print_run
    from unlearnbench.runs.run import load_base
    from unlearnbench.runs.stored import load_judged

    stored = load_judged(path)
    if base is not None:
        stored = stored.against(load_base(base))
    code = 0 if json and (leaks or fact or jury) else print_run(stored, json)
    if leaks:
        print_leaks(stored, json)
    if fact is not None:
        print_fact(stored, fact, json)
    if jury:
        print_jury(stored, json)
    return code


def _show_attack(path: Path, kind: str, json: bool) -> int:
    from unlearnbench.cli.relearn import show_relearn
    from unlearnbench.cli.stress import show_stress
    from unlearnbench.runs.attacks import read_finished
    from unlearnbench.runs.schema import FinishedRelearn

    record = read_finished(path, kind)
    if json:
        print(json_module.dumps({"run": str(path), **record.to_disk()}, ensure_ascii=False))
    elif isinstance(record, FinishedRelearn):
        show_relearn(record)
    else:
        show_stress(record)
    return 1 if record.n_open else 0


@app.command("judges")
def judges(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the Markdown table of judges/README.md.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """List stored calibrations: the judge, the data, the date and the results.

    Example: unlearnbench show judges
    """
    quieten(quiet)
    from unlearnbench.judging.calibrations import markdown_table

    text = markdown_table()
    if markdown:
        print(text)
        return
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    headings, _, *rows = lines
    for row in rows:
        stdout().print(f"{row[0]} on {row[1]}", style="bold")
        for heading, cell in zip(headings[2:], row[2:], strict=True):
            stdout().print(f"  {heading:12} {cell}")


@app.command("plugins")
def plugins(json: Json = False, quiet: Quiet = False) -> None:
    """Describe every benchmark, profile, engine, judge, method and stress test.

    Example: unlearnbench show plugins
    """
    quieten(quiet)
    from rich.table import Table

    from unlearnbench.cli.installed import OWN, installed

    kinds = installed()
    if json:
        record = {
            kind: {
                entry.name: {"about": entry.about, "origin": entry.origin, "broken": entry.broken}
                for entry in names
            }
            for kind, names in kinds.items()
        }
        print(json_module.dumps(record, indent=2, ensure_ascii=False))
        return
    for kind, names in kinds.items():
        stdout().print(kind, style="bold")
        view = Table.grid(padding=(0, 2), pad_edge=True)
        view.add_column(min_width=12, overflow="fold")
        view.add_column(overflow="fold")
        for entry in names:
            from_ = "" if entry.origin == OWN else f" (from {entry.origin})"
            view.add_row(entry.name, f"{'broken: ' if entry.broken else ''}{entry.about}{from_}")
        stdout().print(view)
