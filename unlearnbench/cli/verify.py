"""`unlearnbench verify`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import Device, Json, MaxCost, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.errors import SubmissionError
from unlearnbench.options import RunOptions

if TYPE_CHECKING:
    from unlearnbench.submissions.attestations import Attested
    from unlearnbench.submissions.reproduction import Rerun
    from unlearnbench.submissions.verify import Verification

REFUSED = 1
"""Exit code."""


@grown
def verify(
    paths: Annotated[list[Path], typer.Argument(help="Submission folders.")],
    rerun: Annotated[
        str | None,
        typer.Option(help="Also ask this checkpoint again, and compare with the one submission."),
    ] = None,
    rejudge: Annotated[
        str | None,
        typer.Option(help="Also have this judge judge the one submission's answers, and compare."),
    ] = None,
    max_cost: MaxCost = None,
    run_options: RunOptions = RunOptions(),
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check submissions without their models: files, prompts, verdicts, scores, copies.

    What others attest of them is checked too. Leaves with 1 if one is refused, if an attestation
    does not count, or if checkpoint or judge say something else when asked again.

    Example: unlearnbench verify leaderboard/submissions/*
    """
    quieten(quiet)
    from unlearnbench.api import attestations as api_attest
    from unlearnbench.api import submissions as api_submit

    _check_options(paths, rerun, rejudge)
    found = api_submit.verify(paths)
    beside = [api_attest.attestations(one.checked) if one.checked else [] for one in found]
    records = [_record(*one) for one in zip(found, beside, strict=True)]
    again = None
    with progress(quiet) as on_progress:
        if rerun is not None and found[0].ok:
            again = api_attest.rerun(
                paths[0], rerun, device=device, run_options=run_options, on_progress=on_progress
            )
            records[0]["rerun"] = asdict(again.reproduction())
        elif rejudge is not None and found[0].ok:
            again = api_attest.rejudge_submission(
                paths[0],
                rejudge,
                max_cost=max_cost,
                run_options=run_options,
                on_progress=on_progress,
            )
            records[0]["rejudge"] = asdict(again.reproduction())
    if json:
        print(jsonlib.dumps(records, ensure_ascii=False, indent=1))
    else:
        for one, others in zip(found, beside, strict=True):
            _print(one, others)
        if again is not None:
            _print_again(again, "asked" if rerun is not None else "judged")
    count = all(other.ok for others in beside for other in others)
    stands = count and all(one.ok for one in found)
    return 0 if stands and (again is None or again.agrees) else REFUSED


def _check_options(paths: Sequence[Path], rerun: str | None, rejudge: str | None) -> None:
    if rerun is not None and rejudge is not None:
        raise SubmissionError("--rerun, --rejudge: one at a time")
    if (rerun or rejudge) is not None and len(paths) != 1:
        option = "--rerun" if rerun is not None else "--rejudge"
        raise SubmissionError(f"{option}: give the one submission that this belongs to")


def _record(one: Verification, others: Sequence[Attested]) -> dict[str, object]:
    return {
        **_reasons(one),
        "attestations": [
            {
                **_reasons(other),
                "kind": other.claim.kind if other.claim else None,
                "by": other.claim.by if other.claim else None,
                "agreement": asdict(other.agreement.reproduction()) if other.agreement else None,
            }
            for other in others
        ],
    }


def _reasons(one: Verification | Attested) -> dict[str, object]:
    return {
        "path": str(one.folder),
        "ok": one.ok,
        "reasons": [{"code": r.code, "where": r.where, "what": r.what} for r in one.reasons],
    }


def _print(one: Verification, others: Sequence[Attested]) -> None:
    console = stdout()
    said = f"{one.folder}: {'stands' if one.ok else 'refused'}"
    console.print(said, soft_wrap=True)
    for reason in one.reasons:
        console.print(f"  {reason}", soft_wrap=True)
    for other in others:
        print_attested(other, "  ")


def print_attested(one: Attested, indent: str = "") -> None:
    """What an attestation says, or why it does not count."""
    if one.claim is None or not one.ok:
        said = f"does not count: {one.reasons[0]}"
    else:
        said = f"{one.claim.kind} by {one.claim.by}"
        if one.agreement is not None:
            said += ", agrees" if one.agreement.agrees else ", does not agree"
    here = one.folder.is_relative_to(Path.cwd())
    where = one.folder.relative_to(Path.cwd()) if here else one.folder
    stdout().print(f"{indent}{where}: {said}", soft_wrap=True)


def _print_again(again: Rerun, how: str) -> None:
    console = stdout()
    here = f"{again.low:.1%}" if again.low == again.high else f"{again.low:.1%}–{again.high:.1%}"
    retain = f"retain {again.retain[0]:.1%} claimed, {again.retain[1]:.1%} here"
    console.print(
        f"{how} again: {again.n_same} of {again.n_answers} answers are equal to the letter; worst "
        f"case {again.claimed:.1%} claimed, {here} here; {retain}",
        soft_wrap=True,
    )
    for what, facts in (("differ", again.changed), ("open", again.open_facts)):
        if facts:
            console.print(f"  {what}: {', '.join(facts)}", soft_wrap=True)
    if again.same_prompts is False:
        console.print("  other token ids were asked: the libraries differ, or the tokenizer does")
    console.print(
        "agrees" if again.agrees else "does not agree: prompts, facts or retain differ by too much"
    )
