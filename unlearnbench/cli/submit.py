"""`unlearnbench submit` and `unlearnbench verify`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnbench.cli.common import Json, Quiet, progress, quieten, stdout
from unlearnbench.cli.score import Device
from unlearnbench.errors import SubmissionError

if TYPE_CHECKING:
    from unlearnbench.submissions.rerun import Rerun
    from unlearnbench.submissions.verify import Verification

REFUSED = 1


def submit(
    run: Annotated[Path, typer.Argument(help="The checkpoint's score run, profile standard.")],
    base: Annotated[Path, typer.Option(help="The base model's score run, asked the same.")],
    name: Annotated[str, typer.Option(help="The row's name.")],
    method: Annotated[str, typer.Option(help="How it was unlearnt.")],
    submitter: Annotated[str, typer.Option(help="Who submits it.")],
    attacks: Annotated[
        list[Path] | None, typer.Argument(help="Its relearn and stress runs, if there are any.")
    ] = None,
    link: Annotated[str, typer.Option(help="https:// address of a paper or checkpoint.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The submission's folder. Default: submissions/NAME.")
    ] = None,
    hub: Annotated[
        str | None, typer.Option(help="OWNER/NAME of a data set: also open a pull request there.")
    ] = None,
) -> int:
    """Make one folder of plain files that anyone can check, for a pull request to the leaderboard.

    Example: unlearnbench submit runs/mine runs/stress-mine --base runs/base --name Mine …
    """
    quieten(False)
    from unlearnbench import api_submit
    from unlearnbench.submissions.bundle import About

    about = About(name, method, submitter, link)
    made = api_submit.submit(run, base, about, attacks=attacks or (), out=out)
    stdout().print(f"submission: {made}", soft_wrap=True)
    if hub is not None:
        stdout().print(f"pull request: {api_submit.publish(made, hub)}", soft_wrap=True)
    else:
        stdout().print("next: see leaderboard/SUBMITTING.md")
    return 0


def verify(
    paths: Annotated[list[Path], typer.Argument(help="Submission folders.")],
    rerun: Annotated[
        str | None,
        typer.Option(help="Also ask this checkpoint again, and compare with the one submission."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The new run's folder. Default: below runs/.")
    ] = None,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check submissions without their models: files, prompts, verdicts, scores, copies.

    Leaves with 1 if one is refused, or if its checkpoint says something else when asked again.

    Example: unlearnbench verify leaderboard/submissions/*
    """
    quieten(quiet)
    from unlearnbench import api_submit

    if rerun is not None and len(paths) != 1:
        raise SubmissionError("--rerun: give the one submission that this checkpoint belongs to")
    found = api_submit.verify(paths)
    records = [_record(one) for one in found]
    again = None
    if rerun is not None and found[0].ok:
        with progress(quiet) as observe:
            again = api_submit.rerun(paths[0], rerun, device=device, out=out, observe=observe)
        records[0]["rerun"] = again.record()
    if json:
        print(jsonlib.dumps(records, ensure_ascii=False, indent=1))
    else:
        for one in found:
            _print(one)
        if again is not None:
            _print_rerun(again)
    stands = all(one.ok for one in found) and (again is None or again.agrees)
    return 0 if stands else REFUSED


def _record(one: Verification) -> dict[str, Any]:
    return {
        "path": str(one.folder),
        "ok": one.ok,
        "reasons": [{"code": r.code, "where": r.where, "what": r.what} for r in one.reasons],
    }


def _print(one: Verification) -> None:
    console = stdout()
    console.print(f"{one.folder}: {'stands' if one.ok else 'refused'}", markup=False)
    for reason in one.reasons:
        console.print(f"  {visible(str(reason))}", markup=False, soft_wrap=True)


def _print_rerun(again: Rerun) -> None:
    console = stdout()
    here = f"{again.low:.1%}" if again.low == again.high else f"{again.low:.1%}–{again.high:.1%}"
    console.print(
        f"asked again: {again.n_same} of {again.n_answers} answers are equal to the letter; worst "
        f"case {again.claimed:.1%} claimed, {here} here",
        soft_wrap=True,
    )
    for what, facts in (("differ", again.changed), ("open", again.open_facts)):
        if facts:
            console.print(f"  {what}: {', '.join(facts)}", markup=False, soft_wrap=True)
    console.print("agrees" if again.agrees else "does not agree: too many facts differ")


def visible(text: str) -> str:
    """What a stranger wrote, with anything that could steer a terminal made visible."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
