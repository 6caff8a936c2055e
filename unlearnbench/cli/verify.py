"""`unlearnbench verify`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import Against, Bases, Device, Json, MaxCost, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.display import visible_line
from unlearnbench.errors import SubmissionError
from unlearnbench.types.options import RunOptions

if TYPE_CHECKING:
    from unlearnbench.submissions.attestations import Attested
    from unlearnbench.submissions.doubts import Doubt
    from unlearnbench.submissions.reproduction import Rerun
    from unlearnbench.submissions.utility_rerun import UtilityRerun
    from unlearnbench.submissions.verify import Verification

REFUSED = 1
"""Exit code."""


@grown
def verify(
    paths: Annotated[list[Path], typer.Argument(help="Submission folders.")],
    rerun: Annotated[
        str | None,
        typer.Option(help="Also run this checkpoint again, and compare with the one submission."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="With --rerun: the model before unlearning, whose tokenizer, template and stop "
            "tokens are used. Needed unless the checkpoint's own are known to be the same."
        ),
    ] = None,
    rejudge: Annotated[
        str | None,
        typer.Option(help="Also judge the one submission's answers with this judge, and compare."),
    ] = None,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="--rejudge only a sample of 20 forget and 20 retain facts."),
    ] = False,
    bases: Bases = None,
    against: Against = None,
    max_cost: MaxCost = None,
    run_options: RunOptions = RunOptions(),
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check submissions without their models: files, prompts, verdicts, scores, copies.

    Their attestations are checked too. Exits with 1 if a submission is refused, if an attestation
    does not count, or if a rerun or another judge disagrees. A rerun asks with the tokenizer,
    template and stop tokens of the base.

    Example: unlearnbench verify leaderboard/submissions/*
    """
    quieten(quiet)
    from unlearnbench.api import attestations as api_attest
    from unlearnbench.api import submissions as api_submit

    _check_options(paths, rerun, rejudge)
    _check_goes_with(rerun, base, rejudge, sample)
    verifications = api_submit.verify(paths, bases=bases, against=against)
    beside = [
        api_attest.attestations(verification.checked) if verification.checked else []
        for verification in verifications
    ]
    again = _Again(rerun, base, rejudge, sample, bases, max_cost, device, run_options, quiet)
    comparison = again.compare(paths[0]) if verifications[0].ok else None
    if json:
        records = [_record(*found) for found in zip(verifications, beside, strict=True)]
        if comparison is not None:
            records[0][again.name] = asdict(comparison.reproduction())
        print(jsonlib.dumps(records, ensure_ascii=False, indent=1))
    else:
        for pair in zip(verifications, beside, strict=True):
            _print(*pair)
        if comparison is not None:
            _print_comparison(comparison, "asked" if rerun is not None else "judged")
    all_count = all(attestation.ok for attested in beside for attestation in attested)
    accepted = all_count and all(verification.ok for verification in verifications)
    return 0 if accepted and (comparison is None or comparison.agrees) else REFUSED


@dataclass(frozen=True)
class _Again:
    """What is to be asked or judged again, and how."""

    rerun: str | None
    base: str | None
    rejudge: str | None
    sample: bool
    bases: Path | None
    max_cost: float | None
    device: str
    run_options: RunOptions
    quiet: bool

    @property
    def name(self) -> str:
        """Name of the result in JSON."""
        return "rerun" if self.rerun is not None else "rejudge"

    def compare(self, path: Path) -> Rerun | None:
        """Compare a submission with its checkpoint asked again, or its answers judged again."""
        from unlearnbench.api import attestations

        with progress(self.quiet) as on_progress:
            if self.rerun is not None:
                return attestations.rerun(
                    path,
                    self.rerun,
                    base=self.base,
                    device=self.device,
                    run_options=self.run_options,
                    on_progress=on_progress,
                    bases=self.bases,
                )
            if self.rejudge is not None:
                return attestations.rejudge_submission(
                    path,
                    self.rejudge,
                    sample=self.sample,
                    max_cost=self.max_cost,
                    run_options=self.run_options,
                    on_progress=on_progress,
                    bases=self.bases,
                )
        return None


def _check_goes_with(
    rerun: str | None, base: str | None, rejudge: str | None, sample: bool
) -> None:
    if base is not None and rerun is None:
        raise SubmissionError("--base: goes with --rerun, which asks with the base's tokenizer")
    if sample and rejudge is None:
        raise SubmissionError("--sample: give --rejudge JUDGE too")


def _check_options(paths: Sequence[Path], rerun: str | None, rejudge: str | None) -> None:
    if rerun is not None and rejudge is not None:
        raise SubmissionError("--rerun, --rejudge: one at a time")
    if (rerun or rejudge) is not None and len(paths) != 1:
        option = "--rerun" if rerun is not None else "--rejudge"
        raise SubmissionError(f"{option}: give the one submission that this belongs to")


def _record(verification: Verification, attested: Sequence[Attested]) -> dict[str, object]:
    return {
        **_reasons(verification),
        "withdrawn": verification.withdrawn,
        "doubts": [asdict(doubt) for doubt in _doubts(verification)],
        "attestations": [
            {
                **_reasons(attestation),
                "kind": attestation.claim.kind if attestation.claim else None,
                "by": attestation.claim.by if attestation.claim else None,
                "sampled": attestation.sampled,
                "agreement": asdict(attestation.agreement.reproduction())
                if attestation.agreement
                else None,
            }
            for attestation in attested
        ],
    }


def _doubts(verification: Verification) -> Sequence[Doubt]:
    return verification.checked.doubts if verification.checked else ()


def _reasons(checked: Verification | Attested) -> dict[str, object]:
    return {
        "path": str(checked.folder),
        "ok": checked.ok,
        "reasons": [{"code": r.code, "where": r.where, "what": r.what} for r in checked.reasons],
    }


def _print(verification: Verification, attested: Sequence[Attested]) -> None:
    console = stdout()
    state = "stands" if verification.ok else "refused"
    if verification.withdrawn is not None:
        state = f"withdrawn: {verification.withdrawn} (for its submitter alone to do)"
    line = f"{verification.folder}: {state}"
    console.print(visible_line(line), soft_wrap=True)
    for reason in verification.reasons:
        console.print(f"  {reason}", soft_wrap=True)
    for doubt in _doubts(verification):
        bars = "not ranked" if doubt.bars else "shown"
        console.print(f"  doubt, {bars}: {doubt.what}", soft_wrap=True)
    for attestation in attested:
        print_attested(attestation, "  ")


def print_attested(attestation: Attested, indent: str = "") -> None:
    """Print what an attestation says, or why it does not count."""
    if attestation.claim is None or not attestation.ok:
        text = f"does not count: {attestation.reasons[0]}"
    else:
        text = f"{attestation.claim.kind} by {attestation.claim.by}"
        text += " on a sample" if attestation.sampled else ""
        if attestation.agreement is not None:
            text += ", agrees" if attestation.agreement.agrees else ", does not agree"
            text += ", utility measured again" if attestation.agreement.utility else ""
    is_below = attestation.folder.is_relative_to(Path.cwd())
    place = attestation.folder.relative_to(Path.cwd()) if is_below else attestation.folder
    stdout().print(visible_line(f"{indent}{place}: {text}"), soft_wrap=True)


def _print_comparison(comparison: Rerun, verb: str) -> None:
    console = stdout()
    value = (
        f"{comparison.low:.1%}"
        if comparison.low == comparison.high
        else f"{comparison.low:.1%}–{comparison.high:.1%}"
    )
    retain = f"retain {comparison.retain[0]:.1%} claimed, {comparison.retain[1]:.1%} here"
    console.print(
        f"{verb} again: {comparison.n_same} of {comparison.n_answers} answers are identical; worst "
        f"case {comparison.claimed:.1%} claimed, {value} here; {retain}",
        soft_wrap=True,
    )
    for label, facts in (("differ", comparison.changed), ("open", comparison.open_facts)):
        if facts:
            console.print(f"  {label}: {', '.join(facts)}", soft_wrap=True)
    if comparison.same_prompts is False:
        console.print("  the prompts' token ids differ: libraries or tokenizer are not the same")
    if comparison.utility is not None:
        _print_utility(comparison.utility)
    console.print(
        "agrees"
        if comparison.agrees
        else "does not agree: prompts, facts, retain or utility differ too much"
    )


def _print_utility(found: UtilityRerun) -> None:
    """What was measured again of the utility."""
    apart = (
        f"{found.moved:.3f} nats a token apart" if found.moved is not None else "in other tokens"
    )
    line = (
        f"utility measured again: {found.same_answers} of {found.answers} answers are identical, "
    )
    stdout().print(f"{line}prose {apart}", soft_wrap=True)
    for name in found.differ:
        if name in found.metrics:
            claimed, here = (_or_open(value) for value in found.metrics[name])
            stdout().print(f"  differs: {name}, {claimed} claimed, {here} here", soft_wrap=True)
        else:
            stdout().print(f"  differs: {name}", soft_wrap=True)


def _or_open(value: float | None) -> str:
    return "open" if value is None else f"{value:.3f}"
