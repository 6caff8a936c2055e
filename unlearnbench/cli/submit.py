"""`unlearnbench submit` and `unlearnbench verify`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnbench.cli.common import Json, quieten, stdout

if TYPE_CHECKING:
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
    stdout().print("next: see leaderboard/SUBMITTING.md")
    return 0


def verify(
    paths: Annotated[list[Path], typer.Argument(help="Submission folders.")],
    json: Json = False,
) -> int:
    """Check submissions without their models: files, prompts, verdicts, scores, copies.

    Example: unlearnbench verify leaderboard/submissions/*
    """
    quieten(False)
    from unlearnbench import api_submit

    found = api_submit.verify(paths)
    if json:
        print(jsonlib.dumps([_record(one) for one in found], ensure_ascii=False, indent=1))
    else:
        for one in found:
            _print(one)
    return 0 if all(one.ok for one in found) else REFUSED


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


def visible(text: str) -> str:
    """What a stranger wrote, with anything that could steer a terminal made visible."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
